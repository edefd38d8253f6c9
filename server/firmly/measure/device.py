"""Reduces a user-agent header to families, and tells declared bots. The header itself is never kept on disk."""

from collections import OrderedDict
from dataclasses import dataclass

import crawleruseragents
from ua_parser import Parser, load_builtins, regex

MAX_USER_AGENT = 512
CACHED = 4096

_TABLET_FAMILIES = ("iPad", "Kindle", "Tablet")
_MOBILE_SYSTEMS = frozenset({"Android", "iOS", "Windows Phone", "KaiOS"})
_DESKTOP_SYSTEMS = frozenset({"Windows", "Mac OS X", "Linux", "Ubuntu", "Fedora", "Debian", "Chrome OS", "FreeBSD"})


@dataclass(frozen=True, slots=True)
class Device:
    """``kind`` is desktop, mobile, tablet or other; families as ua-parser names them, "Other" if unknown."""

    kind: str
    browser: str
    os: str
    is_bot: bool


class Devices:
    """Reads user agents through a bounded memory of the latest distinct ones."""

    def __init__(self) -> None:
        self._parser = Parser(regex.Resolver(load_builtins()))
        self._known: OrderedDict[str, Device] = OrderedDict()

    def read(self, user_agent: str) -> Device:
        """Classify one header value, "" where the client sent none (a bot: every browser sends one)."""
        known = self._known.get(user_agent)
        if known is not None:
            return known
        device = self._classify(user_agent[:MAX_USER_AGENT])
        if len(user_agent) <= MAX_USER_AGENT:
            self._known[user_agent] = device
            if len(self._known) > CACHED:
                self._known.popitem(last=False)
        return device

    def _classify(self, text: str) -> Device:
        if not text or crawleruseragents.is_crawler(text):
            return Device("other", "Other", "Other", is_bot=True)
        result = self._parser.parse(text)
        browser = result.user_agent.family if result.user_agent else "Other"
        system = result.os.family if result.os else "Other"
        family = result.device.family if result.device else ""
        is_bot = family == "Spider"
        return Device(_kind(text, system, family), browser, system, is_bot)


def _kind(text: str, system: str, family: str) -> str:
    if any(name in family for name in _TABLET_FAMILIES) or (system == "Android" and "Mobile" not in text):
        return "tablet"
    if system in _MOBILE_SYSTEMS:
        return "mobile"
    return "desktop" if system in _DESKTOP_SYSTEMS else "other"
