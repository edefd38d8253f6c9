"""Where a visit came from: search, social, ad, mail, referral or direct. Pure functions."""

_SEARCH = (
    "google.", "bing.com", "duckduckgo.com", "ecosia.org", "yahoo.", "yandex.", "baidu.com", "qwant.com",
    "startpage.com", "search.brave.com", "seznam.cz", "naver.com", "kagi.com",
)  # fmt: skip
_SOCIAL = (
    "linkedin.com", "lnkd.in", "facebook.com", "fb.com", "instagram.com", "twitter.com", "t.co", "x.com", "xing.com",
    "youtube.com", "reddit.com", "threads.net", "bsky.app", "mastodon.social", "tiktok.com", "pinterest.",
    "news.ycombinator.com",
)  # fmt: skip
_MAIL = ("mail.google.com", "outlook.live.com", "outlook.office.com", "mail.yahoo.com", "mail.proton.me")
_PAID_MEDIA = frozenset(
    {"cpc", "ppc", "paid", "cpm", "cpv", "display", "banner", "ads", "ad", "paidsocial", "retargeting"}
)
_MAIL_MEDIA = frozenset({"email", "e-mail", "mail", "newsletter"})
_SOCIAL_MEDIA = frozenset({"social", "social-media", "social-network", "sm"})


def source_of(referrer_host: str, campaign_source: str, campaign_medium: str, *, has_click_id: bool) -> str:
    """Classify one visit's first page. ``referrer_host`` is "" where there is none or it is the site's own."""
    medium = campaign_medium.lower()
    if has_click_id or medium in _PAID_MEDIA or medium.startswith("paid"):
        return "ad"
    if medium in _MAIL_MEDIA or _is_of(referrer_host, _MAIL):
        return "mail"
    if medium in _SOCIAL_MEDIA or _is_of(referrer_host, _SOCIAL):
        return "social"
    if not referrer_host:
        return "referral" if campaign_source else "direct"
    return "search" if _is_of(referrer_host, _SEARCH) else "referral"


def _is_of(host: str, names: tuple[str, ...]) -> bool:
    """Tell whether ``host`` is one of ``names`` or under it; a name ending in a dot takes any ending."""
    return any(
        (f".{host}".find(f".{name}") >= 0 if name.endswith(".") else host == name or host.endswith("." + name))
        for name in names
    )
