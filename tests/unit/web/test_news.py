"""Streams that tell of changes: to whom, when, how many, and that they end."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from firmly.model import MemberId, WorkspaceId
from firmly.warehouse.store import WarehouseUnavailableError
from firmly.web.news import BEAT, BEGIN, CHANGED, MAX_OF_MEMBER, MAX_STREAMS, News, StreamResponse
from tests.town import Firm
from tests.unit.web.conftest import Visitor

OURS, THEIRS = WorkspaceId(1), WorkspaceId(2)
ANNA = MemberId(1)
LOOK_S = 0.02
Run = Callable[[Coroutine[Any, Any, None]], None]


class Marks:
    """What the warehouse would answer."""

    def __init__(self) -> None:
        self.of = {OURS: 1, THEIRS: 1}
        self.asked: list[WorkspaceId] = []
        self.is_away = False
        self.threads = set[int]()

    def __call__(self, workspace_id: WorkspaceId) -> int:
        self.asked.append(workspace_id)
        self.threads.add(threading.get_ident())
        if self.is_away:
            raise WarehouseUnavailableError("away")
        return self.of[workspace_id]


class Browser:
    """Reads one stream, as the server would hand it over."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[str | None] = asyncio.Queue()
        self.headers: dict[str, str] = {}
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, str]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.headers = {key.decode(): value.decode() for key, value in message["headers"]}
            return
        self.said.put_nowait(message["body"].decode() if message["more_body"] else None)

    async def hears(self) -> str | None:
        return await asyncio.wait_for(self.said.get(), 5)


@asynccontextmanager
async def reading(
    news: News, workspace_id: WorkspaceId = OURS, *, beat_s: float = 60, check_s: float = 60, stands: bool = True
) -> AsyncIterator[Browser]:
    stream, browser = news.join(workspace_id, ANNA), Browser()
    assert stream is not None

    async def may_go_on() -> bool:
        return stands

    response = StreamResponse(news, stream, may_go_on, beat_s, check_s)
    scope = {"type": "http", "asgi": {"spec_version": "2.3"}}
    task = asyncio.create_task(response(scope, browser.receive, browser.send))
    assert await browser.hears() == BEGIN
    yield browser
    browser.gone.set()
    await asyncio.wait_for(task, 5)


def test_change_is_told_to_the_streams_of_its_workspace_alone() -> None:
    async def run() -> None:
        marks = Marks()
        news = News(marks, LOOK_S)
        async with reading(news) as one, reading(news) as two, reading(news, THEIRS, beat_s=0.2) as other:
            marks.of[OURS] = 2
            assert (await one.hears(), await two.hears()) == (CHANGED, CHANGED)
            assert await other.hears() == BEAT
            assert one.headers["content-type"].startswith("text/event-stream")
            assert one.headers["x-accel-buffering"] == "no"
        assert len(news) == 0
        assert threading.get_ident() not in marks.threads

    asyncio.run(run())


def test_one_question_is_asked_for_all_streams_of_a_workspace_and_none_for_nobody() -> None:
    async def run() -> None:
        marks = Marks()
        news = News(marks, LOOK_S)
        async with reading(news), reading(news), reading(news):
            await asyncio.sleep(10 * LOOK_S)
        assert 1 <= len(marks.asked) <= 12
        await asyncio.sleep(3 * LOOK_S)
        asked = len(marks.asked)
        await asyncio.sleep(5 * LOOK_S)
        assert len(marks.asked) == asked

    asyncio.run(run())


def test_change_right_after_the_beginning_is_told() -> None:
    """How things stood is noted before the stream begins, so that nothing falls between."""

    async def run() -> None:
        marks = Marks()
        news = News(marks, 0.2)
        async with reading(news) as browser:
            marks.of[OURS] = 2
            assert await browser.hears() == CHANGED

    asyncio.run(run())


def test_change_is_told_once_more_since_it_may_not_have_been_whole() -> None:
    async def run() -> None:
        marks = Marks()
        news = News(marks, LOOK_S)
        async with reading(news) as browser:
            marks.of[OURS] = 2
            assert [await browser.hears(), await browser.hears()] == [CHANGED, CHANGED]
            await asyncio.sleep(5 * LOOK_S)
            assert browser.said.empty()

    asyncio.run(run())


def test_change_while_the_warehouse_was_away_is_told_afterwards() -> None:
    async def run() -> None:
        marks = Marks()
        news = News(marks, LOOK_S)
        async with reading(news) as browser:
            marks.is_away, marks.of[OURS] = True, 2
            await asyncio.sleep(5 * LOOK_S)
            assert browser.said.empty()
            marks.is_away = False
            assert await browser.hears() == CHANGED

    asyncio.run(run())


def test_stream_ends_with_the_session() -> None:
    async def run() -> None:
        news = News(Marks(), LOOK_S)
        async with reading(news, beat_s=0.05, check_s=0.05, stands=False) as browser:
            assert await browser.hears() == BEAT
            assert await browser.hears() is None
        assert len(news) == 0

    asyncio.run(run())


def test_all_streams_end_when_the_server_stops() -> None:
    async def run() -> None:
        news = News(Marks(), LOOK_S)
        async with reading(news) as one, reading(news, THEIRS) as two:
            news.end()
            for browser in (one, two):
                while await browser.hears() is not None:
                    pass

    asyncio.run(run())


def test_streams_are_bounded_for_each_member_and_in_all() -> None:
    async def run() -> None:
        news = News(Marks(), LOOK_S)
        own = [news.join(OURS, ANNA) for _ in range(MAX_OF_MEMBER)]
        assert None not in own
        assert news.join(OURS, ANNA) is None
        others = [news.join(OURS, MemberId(number)) for number in range(2, MAX_STREAMS)]
        assert len(news) == MAX_STREAMS
        assert others[-1] is None
        assert own[0] is not None
        news.leave(own[0])
        assert news.join(OURS, ANNA) is not None
        news.end()

    asyncio.run(run())


def test_page_that_is_told_nothing_is_told_so(member: Visitor) -> None:
    assert member.client.get("/app/news").status_code == 204


def test_nobody_gets_news_without_a_session(visitor: Visitor) -> None:
    assert visitor.client.get("/app/news").headers["location"].startswith("/app/sign-in")


@pytest.mark.parametrize("path", ["/app/live", "/app/overview"])
def test_page_of_an_empty_workspace_says_what_to_do(member: Visitor, firm: Firm, path: str) -> None:
    assert 'class="button" href="/app/' in member.text(path)
