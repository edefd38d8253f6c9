"""Serves Firmly so that a proof can read what it writes: columns uncompressed, and a door that fails on purpose.

The failing application stands inside the edge, where every handler stands, and puts all it can see
of a request into its error.
"""

import os
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from firmly.app import Firmly
from firmly.collect.edge import Edge
from firmly.model import system_clock
from firmly.process import config_of, harden, start_logging
from firmly.settings import read_settings
from firmly.warehouse.store import Warehouse, open_embedded


class FailingDoor:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/f/fails":
            message = await receive()
            raise RuntimeError(f"cannot handle {scope!r} {message!r}")
        await self._app(scope, receive, send)


def uncompressed(folder: Path) -> Warehouse:
    return open_embedded(folder, extra_table_settings={"default_compression_codec": "'NONE'"})


def main() -> None:
    settings = read_settings(os.environ)
    harden()
    start_logging(settings)
    firmly = Firmly(settings, system_clock, uncompressed)
    assert isinstance(firmly.asgi, Edge)
    inner = FailingDoor(firmly.asgi._app)
    uvicorn.Server(
        config_of(Edge(inner, settings.trusted_proxies, firmly.asgi._direct), settings.host, settings.port)
    ).run()


if __name__ == "__main__":
    main()
