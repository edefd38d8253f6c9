"""Our banner beside vanilla-cookieconsent 3: the same page, the same run, a phone's screen, a slow processor.

Both come from the same small server. Figures are medians of `LOADS` fresh profiles each; every second load is the
other's, so that a noisy machine harms both alike. Needs Chromium and `npm ci` in snippet/ (for the other banner).
"""

import statistics
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import NO_SERVICES
from tests.chromium import find_chromium
from tests.node_modules import node_module
from tests.served import Served, free_port

LOADS = 20
SLOWER = 4
"""How much slower than this machine's the processor is made."""
TAGS = 10
SCREEN = {"width": 390, "height": 844}
SETTLED_MS = 1500
WORK = ("ScriptDuration", "RecalcStyleDuration", "LayoutDuration")
PASSED_ON = ("content-type", "origin", "user-agent", "cookie")

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>A page</title>
<meta name="viewport" content="width=device-width, initial-scale=1">{head}
<h1>A page</h1>{text}{tags}</html>"""
TEXT = "<p>Some text to read, as pages have it, with a line or two before the next paragraph begins.</p>" * 40
OURS = '<script async src="{script}"></script>'
THEIRS = """<link rel="stylesheet" href="/other.css"><script defer src="/other.js"></script>
<script>addEventListener("DOMContentLoaded", () => CookieConsent.run({hideFromBots: false,
categories: {necessary: {enabled: true, readOnly: true}, statistics: {}},
language: {default: "en", translations: {en: {consentModal: {
title: "Privacy choices", description: "Acme Oy asks for your consent to: Statistics – measuring which company visits \
and what is read, never who you are. Your choice, a refusal too, is kept for 6 months.", acceptAllBtn: "Accept all",
acceptNecessaryBtn: "Reject all", showPreferencesBtn: "Choose by purpose"}, preferencesModal: {title: "Privacy choices",
acceptAllBtn: "Accept all", acceptNecessaryBtn: "Reject all", savePreferencesBtn: "Save choices",
closeIconLabel: "Close", sections: [{title: "Statistics", description: "Which company visits this site.",
linkedCategory: "statistics"}]}}}}}))</script>"""
TAG = "{{ const end = performance.now() + 3; while (performance.now() < end); (window.ran ??= []).push({number}) }}"

# Looks at each frame: when is the banner there, within the screen, and not transparent?
WATCH = """(() => { const look = () => { const one = document.querySelector("%s"); if (one) {
const box = one.getBoundingClientRect(), style = getComputedStyle(one);
if (box.height > 0 && box.top < innerHeight && box.bottom <= innerHeight + 1 && style.visibility === "visible"
&& +style.opacity > 0.01) { window.visibleAt = performance.now(); return } } requestAnimationFrame(look) };
requestAnimationFrame(look) })()"""
SHIFTS = """(() => { window.shift = 0; new PerformanceObserver((list) => { for (const one of list.getEntries())
window.shift += one.value }).observe({type: "layout-shift", buffered: true});
window.delays = []; new PerformanceObserver((list) => { for (const one of list.getEntries())
if (one.name === "click") window.delays.push(one.processingStart - one.startTime, one.duration)
}).observe({type: "event", durationThreshold: 16, buffered: true}) })()"""


def run() -> dict[str, object]:
    """Return medians in milliseconds and ratios ours / theirs; ``*_net`` without what the bare page costs."""
    with tempfile.TemporaryDirectory() as folder, _website(Path(folder)) as website, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(NO_SERVICES))
        ours, theirs = _visible(browser, website)
        costs: dict[str, list[float]] = {"bare": [], "ours": [], "theirs": []}
        for _ in range(LOADS):
            for name, values in costs.items():
                values.append(_cost(browser, website, name))
        shifts = _shift(browser, website)
        delay, delay_max, duration = _accept(browser, website)
        browser.close()
    cost = {name: statistics.median(values) for name, values in costs.items()}
    return {
        "visible_ms": round(ours, 1),
        "theirs_visible_ms": round(theirs, 1),
        "visible_ratio": round(ours / theirs, 2),
        "main_thread_ms": round(cost["ours"], 1),
        "theirs_main_thread_ms": round(cost["theirs"], 1),
        "bare_main_thread_ms": round(cost["bare"], 1),
        "main_thread_ratio": round(cost["ours"] / cost["theirs"], 2),
        "main_thread_ratio_net": round((cost["ours"] - cost["bare"]) / (cost["theirs"] - cost["bare"]), 2),
        "layout_shift": shifts,
        "accept_delay_ms": round(delay, 1),
        "accept_delay_max_ms": round(delay_max, 1),
        "accept_duration_ms": round(duration, 1),
        "loads": LOADS,
    }


class _Website:
    """Serves the page with either banner or none, and passes choices and events on to the collector."""

    def __init__(self, served: Served) -> None:
        self.port = free_port()
        self.served = served
        self.origin = f"http://127.0.0.1:{self.port}"
        self.files: dict[str, tuple[str, bytes]] = {}
        other = node_module("vanilla-cookieconsent") / "dist"
        script = f"/f/{served.site.key}.js"
        self.files["/other.css"] = ("text/css", (other / "cookieconsent.css").read_bytes())
        self.files["/other.js"] = ("text/javascript", (other / "cookieconsent.umd.js").read_bytes())
        for number in range(TAGS):
            self.files[f"/tag{number}.js"] = ("text/javascript", TAG.format(number=number).encode())
        held = "".join(
            f'<script type="text/plain" data-category="statistics" src="/tag{number}.js"></script>'
            for number in range(TAGS)
        )
        pages = {
            "bare": ("", ""),
            "ours": (OURS.format(script=script), ""),
            "theirs": (THEIRS, ""),
            "tags": (OURS.format(script=script), held),
        }
        for name, (head, tags) in pages.items():
            self.files[f"/{name}"] = ("text/html", PAGE.format(head=head, text=TEXT, tags=tags).encode())

    def fetch_script(self) -> None:
        path = f"/f/{self.served.site.key}.js"
        self.files[path] = ("text/javascript", httpx.get(self.served.url + path).content)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, website: _Website, *arguments: Any) -> None:
        self._website = website
        super().__init__(*arguments)

    def do_GET(self) -> None:
        kind, body = self._website.files.get(self.path, ("text/plain", b""))
        self._answer(200 if body else 404, kind, body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        passed = {
            name: self.headers[name]
            for name in ("content-type", "origin", "user-agent", "cookie")
            if self.headers[name]
        }
        answer = httpx.post(self._website.served.url + self.path, content=body, headers=passed)
        self._answer(answer.status_code, answer.headers.get("content-type", "text/plain"), answer.content)

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", f"{kind}; charset=utf-8" if kind.startswith("text") else kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Stay silent."""


