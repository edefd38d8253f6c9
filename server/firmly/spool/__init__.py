"""A durable, segmented, append-only log of newline-delimited JSON: what stands between a 202 and the warehouse.

A segment is a file. `.open` grows, `.sealed` waits for the loader, `.shipped` is in the warehouse and
is kept ten minutes for the batch ids in its lines. Owns files; knows nothing of what a line says.
"""
