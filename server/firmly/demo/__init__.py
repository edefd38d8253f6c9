"""A running example: a sample workspace, a sample website with the script, and realistic traffic.

Everything goes through the real collector. Only the clock of the past thirty days is made up, and
the networks that visitors come from, which reach the collector as a trusted proxy's header does.
"""
