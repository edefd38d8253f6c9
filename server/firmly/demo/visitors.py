"""Makes up visitors: where they come from, when, what they look at. Deterministic for a given seed."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from random import Random

import orjson

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
BROWSERS = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/142.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_SAFARI} Version/18.4 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) {_SAFARI} Version/18.4 Mobile/15E148 Safari/604.1",
)
BOTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
)
ROUTES = (
    ("/", "/products", "/products/dosing-pumps", "/pricing"),
    ("/", "/products/dosing-pumps", "/case-studies/water-works", "/contact"),
    ("/blog/choosing-a-pump", "/products"),
    ("/products/vacuum-pumps", "/pricing", "/contact"),
    ("/pricing",),
    ("/",),
    ("/careers",),
    ("/blog/choosing-a-pump",),
    ("/case-studies/water-works", "/products/dosing-pumps", "/pricing", "/contact"),
)
ARRIVALS = (
    ("https://www.google.com/", ""),
    ("https://www.google.com/", ""),
    ("https://www.bing.com/", ""),
    ("", ""),
    ("", ""),
    ("https://www.linkedin.com/feed/", ""),
    ("https://www.linkedin.com/", "?utm_source=linkedin&utm_medium=paid-social&utm_campaign=autumn-pumps"),
    ("", "?utm_source=newsletter&utm_medium=email&utm_campaign=november"),
    ("https://www.pumpsandsystems.example/review", ""),
)
ACCEPTANCE = 0.64


@dataclass(frozen=True, slots=True)
class Network:
    """Where a visitor may come from. ``kind`` is an organisation's, or "" for those that are not shown."""

    name: str
    kind: str
    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """One page looked at: path and query, the seconds it was in view, how far it was scrolled."""

    at: datetime
    path: str
    referrer: str
    seconds: int
    scroll_pct: int


@dataclass(frozen=True, slots=True)
class Visitor:
    address: str
    user_agent: str
    accepts: bool
    looks: tuple[Look, ...]


def networks() -> tuple[tuple[Network, ...], tuple[Network, ...]]:
    """Return organisations, and networks for which nobody is named."""
    sample = orjson.loads((files("firmly.demo") / "networks.json").read_bytes())
    return _networks(sample["organisations"]), _networks(sample["others"])


def _networks(rows: list[dict[str, object]]) -> tuple[Network, ...]:
    return tuple(Network(str(row["name"]), str(row.get("kind", "")), tuple(row["networks"])) for row in rows)  # type: ignore[arg-type]


class Crowd:
    """An endless supply of visitors: a few firms come often, most once; many visitors are at home."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311  # A demo, no secret.
        self._organisations, self._others = networks()
        self._weights = [1 / (place + 2) for place in range(len(self._organisations))]

    def past(self, now: datetime, days: int, visits_a_day: int) -> Iterator[Visitor]:
        """Yield the visitors of the past ``days`` in the order they came, fewer at weekends and at night."""
        first = now - timedelta(days=days)
        for number in range(days + 1):
            day = (first + timedelta(days=number)).replace(hour=0, minute=0, second=0, microsecond=0)
            count = visits_a_day if day.weekday() < 5 else visits_a_day // 5
            hours = sorted(self._random.gauss(12.5, 3.2) % 24 for _ in range(count))
            for hour in hours:
                at = day + timedelta(hours=hour)
                if at < now - timedelta(minutes=5):
                    yield self.visitor(at)

    def visitor(self, at: datetime) -> Visitor:
        random = self._random
        is_firm = random.random() < 0.55
        network = random.choices(self._organisations, self._weights)[0] if is_firm else random.choice(self._others)
        is_bot = not is_firm and random.random() < 0.2
        return Visitor(
            self.address_in(network),
            random.choice(BOTS if is_bot else BROWSERS),
            is_bot or random.random() < ACCEPTANCE,
            self._looks(at),
        )

    def address_in(self, network: Network) -> str:
        prefix = ipaddress.ip_network(self._random.choice(network.prefixes))
        return str(prefix[self._random.randrange(1, min(prefix.num_addresses - 1, 2**24))])

    def _looks(self, at: datetime) -> tuple[Look, ...]:
        random = self._random
        referrer, campaign = random.choice(ARRIVALS)
        looks = []
        for place, path in enumerate(random.choice(ROUTES)):
            seconds = min(int(random.lognormvariate(3.2, 0.8)), 400)
            query = campaign if place == 0 else ""
            looks.append(Look(at, path + query, referrer if place == 0 else "", seconds, random.randrange(20, 101)))
            at += timedelta(seconds=seconds + 2)
        return tuple(looks)
