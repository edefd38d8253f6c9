"""Readers of vendors' files: what a file is, and its records as `NetworkFacts`. Only listed keys are read."""
