"""Word lists as text files. See docs/ORGANISATIONS.md for how they are read and tuned."""
