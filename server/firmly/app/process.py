"""One process: its parts behind the edge, with health and metrics; started together, stopped in order."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType

from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from firmly.collect.edge import Edge, place_of
from firmly.collect.status import Status
from firmly.settings import Settings

log = logging.getLogger(__name__)


class Part:
    """Something a process does, which has less to say and to begin where it does not override this."""

    routes: Sequence[BaseRoute] = ()
    direct: Mapping[str, ASGIApp] = MappingProxyType({})
    """Answers paths past the routing."""
    metrics: Sequence[Collector] = ()
    """Labels hold outcomes only."""

    def troubles(self) -> list[str]:
        """Say what keeps it from its work."""
        return []

    def alarms(self) -> list[str]:
        """Say what an operator should look at although it works."""
        return []

    def leave(self) -> None:
        """End what would go on for ever: the server stops, and waits for its answers before the parts stop."""

    async def start(self) -> None:
        return None

    async def stop(self) -> None:
        return None


class Process:
    """``asgi`` serves all parts. ``close`` lets go of the stores once the parts have stopped."""

    def __init__(self, settings: Settings, parts: Sequence[Part], close: Callable[[], None]) -> None:
        self._parts = parts
        self._close = close
        registry = CollectorRegistry()
        for part in parts:
            for metrics in part.metrics:
                registry.register(metrics)
        status = Status(registry, self.troubles, self.alarms, settings.metrics_token)
        routes = [
            *(route for part in parts for route in part.routes),
            Route("/healthz", status.healthz),
            Route("/readyz", status.readyz),
            Route("/metrics", status.metrics),
        ]
        application = Starlette(routes=routes, lifespan=self._lifespan)
        # Its redirects to a path with or without a slash would be made of the Host header.
        application.router.redirect_slashes = False
        direct = {path: answer for part in parts for path, answer in part.direct.items()}
        self.asgi = Edge(application, settings.trusted_proxies, direct)

    def troubles(self) -> list[str]:
        """Say what keeps this process from doing its work right now; empty when nothing does."""
        return list(dict.fromkeys(trouble for part in self._parts for trouble in part.troubles()))

    def alarms(self) -> list[str]:
        """Say what an operator should look at although this process does its work."""
        return [alarm for part in self._parts for alarm in part.alarms()]

    def leave(self) -> None:
        """End the answers that would go on for ever; in the event loop."""
        for part in self._parts:
            part.leave()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the parts for as long as the context lasts; then let them finish, in order, and close."""
        asyncio.get_running_loop().set_exception_handler(_log_loop_error)
        for part in self._parts:
            await part.start()
        try:
            yield
        finally:
            for part in self._parts:
                await part.stop()
            self._close()

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        async with self.running():
            _spare_the_collector()
            yield


async def every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    """Do ``work`` again and again until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        await work()


async def end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _spare_the_collector() -> None:
    """Keep Python's garbage collector from going through what lives as long as the process.

    Tables of holders, lists and code are a million objects. Without this, full collections take a third of the
    time of a busy collector and stop it for a tenth of a second each.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


def _log_loop_error(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Log what failed outside a request without the objects involved: sockets print their peer."""
    error = context.get("exception")
    log.error("the event loop reports: %s", place_of(error) if isinstance(error, BaseException) else "no exception")
