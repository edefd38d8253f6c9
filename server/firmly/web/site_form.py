"""A site's form: its fields as text, and back into the checked record."""

from collections.abc import Mapping
from dataclasses import replace

from firmly.accounts.site import Site
from firmly.model import BeforeConsent, Confidence, InvalidInputError, Problem
from firmly.web.forms import Form, whole_number

TEXTS = ("name", "origins", "before_consent", "controller", "privacy_url", "language", "query_keys", "goals",
         "retention_days", "min_confidence", "staff_networks")  # fmt: skip
_REFUSED = "these settings cannot be used"


def fields_of(site: Site) -> dict[str, str]:
    """Return a site's instructions as the form shows them: lists are lines."""
    goals = (f"{name}: {', '.join(sorted(props))}" if props else name for name, props in sorted(site.goals.items()))
    return {
        "name": site.name,
        "origins": "\n".join(site.origins),
        "before_consent": site.before_consent.value,
        "controller": site.controller,
        "privacy_url": site.privacy_url,
        "language": site.language,
        "query_keys": "\n".join(sorted(site.query_keys)),
        "goals": "\n".join(goals),
        "titles": "on" if site.titles else "",
        "retention_days": str(site.retention_days),
        "min_confidence": site.min_confidence.value,
        "staff_networks": "\n".join(site.staff_networks),
    }


def given_fields(given: Form) -> dict[str, str]:
    """Return what a form says, to be shown again."""
    return {key: given[key] for key in TEXTS} | {"titles": given["titles"]}


def changed_site(site: Site, fields: Mapping[str, str]) -> Site:
    """Return ``site`` with the instructions of the form.

    Raises:
        InvalidInputError: with every problem of the values.
    """
    return replace(
        site,
        name=fields["name"],
        origins=_origins(fields["origins"]),
        before_consent=_mode(fields["before_consent"]),
        controller=fields["controller"],
        privacy_url=fields["privacy_url"],
        language=fields["language"],
        query_keys=frozenset(_lines(fields["query_keys"])),
        goals=dict(map(_goal, _lines(fields["goals"]))),
        titles=fields["titles"] == "on",
        retention_days=_days(fields["retention_days"]),
        min_confidence=_confidence(fields["min_confidence"]),
        staff_networks=_lines(fields["staff_networks"]),
    )


def _lines(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def _origins(text: str) -> tuple[str, ...]:
    """Return the lines without the slash at the end that browsers show, and copy, after a host."""
    return tuple(dict.fromkeys(line.removesuffix("/") for line in _lines(text)))


def _goal(line: str) -> tuple[str, frozenset[str]]:
    name, _, props = line.partition(": ")
    return name.strip().removesuffix(":"), frozenset(prop.strip() for prop in props.split(",") if prop.strip())


def _mode(text: str) -> BeforeConsent:
    try:
        return BeforeConsent(text)
    except ValueError:
        raise _refused("before_consent", text, "one of the choices") from None


def _confidence(text: str) -> Confidence:
    try:
        return Confidence(text)
    except ValueError:
        raise _refused("min_confidence", text, "one of the choices") from None


def _days(text: str) -> int:
    days = whole_number(text, 5)
    if days is None:
        raise _refused("retention_days", text, "a whole number of days")
    return days


def _refused(key: str, value: str, expected: str) -> InvalidInputError:
    return InvalidInputError(_REFUSED, [Problem(key, value, expected)])
