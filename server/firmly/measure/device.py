"""Reduces a user-agent header to families, and tells declared bots. The header itself is never kept on disk."""

from collections import OrderedDict
from dataclasses import dataclass

from ua_parser import Parser, load_lazy_builtins, regex

from firmly.measure.bots import DeclaredBots

MAX_USER_AGENT = 512
CACHED = 4096

_TABLET_FAMILIES = ("iPad", "Kindle", "Tablet")
_MOBILE_SYSTEMS = frozenset({"Android", "iOS", "Windows Phone", "KaiOS"})
_DESKTOP_SYSTEMS = frozenset({"Windows", "Mac OS X", "Linux", "Ubuntu", "Fedora", "Debian", "Chrome OS", "FreeBSD"})
_BROWSERS = frozenset(
    {
        "Amazon Silk",
        "Android",
        "Avast Secure Browser",
        "Baidu Browser",
        "BlackBerry WebKit",
        "Brave",
        "Chrome",
        "Chrome Mobile",
        "Chrome Mobile WebView",
        "Chrome Mobile iOS",
        "Chromium",
        "Coc Coc",
        "DuckDuckGo",
        "DuckDuckGo Mobile",
        "Ecosia Android",
        "Ecosia iOS",
        "Edge",
        "Edge Mobile",
        "Epiphany",
        "Facebook",
        "Facebook Messenger",
        "Firefox",
        "Firefox Mobile",
        "Firefox iOS",
        "Google",
        "HeyTap Browser",
        "Honor Browser",
        "Huawei Browser",
        "IE",
        "IE Mobile",
        "Instagram",
        "KakaoTalk",
        "Konqueror",
        "LINE",
        "LinkedIn",
        "Maxthon",
        "Microsoft Teams",
        "MiuiBrowser",
        "Mobile Safari",
        "Mobile Safari UI/WKWebView",
        "Oculus Browser",
        "Opera",
        "Opera GX",
        "Opera Mini",
        "Opera Mobile",
        "Opera Touch",
        "Outlook",
        "Pale Moon",
        "Pinterest",
        "QQ Browser",
        "QQ Browser Mobile",
        "Safari",
        "Samsung Internet",
        "SeaMonkey",
        "Slack Desktop Client",
        "Snapchat",
        "Sogou Explorer",
        "Telegram",
        "TikTok",
        "Twitter",
        "UC Browser",
        "Vivaldi",
        "WeChat Browser",
        "Whale",
        "Yandex Browser",
    }
)
_SYSTEMS = (
    _MOBILE_SYSTEMS
    | _DESKTOP_SYSTEMS
    | {"BlackBerry OS", "Mac OS", "NetBSD", "OpenBSD", "Solaris", "Tizen", "WatchOS", "tvOS", "webOS"}
)
"""Closed lists: the parser copies other names out of the header, where anybody can write anything."""
_USUAL = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


@dataclass(frozen=True, slots=True)
class Device:
    """``kind`` is desktop, mobile, tablet or other; families are of a closed list, "Other" if not in it."""

    kind: str
    browser: str
    os: str
    is_bot: bool


class Devices:
    """Reads user agents through a bounded memory of the latest distinct ones."""

    def __init__(self) -> None:
        self._parser = Parser(regex.Resolver(load_lazy_builtins()))
        self._bots = DeclaredBots()
        self._known: OrderedDict[str, Device] = OrderedDict()
        self._classify(_USUAL)  # The parser compiles at its first use, which takes a while.

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
        if not text or self._bots.match(text):
            return Device("other", "Other", "Other", is_bot=True)
        result = self._parser.parse(text)
        browser = result.user_agent.family if result.user_agent else "Other"
        system = result.os.family if result.os else "Other"
        family = result.device.family if result.device else ""
        return Device(
            kind=_kind(text, system, family),
            browser=browser if browser in _BROWSERS else "Other",
            os=system if system in _SYSTEMS else "Other",
            is_bot=family == "Spider",
        )


def _kind(text: str, system: str, family: str) -> str:
    if any(name in family for name in _TABLET_FAMILIES) or (system == "Android" and "Mobile" not in text):
        return "tablet"
    if system in _MOBILE_SYSTEMS:
        return "mobile"
    return "desktop" if system in _DESKTOP_SYSTEMS else "other"
