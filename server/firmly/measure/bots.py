"""Tells programs from readers: those that say so in their user agent, and visits that no reader makes.

A reader who is taken for a program is lost without a trace, and a program that is taken for a reader
is a page view too many: in doubt it is a reader.
"""

import re
from datetime import datetime, timedelta

import crawleruseragents
import ua_parser_rs

from firmly.measure.visits import Visit

MAX_BURST = 60
BURST = timedelta(seconds=10)
"""More pages of one device in this time are a program's: nobody opens six a second, not even from bookmarks."""
MAX_UNSEEN = 50
UNSEEN = timedelta(minutes=5)
"""More pages in a row over this time, of which none was in view for a moment, are a program's. The script reports
what was in view when it goes out of sight. Pages that a reader opens in the background, and those that many readers
behind one address open at the same time, are looked at sooner."""


class DeclaredBots:
    """The kept list of user agents of bots, all of its expressions tried at once by a compiled matcher."""

    def __init__(self) -> None:
        patterns = [entry["pattern"] for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA]
        # Expressions that look around are not for the compiled matcher. There are none as yet.
        self._few = [re.compile(pattern) for pattern in patterns if "(?" in pattern]
        usual = [(pattern, "bot", None, None, None, None) for pattern in patterns if "(?" not in pattern]
        self._usual = ua_parser_rs.UserAgentExtractor(usual)

    def match(self, user_agent: str) -> bool:
        """Tell whether any expression of the list is found in ``user_agent``."""
        return self._usual.extract(user_agent) is not None or any(one.search(user_agent) for one in self._few)


def turns_out_automatic(visit: Visit, now: datetime, *, is_page: bool, is_one_device: bool) -> bool:
    """Note one event of a visit, and tell whether a program makes the visit; once found, it stays one.

    ``is_one_device``: the visit is told by an id of the device, so that it is one reader's; else it
    may be of many readers with one address, whose pages say nothing by being many.
    """
    if visit.is_automatic or not is_page:
        visit.unseen = 0
        return visit.is_automatic
    if not visit.unseen:
        visit.unseen_since = now
    visit.unseen += 1
    if abs(now - visit.burst_since) > BURST:  # Also where the clock was put back.
        visit.burst, visit.burst_since = 0, now
    visit.burst += 1
    visit.is_automatic = (is_one_device and visit.burst > MAX_BURST) or (
        visit.unseen > MAX_UNSEEN and abs(now - visit.unseen_since) > UNSEEN
    )
    return visit.is_automatic
