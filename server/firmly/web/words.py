"""How numbers, times and closed sets are said in pages: plain, exact, the same everywhere."""

import hashlib
from datetime import date, datetime, timedelta
from typing import assert_never

from firmly.leads.lead import Moment
from firmly.leads.visit import Origin
from firmly.model import BeforeConsent, Confidence, DropReason, OrgKind
from firmly.organisations.overrides import Target
from firmly.web.countries import COUNTRIES

NBSP = "\u00a0"


def number(value: int) -> str:
    return f"{value:,}"


def counted(value: int, one: str, many: str = "") -> str:
    """Return "1 visit", "3 visits"; ``many`` for words whose plural does not end with s."""
    return f"{value:,}{NBSP}{one if value == 1 else many or one + 's'}"


def file_size(size: int) -> str:
    """Return "12 kB" or "3.4 MB"."""
    return f"{max(1, round(size / 1000)):,}{NBSP}kB" if size < 1_000_000 else f"{size / 1_000_000:,.1f}{NBSP}MB"


def percent(share: float) -> str:
    """Return whole per cents; what is more than nothing is never said to be 0 %."""
    if 0 < share < 0.01:
        return f"under 1{NBSP}%"
    if 0.99 < share < 1:
        return f"over 99{NBSP}%"
    return f"{round(share * 100)}{NBSP}%"


def duration(milliseconds: int) -> str:
    """Return "12 s", "4 min", "1 h 5 min": two units at most, seconds only below ten minutes."""
    seconds = round(milliseconds / 1000)
    if seconds < 60:
        return f"{seconds}{NBSP}s"
    minutes, rest = divmod(seconds, 60)
    if minutes < 10 and rest:
        return f"{minutes}{NBSP}min {rest}{NBSP}s"
    if minutes < 60:
        return f"{minutes}{NBSP}min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}{NBSP}h {minutes}{NBSP}min" if minutes else f"{hours}{NBSP}h"


def minutes(milliseconds: int) -> str:
    """Return a time for a column: whole minutes, seconds only below one."""
    seconds = round(milliseconds / 1000)
    return duration(milliseconds if seconds < 60 else round(seconds / 60) * 60_000)


def long_day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def short_day(day: date) -> str:
    return f"{day.day} {day:%b}"


def exact(moment: Moment) -> str:
    day = long_day(moment.at.date())
    return f"{day}, {moment.at:%H:%M} UTC" if moment.is_exact else f"{day} (the time is not kept)"


def ago(moment: Moment, now: datetime) -> str:
    """Return "3 min ago" or, where only the day is kept, "today" or "2 days ago"."""
    passed = max(now - moment.at, timedelta(0))
    days = (now.date() - moment.at.date()).days
    if moment.is_exact and passed < timedelta(hours=24):
        return _recently(passed)
    match days:
        case 0:
            return "today"
        case 1:
            return "yesterday"
        case _ if days < 60:
            return f"{days} days ago"
        case _:
            return f"{days // 30} months ago"


def _recently(passed: timedelta) -> str:
    whole = int(passed.total_seconds()) // 60
    if whole < 1:
        return "just now"
    return f"{whole} min ago" if whole < 60 else f"{whole // 60} h ago"


def country(code: str) -> str:
    return COUNTRIES.get(code, code)


def kind(value: OrgKind) -> str:
    return "non-profit" if value is OrgKind.NONPROFIT else value.value


def confidence(value: Confidence) -> str:
    match value:
        case Confidence.VERY_HIGH:
            return "Very high"
        case Confidence.HIGH:
            return "High"
        case Confidence.MEDIUM:
            return "Medium"
        case Confidence.LOW:
            return "Low"
        case _:
            assert_never(value)


