"""Writes an event as the line that the spool keeps and ClickHouse reads: table `events`, column by column."""

from datetime import date, timedelta
from functools import lru_cache

import orjson

from firmly.measure.arrival import Arrival, Draft
from firmly.model import Detail, Organisation

REMEMBERED = 4096


class LineWriter:
    """Makes lines. What all events of an organisation on a site and day share is written once and remembered."""

    def __init__(self) -> None:
        self._shared = lru_cache(REMEMBERED)(_shared)

    def __call__(self, arrival: Arrival, draft: Draft) -> bytes:
        """Return one JSON line. Columns at their default are left out; ``batch`` is no column.

        Where ``detail`` is `counts`, nothing joins the event to the visit's others and the day stands
        for the minute. ``batch`` stays in the spool, to recognise a retry after a restart.
        """
        organisation, now = arrival.the_organisation, arrival.now
        record: dict[str, object] = {
            "kind": draft.kind,
            "starts_visit": int(draft.starts_visit),
            "basis": arrival.basis,
            "device": arrival.device.kind,
            "browser": arrival.device.browser,
            "os": arrival.device.os,
        }
        if organisation.detail is Detail.ROUTE and draft.visit:
            record["visit_id"] = draft.visit.id
            record["minute"] = now.isoformat(" ", "minutes")[:16] + ":00"
            record["seq"] = draft.seq
        _add_page(record, draft)
        _add_what_is_set(record, draft, arrival.batch.batch)
        own = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
        site = arrival.the_site
        shared = self._shared(site.workspace_id, site.id, site.retention_days, organisation, now.date())
        return shared + own[1:]


def _add_page(record: dict[str, object], draft: Draft) -> None:
    page = draft.page
    if page is None:
        return
    record["host"], record["path"] = page.host, page.path
    if page.query:
        record["query"] = page.query
    if any(page.campaign):
        campaign = page.campaign
        record["utm_source"], record["utm_medium"], record["utm_campaign"] = campaign[:3]
        record["utm_term"], record["utm_content"] = campaign[3:]


def _add_what_is_set(record: dict[str, object], draft: Draft, batch: str) -> None:
    values: dict[str, object] = {
        "title": draft.title,
        "referrer_host": draft.referrer_host,
        "source": draft.source,
        "goal": draft.goal,
        "props": draft.props,
        "active_ms": draft.active_ms,
        "scroll_pct": draft.scroll_pct,
        "batch": batch,
    }
    record.update({column: value for column, value in values.items() if value})


def _shared(workspace: int, site: int, retention_days: int, organisation: Organisation, day: date) -> bytes:
    """Return the beginning of a line: an object without its closing brace, with a comma at the end."""
    record = {
        "workspace_id": workspace,
        "site_id": site,
        "day": day,
        "org_id": organisation.id,
        "minute": f"{day} 00:00:00",
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
        "retain_until": day + timedelta(days=retention_days),
    }
    if organisation.detail is Detail.ROUTE:
        del record["minute"]  # Each event has its own.
    return orjson.dumps(record)[:-1] + b","
