"""Writes an event as the line that the spool keeps and ClickHouse reads: table `events`, column by column.

What comes again and again - an organisation on a site and day, a page, a device - is turned into
JSON once and remembered, so that a line is four pieces put together.
"""

from collections.abc import Callable, Hashable
from datetime import date, datetime, timedelta
from typing import Generic, TypeVar

import orjson

from firmly.accounts.site import Site
from firmly.measure.arrival import Arrival, Draft
from firmly.measure.device import Device
from firmly.measure.reduce import NO_CAMPAIGN, Page
from firmly.model import Detail, Organisation

REMEMBERED = 8192

T = TypeVar("T")


class LineWriter:
    """Makes lines. Memory only, bounded, and nothing in it but reduced values."""

    def __init__(self) -> None:
        self._pages = _Pieces(_of_page)
        self._devices = _Pieces(_of_device)
        self._organisations = _Pieces(_of_organisation)
        self._sites: dict[tuple[int, int, int], bytes] = {}
        self._minute, self._minute_text = 0, ""

    def __call__(self, arrival: Arrival, draft: Draft) -> bytes:
        """Return one JSON line. Columns at their default are left out; ``batch`` is no column.

        Where ``detail`` is `counts`, nothing joins the event to the visit's others and the day stands
        for the minute. ``batch`` stays in the spool, to recognise a retry after a restart.
        """
        own = orjson.dumps(_own(arrival, draft, self._minute_of(arrival.now)), option=orjson.OPT_APPEND_NEWLINE)
        pieces = (
            self._of_site(arrival.site, arrival.now.toordinal()),
            self._organisations.of(arrival.organisation),
            self._devices.of(arrival.device),
            self._pages.of(draft.page) if draft.page else b"",
            own[1:],
        )
        return b"".join(pieces)

    def _minute_of(self, now: datetime) -> str:
        minute = now.toordinal() * 1440 + now.hour * 60 + now.minute
        if minute != self._minute:
            self._minute, self._minute_text = minute, f"{now:%Y-%m-%d %H:%M}:00"
        return self._minute_text

    def _of_site(self, site: Site, day: int) -> bytes:
        key = site.id, site.retention_days, day
        known = self._sites.get(key)
        if known is None:
            if len(self._sites) >= REMEMBERED:
                self._sites.clear()
            known = self._sites[key] = _opened(_site(site, date.fromordinal(day)))
        return known


class _Pieces(Generic[T]):
    """Remembers what objects look like in a line, by identity: comparing them would cost more than writing."""

    def __init__(self, write: Callable[[T], bytes]) -> None:
        self._write = write
        self._known: dict[Hashable, tuple[T, bytes]] = {}

    def of(self, thing: T) -> bytes:
        known = self._known.get(id(thing))
        if known is not None and known[0] is thing:  # Else another object was at the same place in memory.
            return known[1]
        piece = self._write(thing)
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[id(thing)] = thing, piece
        return piece


def _own(arrival: Arrival, draft: Draft, minute: str) -> dict[str, object]:
    """Return the columns that are this event's alone; ``minute`` is the text of the whole minute."""
    record: dict[str, object] = {
        "kind": draft.kind,
        "starts_visit": int(draft.starts_visit),
        "basis": arrival.basis,
    }
    if arrival.organisation.detail is Detail.ROUTE and draft.visit:
        record["visit_id"] = draft.visit.id
        record["minute"] = minute
        record["seq"] = draft.seq
    else:
        record["minute"] = minute[:10] + " 00:00:00"
    match draft.kind:
        case "pageview":
            record["source"] = draft.source
            if draft.referrer_host:
                record["referrer_host"] = draft.referrer_host
            if draft.title:
                record["title"] = draft.title
        case "goal":
            record["goal"], record["props"] = draft.goal, draft.props
        case _:
            record["active_ms"], record["scroll_pct"] = draft.active_ms, draft.scroll_pct
    if arrival.batch.batch:
        record["batch"] = arrival.batch.batch
    return record


def _site(site: Site, day: date) -> dict[str, object]:
    return {
        "workspace_id": site.workspace_id,
        "site_id": site.id,
        "day": day,
        "retain_until": day + timedelta(days=site.retention_days),
    }


def _of_organisation(organisation: Organisation) -> bytes:
    record: dict[str, object] = {
        "org_id": organisation.id,
        "detail": organisation.detail,
        "org_name": organisation.name,
        "org_kind": organisation.kind,
        "org_country": organisation.country,
        "org_domain": organisation.domain,
        "org_asn": organisation.asn,
        "org_registered_name": organisation.registered_name,
        "org_source": organisation.source,
        "org_as_of": organisation.as_of,
        "org_confidence": organisation.confidence,
    }
    if organisation.alternatives:
        record["org_alternatives"] = [
            {"name": one.name, "source": one.source, "reason": one.reason or ""} for one in organisation.alternatives
        ]
    return _inner(record)


def _of_device(device: Device) -> bytes:
    return _inner({"device": device.kind, "browser": device.browser, "os": device.os})


def _of_page(page: Page) -> bytes:
    record = {"host": page.host, "path": page.path}
    if page.query:
        record["query"] = page.query
    if page.campaign is not NO_CAMPAIGN:
        names = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
        record |= {name: value for name, value in zip(names, page.campaign, strict=True) if value}
    return _inner(record)


def _opened(record: dict[str, object]) -> bytes:
    """Return an object without its closing brace, with a comma at the end."""
    return orjson.dumps(record)[:-1] + b","


def _inner(record: dict[str, object] | dict[str, str]) -> bytes:
    """Return an object's members, with a comma at the end."""
    return orjson.dumps(record)[1:-1] + b","
