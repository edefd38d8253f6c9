"""The commands of `firmly`, a file for each group. They print; they decide nothing."""
