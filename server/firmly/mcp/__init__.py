"""Lets an assistant read a workspace: the JSON API as tools of the Model Context Protocol. Changes nothing.

Speaks to Firmly as any program does, over HTTP with a token; it opens no store.
"""
