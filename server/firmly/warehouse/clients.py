"""A few connections of one kind, lent to one thread at a time and made when they are first needed."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import OperationalError


class Clients:
    """At most ``most`` connections; who asks for one more waits until one is given back."""

    def __init__(self, connect: Callable[[], Client], most: int) -> None:
        self._connect = connect
        self._free: queue.LifoQueue[Client | None] = queue.LifoQueue()
        for _ in range(most):
            self._free.put(None)
        self._closing = threading.Lock()
        self._is_closed = False

    @contextmanager
    def one(self) -> Iterator[Client]:
        """Lend a connection. Raises whatever connecting raises; the place is free again then.

        Raises:
            OperationalError: closed, which `Warehouse` tells as unavailable. Whoever waits is told at once.
        """
        client = self._free.get()
        try:
            if self._is_closed:
                raise OperationalError("the warehouse is closed")
            if client is None:
                client = self._connect()
            yield client
        finally:
            self._take_back(client)

    def close(self) -> None:
        """Close what is not lent now; what is, when it is given back. Waits for nobody."""
        with self._closing:
            self._is_closed = True
            with suppress(queue.Empty):
                while True:
                    if client := self._free.get_nowait():
                        client.close()
            # One place stays: it goes from one who waits to the next, and each finds out.
            self._free.put(None)

    def _take_back(self, client: Client | None) -> None:
        with self._closing:
            if self._is_closed and client is not None:
                client.close()
                client = None
            self._free.put(client)
