"""The collector's pipeline: one request's events through named steps to company-level lines."""
