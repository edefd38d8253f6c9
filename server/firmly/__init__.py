"""Firmly: know which firms visit - never who."""

__version__ = "0.1.0"
