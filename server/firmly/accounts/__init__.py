"""The control plane: workspaces, members, sign-in, and the sites that are their instructions.

Owns who may see which workspace (`Scope`) and what each site measures (`Site`). It stores no
network address and knows nothing of visitors, HTTP or ClickHouse.
"""
