"""A website with as strict a policy as there is, and the servers of others whose content it embeds."""

import itertools
import re
import threading
import time
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.served import free_port

NONCE = "cnVsZXMgb2YgY29uc2VudA"
PARAGRAPHS = "".join(f"<p>Paragraph {number} of a page that is longer than any screen.</p>" for number in range(60))
READING = (
    '<main><h1>Herons</h1><p><a id="first" href="#last">To the end</a></p>'
    f'{PARAGRAPHS}<p><a id="last" href="#first">To the start</a></p></main>'
)
PAGE = """<!doctype html><html lang="{language}" dir="{direction}"><head><meta charset="utf-8"><title>Herons</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
{head}<script async{nonce} src="{script}"></script></head><body>{body}</body></html>"""
PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")


@dataclass(frozen=True, slots=True)
class Markup:
    head: str
    body: str
    language: str
    direction: str
    script: str
    policy: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for something of the vendor's."""

    host: str
    path: str


class RulesWebsite:
    """Serves pages that tests write, under three names, and the vendor's scripts, frames and images under a fourth.

    ``origin`` shares its host with the collector, so that the collector's cookies are first-party and
    visible; ``own`` is a name with a parent domain, with the collector on another site.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.own = f"http://www.herons.localhost:{self.port}"
        self.vendor = f"http://vendor.localhost:{self.port}"
        self.collector = ""
        self.asked: list[Asked] = []
        self._pages: dict[str, Markup] = {}
        self._numbers = itertools.count(1)

    @property
    def origins(self) -> tuple[str, ...]:
        return self.origin, self.own

    def start(self) -> ThreadingHTTPServer:
        server = ThreadingHTTPServer(("127.0.0.1", self.port), partial(_Handler, self))
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    def page(
        self,
        key: str,
        *,
        head: str = "",
        body: str = READING,
        language: str = "en",
        direction: str = "ltr",
        origin: str = "",
        folder: str = "/",
        policy: str = "",
    ) -> str:
        """Publish a page of the site with this key and return its address.

        ``{nonce}`` and ``{vendor}`` in ``head`` and ``body`` become the page's nonce and the vendor's origin;
        ``policy`` replaces the policy with nonces.
        """
        path = f"{folder}page-{next(self._numbers)}"
        script = f"{self.collector}/f/{key}.js"
        self._pages[path] = Markup(self._fill(head), self._fill(body), language, direction, script, policy)
        return (origin or self.origin) + path

    def asked_for(self, name: str) -> int:
        """Return how often the vendor was asked for a file."""
        return sum(one.path == f"/vendor/{name}" for one in self.asked)

    def markup(self, path: str) -> Markup | None:
        return self._pages.get(path)

    def policy(self, markup: Markup) -> str:
        if markup.policy:
            return self._fill(markup.policy)
        return (
            f"default-src 'none'; script-src 'nonce-{NONCE}' 'strict-dynamic'; connect-src {self.collector}; "
            f"style-src 'none'; img-src {self.vendor}; frame-src {self.vendor}; base-uri 'none'; "
            "require-trusted-types-for 'script'; trusted-types firmly"
        )

    def _fill(self, text: str) -> str:
        places = {"{nonce}": NONCE, "{vendor}": self.vendor, "{collector}": self.collector}
        return re.sub(r"\{(nonce|vendor|collector)\}", lambda place: places[place[0]], text)


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, website: RulesWebsite, *arguments: object) -> None:
        self._website = website
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        markup = self._website.markup(path)
        if markup:
            body = PAGE.format(
                language=markup.language,
                direction=markup.direction,
                head=markup.head,
                nonce="" if markup.policy else f' nonce="{NONCE}"',
                script=markup.script,
                body=markup.body,
            )
            self._answer(body.encode(), "text/html; charset=utf-8", self._website.policy(markup))
        elif path.startswith("/vendor/"):
            self._website.asked.append(Asked(self.headers["host"], path))
            self._answer(*_vendor_file(path.removeprefix("/vendor/")))
        else:
            self._answer(b"", "text/plain", status=404)

    def _answer(self, body: bytes, kind: str, policy: str = "", status: int = 200) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("cache-control", "no-store")
        # Modules of others' are loaded only with leave.
        self.send_header("access-control-allow-origin", "*")
        if policy:
            self.send_header("content-security-policy", policy)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Stay silent."""


def _vendor_file(name: str) -> tuple[bytes, str]:
    """``slow-*`` takes its time, ``slower*`` as long as a visitor who withdraws; every script notes that it ran."""
    if name.startswith("slow"):
        time.sleep(3 if name.startswith("slower") else 0.3)
    if name.endswith(".js"):
        return f"(window.ran ??= []).push('{name.removesuffix('.js')}')".encode(), "text/javascript"
    if name.endswith(".gif"):
        return PIXEL, "image/gif"
    return b"<!doctype html><title>Vendor</title><p>Content of the vendor's.", "text/html; charset=utf-8"
