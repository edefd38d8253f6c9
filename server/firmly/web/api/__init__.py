"""The JSON API for members' programs under `/api/v1`: bearer tokens, never cookies.

Each operation is one row of `table.OPERATIONS`; routes, checks and the OpenAPI document come from it.
"""
