"""Remembers how plain page addresses are reduced. Memory only, bounded, and nothing that could name anybody."""

from firmly.measure.reduce import MASK, Page, page_of
from firmly.measure.wire import MAX_URL

REMEMBERED = 8192
MAX_LENGTH = 256


class RememberedPages:
    """Reduces addresses of pages, the plain ones once.

    Plain is what is short, has no query, and had nothing masked: an address with a token or a name
    in its query would otherwise stay in memory for as long as the process runs. `reduce` remembers none.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, frozenset[str]], Page] = {}

    def read(self, url: str, query_keys: frozenset[str]) -> Page | None:
        """Like `reduce.page_of`; None also for an address of more than `MAX_URL` characters."""
        known = self._known.get((url, query_keys))
        if known is not None:
            return known
        page = page_of(url, query_keys) if len(url) <= MAX_URL else None
        if page is not None and len(url) <= MAX_LENGTH and "?" not in url and "#" not in url and MASK not in page.path:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[url, query_keys] = page
        return page
