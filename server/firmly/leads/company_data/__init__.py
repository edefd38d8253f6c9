"""The team's own data about companies, by domain: reading it from a file, its facts, imports that can be undone."""
