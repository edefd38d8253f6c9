"""A few connections of one kind, lent to one thread at a time and made when they are first needed."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clickhouse_connect.driver.client import Client


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
        """Lend a connection. Raises whatever connecting raises; the place is free again then."""
        client = self._free.get()
        try:
            if client is None:
                client = self._connect()
            yield client
        finally:
            self._take_back(client)

    def close(self) -> None:
        """Close what is not lent now; what is, when it is given back. Waits for nobody."""
        with self._closing:
            self._is_closed = True
            while not self._free.empty():
                if client := self._free.get_nowait():
                    client.close()

    def _take_back(self, client: Client | None) -> None:
        with self._closing:
            if self._is_closed and client is not None:
                client.close()
                client = None
            self._free.put(client)
