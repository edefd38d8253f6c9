"""How a route is put together from events."""

import pytest

from firmly.leads.visit import Event, Step, route_of

HOST = "www.firm.example"


def view(seq: int, path: str, host: str = HOST) -> Event:
    return (seq, "pageview", host, path, "", "", 0)


def beat(seq: int, path: str, ms: int, host: str = HOST) -> Event:
    return (seq, "engagement", host, path, "", "", ms)


@pytest.mark.parametrize(
    ("events", "steps"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([view(0, "/"), beat(1, "/", 500)], [("/", 500)], id="one page"),
        pytest.param([view(0, "/"), beat(1, "/", 500), beat(2, "/", 250)], [("/", 750)], id="beats add up"),
        pytest.param([view(0, "/"), view(1, "/a"), beat(2, "/", 9)], [("/", 9), ("/a", 0)], id="late beat"),
        pytest.param([view(0, "/"), view(1, "/"), beat(2, "/", 9)], [("/", 0), ("/", 9)], id="same page twice"),
        pytest.param([view(0, "/"), beat(1, "/other", 9)], [("/", 9)], id="beat of an unknown page"),
        pytest.param([beat(0, "/", 9), view(1, "/")], [("/", 0)], id="beat before any page"),
    ],
)
def test_route_gives_time_to_the_page_it_was_spent_on(events: list[Event], steps: list[tuple[str, int]]) -> None:
    assert route_of(events) == tuple(Step(HOST, path, "", ms) for path, ms in steps)


def test_route_tells_hosts_apart() -> None:
    events = [view(0, "/"), view(1, "/", "shop.example"), beat(2, "/", 9)]
    assert [step.active_ms for step in route_of(events)] == [9, 0]