@contextmanager
def _website(folder: Path) -> Iterator[_Website]:
    port = free_port()
    served = Served(folder / "data", f"http://127.0.0.1:{port}")
    website = _Website(served)
    website.port, website.origin = port, f"http://127.0.0.1:{port}"
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, website))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    served.start()
    try:
        website.fetch_script()
        yield website
    finally:
        server.shutdown()
        server.server_close()
        served.stop()


@contextmanager
def _phone(browser: Browser, *scripts: str) -> Iterator[tuple[Page, Any]]:
    context = browser.new_context(viewport=SCREEN, device_scale_factor=2, is_mobile=True, has_touch=True)  # type: ignore[arg-type]
    for script in scripts:
        context.add_init_script(script)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    try:
        yield page, session
    finally:
        context.close()


def _visible(browser: Browser, website: _Website) -> tuple[float, float]:
    """Return when each banner was first visible, in milliseconds after the navigation began."""
    selectors = {"ours": ".firmly-layer", "theirs": "#cc-main .cm"}
    times: dict[str, list[float]] = {name: [] for name in selectors}
    for _ in range(LOADS):
        for name, selector in selectors.items():
            with _phone(browser, WATCH % selector) as (page, _):
                page.goto(f"{website.origin}/{name}")
                times[name].append(page.wait_for_function("window.visibleAt").json_value())
    return statistics.median(times["ours"]), statistics.median(times["theirs"])


def _cost(browser: Browser, website: _Website, name: str) -> float:
    """Return what a page took of its main thread's own time for scripts, style and layout, in milliseconds.

    Time of the thread, not of the clock: what else runs on the machine does not count. Without a trace, whose stacks
    cost a script more than its work does. Source: Chrome DevTools Protocol, Performance.
    """
    with _phone(browser) as (page, session):
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto(f"{website.origin}/{name}")
        page.wait_for_timeout(SETTLED_MS)
        metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
        return float(1000 * sum(metrics[key] for key in WORK))


def _shift(browser: Browser, website: _Website) -> float:
    with _phone(browser, SHIFTS) as (page, _):
        page.goto(f"{website.origin}/ours")
        page.wait_for_timeout(SETTLED_MS)
        return float(page.evaluate("window.shift"))


def _accept(browser: Browser, website: _Website) -> tuple[float, float, float]:
    """Return how long accepting waits for the page with ten tags held back, at most too, and until its frame.

    A finger's touch on a page that has come to rest; Playwright's own `tap` works in the page before it, which the
    touch would wait for. All tags run, in their order.
    """
    delays, durations = [], []
    for _ in range(LOADS):
        with _phone(browser, SHIFTS) as (page, session):
            page.goto(f"{website.origin}/tags")
            box = page.locator(".firmly-answer").first.bounding_box()
            assert box is not None
            page.wait_for_timeout(SETTLED_MS)
            place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
            session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [place]})
            session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
            page.wait_for_function(f"window.ran?.length === {TAGS} && window.delays.length")
            assert page.evaluate("window.ran.join()") == ",".join(map(str, range(TAGS)))
            delay, duration = page.evaluate("window.delays.slice(0, 2)")
            delays.append(delay)
            durations.append(duration)
    return statistics.median(delays), max(delays), statistics.median(durations)
