"""Writes an event as the line that the spool keeps and ClickHouse reads: table `events`, column by column."""

from datetime import timedelta

import orjson

from firmly.measure.arrival import Arrival, Draft
from firmly.model import Detail


def line_of(arrival: Arrival, draft: Draft) -> bytes:
    """Return one JSON line. Where ``detail`` is `counts`, nothing joins it to the visit's other events.

    ``batch`` is no column: it stays in the spool, to recognise a retry after a restart.
    """
    site, organisation = arrival.the_site, arrival.the_organisation
    day = arrival.now.date()
    has_route = organisation.detail is Detail.ROUTE
    record: dict[str, object] = {
        "workspace_id": site.workspace_id,
        "site_id": site.id,
        "day": day,
        "org_id": organisation.id,
        "visit_id": draft.visit.id if draft.visit and has_route else 0,
        "minute": f"{arrival.now:%Y-%m-%d %H:%M:00}" if has_route else f"{day} 00:00:00",
        "seq": draft.seq if has_route else 0,
        "kind": draft.kind,
        "starts_visit": int(draft.starts_visit),
        "basis": arrival.basis,
        "detail": organisation.detail,
        "title": draft.title,
        "referrer_host": draft.referrer_host,
        "source": draft.source,
        "goal": draft.goal,
        "props": draft.props,
        "active_ms": draft.active_ms,
        "scroll_pct": draft.scroll_pct,
        "device": arrival.device.kind,
        "browser": arrival.device.browser,
        "os": arrival.device.os,
        "org_name": organisation.name,
        "org_kind": organisation.kind,
        "org_country": organisation.country,
        "org_domain": organisation.domain,
        "org_asn": organisation.asn,
        "org_registered_name": organisation.registered_name,
        "org_source": organisation.source,
        "org_as_of": organisation.as_of,
        "org_confidence": organisation.confidence,
        "retain_until": day + timedelta(days=site.retention_days),
        "batch": arrival.batch.batch,
    }
    if draft.page:
        record |= {"host": draft.page.host, "path": draft.page.path, "query": draft.page.query, **draft.page.campaign}
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
