"""The composition root: builds the services of a process once from the settings and joins the edges.

`parts` says what a process is made of; `process` runs parts; `firmly` names the processes there are:
`serve`, and the same parts apart. Nothing below constructs services or knows more than its neighbours.
"""

from firmly.app.data_dir import control_plane_url, prepare_data_dir
from firmly.app.firmly import Firmly

__all__ = ["Firmly", "control_plane_url", "prepare_data_dir"]
