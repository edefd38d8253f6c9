"""The sample website: a few pages that embed the script by a first-party path, on a port of their own.

It passes `/f/` on to the collector as a site's own web server would, and says for every visitor
which network they come from: the one picked at the bottom of the page. That is how you can visit as
somebody else from your own browser.
"""

from html import escape

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from firmly.collect.body import read_body
from firmly.collect.edge import Edge
from firmly.demo.visitors import Crowd, Network

NAME = "Harbour Pumps"
PAGES = {
    "/": ("Pumps that run for decades", "Dosing and vacuum pumps for water works, breweries and laboratories."),
    "/products": ("Products", "Two families of pumps, forty sizes, one service contract."),
    "/products/dosing-pumps": ("Dosing pumps", "From 0.1 to 4,000 litres an hour, with a drift under half a per cent."),
    "/products/vacuum-pumps": ("Vacuum pumps", "Oil-free, quiet, and repairable with three tools."),
    "/pricing": ("Pricing", "List prices in the open. Volume rebates from ten pumps."),
    "/case-studies/water-works": ("Case study: a water works", "How a town halved its chemicals and slept better."),
    "/blog/choosing-a-pump": ("Choosing a pump", "Five questions to ask before you ask for an offer."),
    "/careers": ("Careers", "We build pumps. You could too."),
    "/contact": ("Contact", "Write to us, or call. A person answers."),
}
_NAVIGATION = ("/products", "/pricing", "/case-studies/water-works", "/blog/choosing-a-pump", "/careers", "/contact")
_PASSED_ON = ("content-type", "user-agent", "origin", "cookie", "sec-fetch-site", "sec-gpc", "if-none-match")
_GIVEN_BACK = ("content-type", "etag", "cache-control", "x-firmly-dropped", "retry-after", "vary")
_STYLE = """
:root { color-scheme: light dark; --sea: light-dark(#0b3c5d, #9fd0ee); --ground: light-dark(#fbfaf7, #10161b);
  --text: light-dark(#1d2429, #e6ebee); --quiet: light-dark(#5a6670, #9aa7b0); --line: light-dark(#dfe3e6, #27323a);
  font: 17px/1.6 system-ui, sans-serif; background: var(--ground); color: var(--text); }
body { margin: 0; }
header, main, footer { max-width: 60rem; margin: 0 auto; padding: 1.1rem 1.25rem; box-sizing: border-box; }
header { display: flex; flex-wrap: wrap; gap: .35rem 1.25rem; align-items: baseline;
  border-bottom: 1px solid var(--line); }
header b { margin-right: auto; font-size: 1.1rem; letter-spacing: -.01em; }
a { color: var(--sea); text-decoration: none; } a:hover { text-decoration: underline; }
header > a { font-size: .92rem; }
main { padding-block: clamp(2.5rem, 9vw, 6rem); }
h1 { font-size: clamp(2rem, 6.5vw, 3.6rem); line-height: 1.08; letter-spacing: -.025em; max-width: 18ch;
  margin: 0 0 1rem; }
main p { font-size: 1.2rem; color: var(--quiet); max-width: 46ch; margin: 0; }
footer { border-top: 1px solid var(--line); font-size: .92rem; color: var(--quiet); padding-bottom: 14rem; }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
select, button { font: inherit; color: inherit; max-width: 100%; padding: .35rem .6rem; border-radius: 6px;
  border: 1px solid var(--quiet); background: transparent; }
option { background: var(--ground); }
"""


class Website:
    """Serves the pages and passes `/f/` on. One visitor at a time is picked for everybody who looks."""

    def __init__(self, site_key: str, collector: httpx.AsyncClient, crowd: Crowd, networks: list[Network]) -> None:
        self._site_key = site_key
        self._collector = collector
        self._networks = {network.name: network for network in networks}
        self._crowd = crowd
        self._picked = networks[0].name
        self._address = crowd.address_in(networks[0])
        routes = [
            Route("/visit-as", self._pick, methods=["POST"]),
            *(Route(path, self._pass_on, methods=["POST"]) for path in ("/f/e", "/f/c", "/f/c/token")),
            Route(f"/f/{site_key}.js", self._pass_on, methods=["GET"]),
            Route("/{path:path}", self._page),
        ]
        # The same guard as in front of the collector: no error of a request is printed with what it held.
        self.asgi = Edge(Starlette(routes=routes), ())

    async def _page(self, request: Request) -> Response:
        page = PAGES.get(request.url.path)
        if page is None:
            return HTMLResponse("Not found", 404)
        return HTMLResponse(self._html(*page), headers={"cache-control": "no-store"})

    async def _pick(self, request: Request) -> Response:
        number = (await read_body(dict(request.scope["headers"]), request.receive)).removeprefix(b"as=")
        places = {str(place).encode(): network for place, network in enumerate(self._networks.values())}
        network = places.get(number)
        if network is not None:
            self._picked, self._address = network.name, self._crowd.address_in(network)
        return RedirectResponse("/", 303)

    async def _pass_on(self, request: Request) -> Response:
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        answer = await self._collector.request(
            request.method,
            request.url.path,
            content=await read_body(dict(request.scope["headers"]), request.receive),
            headers={**headers, "x-forwarded-for": self._address},
        )
        response = Response(answer.content, answer.status_code)
        for name in _GIVEN_BACK:
            if name in answer.headers:
                response.headers[name] = answer.headers[name]
        for cookie in answer.headers.get_list("set-cookie"):
            response.headers.append("set-cookie", cookie)
        self._collector.cookies.clear()
        return response

    def _html(self, title: str, text: str) -> str:
        links = " ".join(f'<a href="{path}">{escape(PAGES[path][0])}</a>' for path in _NAVIGATION)
        options = "".join(
            f'<option value="{number}"{" selected" if name == self._picked else ""}>{escape(name)}</option>'
            for number, name in enumerate(self._networks)
        )
        return (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)} - {NAME}</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<style>{_STYLE}</style>"
            f'<script async src="/f/{self._site_key}.js"></script>'
            f'<header><b><a href="/">{NAME}</a></b>{links}</header>'
            f"<main><h1>{escape(title)}</h1><p>{escape(text)}</p></main>"
            '<footer><form method="post" action="/visit-as"><label>This is a sample website. '
            f'Visit it from the network of <select name="as">{options}</select></label> <button>Visit</button></form>'
            '<p><a href="#cookie-settings">Privacy choices</a></p></footer></html>'
        )
