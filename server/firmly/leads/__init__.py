"""Leads: the organisations that visited, as the members of one workspace may see them."""
