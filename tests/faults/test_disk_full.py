"""A spool on a small disk of its own that runs full: 503, nothing acknowledged is lost, and it recovers by itself."""

import asyncio
import itertools
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.collector import BROWSER, ORIGIN
from tests.served import FIRMLY, Served, event_body, serving

DISK_BYTES = 512 * 1024


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a file system of half a megabyte, which takes root."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0700", "none", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def _post(served: Served, token: str, paths: list[str]) -> dict[str, httpx.Response]:
    """Post one event per path, eight at a time, and return the answers."""
    todo, answers = iter(paths), dict[str, httpx.Response]()
    async with httpx.AsyncClient(base_url=served.url, timeout=20) as client:

        async def browse(number: int) -> None:
            headers = {"origin": ORIGIN, "user-agent": BROWSER, "x-forwarded-for": f"18.0.0.{number + 1}"}
            for path in todo:
                answers[path] = await client.post(
                    "/f/e", content=event_body(served, token, path), headers=headers | {"content-type": "text/plain"}
                )

        await asyncio.gather(*(browse(number) for number in range(8)))
    return answers


@contextmanager
def greedy_neighbour(ballast: Path) -> Iterator[None]:
    """Take what room there is, and at once what the spool frees: else a fast loader keeps it going on one page."""
    done = threading.Event()

    def take() -> None:
        with ballast.open("ab", buffering=0) as file:
            while not done.wait(0.001):
                with suppress(OSError):
                    while True:
                        file.write(bytes(1024))

    thread = threading.Thread(target=take)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _post_until_full(served: Served, token: str, name: str) -> set[str]:
    """Post until the disk is full; check every answer, and return what was acknowledged."""
    acknowledged = set[str]()
    for burst in range(40):
        answers = asyncio.run(_post(served, token, [f"/{name}-{burst}/{number}" for number in range(100)]))
        statuses = {path: answer.status_code for path, answer in answers.items()}
        assert set(statuses.values()) <= {202, 503}
        assert {answer.headers["retry-after"] for answer in answers.values() if answer.status_code == 503} <= {"10"}
        acknowledged |= {path for path, status in statuses.items() if status == 202}
        if 202 not in statuses.values():
            return acknowledged
    raise AssertionError("the disk did not run full")


def _until_it_takes_events(served: Served, token: str, name: str, seconds: float = 15) -> set[str]:
    """Post a single event again and again, as a script does, until it is acknowledged."""
    end = time.monotonic() + seconds
    for number in itertools.count():
        if time.monotonic() > end:
            break
        [(path, answer)] = asyncio.run(_post(served, token, [f"/{name}-again/{number}"])).items()
        if answer.status_code == 202:
            return {path}
        assert answer.status_code == 503
        time.sleep(0.2)
    raise AssertionError(f"no event was taken for {seconds} seconds: {httpx.get(served.url + '/readyz').text}")


def _paths(served: Served) -> list[str]:
    return sorted(str(row["path"]) for row in served.rows("select path from events"))


def test_disk_that_others_fill_is_refused_and_taken_again_when_there_is_room(tmp_path: Path) -> None:
    served = Served(tmp_path / "data", ORIGIN)
    with small_disk(served.data_dir / "spool") as disk, serving(served):
        token = served.token()
        acknowledged = _until_it_takes_events(served, token, "empty")
        ballast = disk / "ballast"
        with greedy_neighbour(ballast):
            acknowledged |= _post_until_full(served, token, "full")
            readiness = httpx.get(f"{served.url}/readyz")
        assert (readiness.status_code, readiness.json()["ready"]) == (503, False)
        assert "No space left on device" in readiness.text
        ballast.unlink()
        acknowledged |= _until_it_takes_events(served, token, "room")
        assert httpx.get(f"{served.url}/readyz").status_code == 200
        served.stop()
        assert _paths(served) == sorted(acknowledged)


@pytest.mark.parametrize("min_free_bytes", ["65536", "0"] if os.environ.get("TEST_LONG") else ["65536"])
def test_disk_that_events_fill_while_no_loader_runs_is_emptied_by_the_loader(
    tmp_path: Path, min_free_bytes: str
) -> None:
    """Shipped segments would stay ten minutes: on a full disk they go at once, or nothing could be taken."""
    served = Served(tmp_path / "data", ORIGIN, environ={"FIRMLY_SPOOL_MIN_FREE_BYTES": min_free_bytes})
    with small_disk(served.data_dir / "spool"):
        served.start((*FIRMLY, "collect"))
        try:
            token = served.token()
            acknowledged = _post_until_full(served, token, "fill")
            assert len(acknowledged) > 100
            served.kill()
            served.start()
            acknowledged |= _until_it_takes_events(served, token, "loaded")
        finally:
            served.stop()
        assert _paths(served) == sorted(acknowledged)
