"""Connections are made when needed, kept, lent to one thread at a time, and closed when the last is back."""

import threading
from contextlib import ExitStack
from typing import cast

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import OperationalError

from firmly.warehouse.clients import Clients
from firmly.warehouse.store import Warehouse, WarehouseUnavailableError


class Connection:
    def __init__(self) -> None:
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


class Made:
    """Makes connections and keeps them for the test to look at."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.is_away = False

    def __call__(self) -> Client:
        if self.is_away:
            raise ConnectionRefusedError
        self.connections.append(Connection())
        return cast("Client", self.connections[-1])


def test_connection_is_made_when_needed_and_used_again() -> None:
    made = Made()
    clients = Clients(made, 3)
    assert made.connections == []
    for _ in range(4):
        with clients.one():
            pass
    assert len(made.connections) == 1
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(clients.one())
    assert len(made.connections) == 3


def test_connection_that_cannot_be_made_takes_no_place() -> None:
    made = Made()
    clients = Clients(made, 1)
    made.is_away = True
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError), clients.one():
            pass
    made.is_away = False
    with clients.one() as client:
        assert cast("object", client) is made.connections[0]


def test_closing_waits_for_nobody_and_closes_what_comes_back() -> None:
    made = Made()
    clients = Clients(made, 2)
    with clients.one():
        with clients.one():
            pass
        clients.close()
        assert [connection.is_closed for connection in made.connections] == [False, True]
    assert [connection.is_closed for connection in made.connections] == [True, True]


def test_closed_ones_are_lent_to_nobody_and_who_waits_is_told() -> None:
    clients = Clients(Made(), 1)
    told: list[bool] = []

    def ask() -> None:
        with pytest.raises(OperationalError), clients.one():
            pass
        told.append(True)

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(3)]
    with clients.one():
        for thread in threads[:2]:
            thread.start()
        clients.close()
        threads[2].start()
        for thread in threads:
            thread.join(5)
        assert told == [True, True, True], "also while one is still lent"


def test_closed_warehouse_is_unavailable() -> None:
    warehouse = Warehouse(lambda _settings: Made()(), lambda: None, 1, lambda *_: None)
    warehouse.close()
    with pytest.raises(WarehouseUnavailableError, match="closed"):
        warehouse.insert("events", b"{}\n", "token")
    with pytest.raises(WarehouseUnavailableError, match="closed"):
        warehouse.rows("company_count_days", {})
    assert not warehouse.is_reachable()
