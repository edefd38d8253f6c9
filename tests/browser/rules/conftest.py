"""One served Firmly with sites of every kind, one website with a strict policy, and visitors in fresh profiles."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Route

from tests.browser.rules.looks import Look, look_everywhere
from tests.browser.rules.pages import RulesWebsite
from tests.browser.rules.town import Town, running_town
from tests.browser.rules.visitor import Visitor
from tests.collector import BROWSER


@pytest.fixture(scope="session")
def rules_website() -> Iterator[RulesWebsite]:
    website = RulesWebsite()
    server = website.start()
    yield website
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def town(rules_website: RulesWebsite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with running_town(tmp_path_factory.mktemp("rules"), rules_website.origins) as town:
        rules_website.collector = town.served.url
        yield town


@pytest.fixture(scope="session")
def addresses() -> Iterator[str]:
    """Every visitor has a network address of their own: requests are limited by source."""
    return (f"198.51.{number // 250}.{number % 250}" for number in itertools.count(25_000))


@pytest.fixture
def new_visitor(
    chromium: Browser, town: Town, rules_website: RulesWebsite, addresses: Iterator[str]
) -> Iterator[Callable[..., Visitor]]:
    """Make visitors in fresh profiles. ``headers`` come with requests to the collector; ``options`` are a context's."""
    made: list[Visitor] = []

    def make(headers: dict[str, str] | None = None, **options: Any) -> Visitor:
        context = chromium.new_context(**{"user_agent": BROWSER, "locale": "en-GB", **options})
        source = {"x-forwarded-for": next(addresses)}

        def say(route: Route) -> None:
            # A header of the context's would make the browser ask for leave before each request.
            route.continue_(headers={**route.request.headers, **source})

        def say_more(route: Route) -> None:
            # TRICKY: Chromium takes `Sec-` headers out of what `continue_` is given.
            given = {**route.request.headers, **source, **(headers or {})}
            route.fulfill(response=route.fetch(headers=given))

        context.route("**/f/**" if headers else "**/f/c**", say_more if headers else say)
        made.append(Visitor(context, town, rules_website))
        return made[-1]

    yield make
    for visitor in made:
        visitor.context.close()
    assert [visitor.complaints for visitor in made if visitor.complaints] == []


@pytest.fixture
def visitor(new_visitor: Callable[..., Visitor]) -> Visitor:
    return new_visitor()


@pytest.fixture(scope="session")
def looks(chromium: Browser, town: Town, rules_website: RulesWebsite) -> Iterator[list[Look]]:
    """The first layer in every language, theme and viewport."""
    visitor = Visitor(chromium.new_context(), town, rules_website)
    yield look_everywhere(visitor)
    visitor.context.close()
    assert visitor.complaints == []