_OUTCOMES: dict[DropReason, tuple[str, str]] = {
    DropReason.UNKNOWN_SITE: ("Unknown site", "The script named a site that does not exist."),
    DropReason.FOREIGN_ORIGIN: ("Foreign site", "Sent from an address that is not among the site's own."),
    DropReason.NO_CONSENT: ("No consent", "No valid consent came with it, so nothing was looked up or kept."),
    DropReason.OBJECTED: ("Objection", "The visitor refused, or the browser sends Global Privacy Control."),
    DropReason.BOT: ("Bots", "Software that says so or behaves so."),
    DropReason.RATE_LIMITED: ("Too many at once", "More than a browser sends; not counted."),
    DropReason.DUPLICATE: ("Repeated", "The same batch arrived again; it counts once."),
    DropReason.FOREIGN_URL: ("Foreign page", "The page is not on one of the site's own addresses."),
    DropReason.UNKNOWN_GOAL: ("Unknown goals", "A goal that the site does not define."),
    DropReason.ADDRESS_REFUSED: ("Unreadable address", "The network address could not be read or trusted."),
    DropReason.PRIVATE_NETWORK: ("Internal networks", "An address from inside a private network."),
    DropReason.HOSTING_NETWORK: ("Hosting and clouds", "A data centre: whoever rents there is not known."),
    DropReason.VPN_NETWORK: ("VPN and relays", "A relay that hides where its users are."),
    DropReason.MOBILE_NETWORK: ("Mobile networks", "A mobile operator's customers."),
    DropReason.HOME_NETWORK: ("Home networks", "An internet provider's customers. Firmly never names them."),
    DropReason.CARRIER_NETWORK: ("Carriers", "A network that carries others' traffic."),
    DropReason.PERSON: ("Single persons", "Registered to a person rather than an organisation."),
    DropReason.TOO_SMALL: ("Too small", "So small that the organisation would be a person."),
    DropReason.NO_EVIDENCE: ("Not certain enough", "A network with too little evidence to name its organisation."),
    DropReason.UNKNOWN_NETWORK: ("Unknown networks", "No data set lists the network."),
    DropReason.EXCLUDED: ("Excluded", "The network is on the operator's list of exclusions."),
    DropReason.NOT_A_COMPANY: (
        "Not a company",
        "A rule of the operator or your team says that this is no organisation.",
    ),
    DropReason.OWN_STAFF: ("Own staff", "A rule of the operator or your team says that these are your own people."),
    DropReason.LOW_CONFIDENCE: ("Below the site's limit", "Named with less confidence than the site asks for."),
}


_LOST = {
    DropReason.CARRIER_NETWORK: "a carrier of others' traffic",
    DropReason.HOME_NETWORK: "an internet provider",
    DropReason.HOSTING_NETWORK: "a data centre",
    DropReason.MOBILE_NETWORK: "a mobile operator",
    DropReason.VPN_NETWORK: "a relay",
}


def outcome(reason: DropReason) -> str:
    return _OUTCOMES[reason][0]


def lost(reason: DropReason | None) -> str:
    """Say why what the data named besides a company was not taken."""
    return "less close to the network" if reason is None else _LOST[reason]


def corrected(outcome: Target | DropReason) -> str:
    """Say what a correction makes of somebody: "Nokia (business, Finland)", "own staff", "not a company"."""
    if isinstance(outcome, Target):
        said = kind(outcome.kind)
        return f"{outcome.name} ({said}, {country(outcome.country)})" if outcome.country else f"{outcome.name} ({said})"
    return inside(_OUTCOMES[outcome][0])


def inside(title: str) -> str:
    """Return ``title`` as it reads inside a sentence: "home networks", but "VPN and relays"."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def outcome_meaning(reason: DropReason) -> str:
    return _OUTCOMES[reason][1]


_SOURCES = {"search": "search", "social": "social media", "ad": "advertisement", "mail": "mail", "referral": "link"}


def origin(value: Origin) -> str:
    """Return where a visit came from: "search on google.com", "mail", "typed or bookmarked"."""
    if value.source in ("", "direct"):
        return "typed or bookmarked"
    said = _SOURCES.get(value.source, value.source)
    place = value.referrer_host or value.utm_source
    return f"{said} on {place}" if place else said


def before_consent(value: BeforeConsent) -> str:
    match value:
        case BeforeConsent.WAIT:
            return "Nothing is measured before the visitor agrees."
        case BeforeConsent.COMPANY:
            return (
                "Company level without cookies before the visitor has chosen. Whether this needs "
                "consent under ePrivacy Art. 5(3) is contested; the controller decides."
            )
        case _:
            assert_never(value)


def initial(name: str) -> str:
    """Return the letter for a company's tile."""
    return next((character.upper() for character in name if character.isalnum()), "?")


def short_hash(text: str) -> str:
    """Return a name for an element that changes with what it shows."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
