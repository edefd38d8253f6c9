"""The way of an event: named steps, in order, each of which lets it pass or says why not.

``request_steps`` look at the request as a whole; then the organisation is found and the address
dropped; ``event_steps`` reduce each event. A refusal is a `DropReason`, counted and told to the sender.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from firmly.accounts.directory import SiteDirectory
from firmly.consent.token import ConsentTokens
from firmly.measure import reduce
from firmly.measure.arrival import Arrival, Draft
from firmly.measure.bots import turns_out_automatic
from firmly.measure.coverage import CoverageLedger
from firmly.measure.device import Devices
from firmly.measure.lines import LineWriter
from firmly.measure.pages import RememberedPages
from firmly.measure.rates import RateLimiter
from firmly.measure.reduce import NO_CAMPAIGN
from firmly.measure.source import source_of
from firmly.measure.visits import MAX_SEQ, VisitTable
from firmly.measure.wire import Engagement, Event, Goal, PageView
from firmly.model import BeforeConsent, Category, DropReason
from firmly.organisations.confidence import meets
from firmly.organisations.resolve import Resolver

REMEMBERED = 8192
"""How many distinct pages, referring hosts and sources are remembered."""

COVERED_BY = Category.STATISTICS
"""The category that a visitor must have agreed to for page views, engagement and goals."""


@dataclass(slots=True)
class Outcome:
    """What became of a request's events: the lines to store, and how many were dropped for which reason.

    ``refusal`` is set where the request as a whole was refused; then there are no lines.
    ``kept`` counts what names a company; of all of these, ``pageviews`` counts the page views.
    """

    lines: bytes = b""
    kept: int = 0
    dropped: dict[DropReason, int] = field(default_factory=dict)
    pageviews: dict[DropReason | None, int] = field(default_factory=dict)
    refusal: DropReason | None = None

    def drop(self, reason: DropReason, event: Event) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
        self._count(reason, event)

    def keep(self, event: Event) -> None:
        self.kept += 1
        self._count(None, event)

    def _count(self, outcome: DropReason | None, event: Event) -> None:
        if isinstance(event, PageView):
            self.pageviews[outcome] = self.pageviews.get(outcome, 0) + 1


class Pipeline:
    """The collector's steps with the parts they need. For one event loop; it never waits."""

    def __init__(
        self,
        directory: SiteDirectory,
        tokens: ConsentTokens,
        resolver: Resolver,
        ledger: CoverageLedger,
        devices: Devices,
        visit_key_hour: int = 0,
    ) -> None:
        self._directory = directory
        self._tokens = tokens
        self._resolver = resolver
        self._ledger = ledger
        self._devices = devices
        self._rates = RateLimiter()
        self._visits = VisitTable(visit_key_hour)
        self._pages = RememberedPages()
        self._host_of = lru_cache(REMEMBERED)(reduce.host_of)
        self._source_of = lru_cache(REMEMBERED)(source_of)
        self._line_of = LineWriter()
        self.request_steps: tuple[tuple[str, Callable[[Arrival], DropReason | None]], ...] = (
            ("site is known", self._find_site),
            ("origin is the site's", self._check_origin),
            ("consent covers it", self._check_consent),
            ("not too many", self._check_rate),
            ("not a bot", self._check_bot),
        )
        self.event_steps: tuple[tuple[str, Callable[[Arrival, Draft, Event], DropReason | None]], ...] = (
            ("reduce", self._reduce),
            ("classify the source", self._classify_source),
            ("find or start the visit", self._find_visit),
        )

    def admit(self, arrival: Arrival) -> Outcome | None:
        """Look at a request as a whole; None means that its events may be looked at."""
        for _name, step in self.request_steps:
            refusal = step(arrival)
            if refusal is not None:
                return self.refuse(arrival, refusal)
        return None

    def refuse(self, arrival: Arrival, refusal: DropReason) -> Outcome:
        """Drop all events of a request, and its address."""
        arrival.address.drop()
        outcome = Outcome(refusal=refusal)
        for event in arrival.batch.events:
            outcome.drop(refusal, event)
        return outcome

    def run(self, arrival: Arrival) -> Outcome:
        """Find the organisation of an admitted request, drop its address whatever happens, and reduce its events."""
        try:
            refusal = self._resolve(arrival)
        finally:
            arrival.address.drop()
        if refusal is not None:
            return self.refuse(arrival, refusal)
        outcome = Outcome()
        outcome.lines = b"".join([self._line(arrival, event, outcome) for event in arrival.batch.events])
        return outcome

    def count(self, arrival: Arrival, outcome: Outcome) -> None:
        """Enter a request's outcome in the coverage ledger, once its lines are stored."""
        site = None if outcome.refusal is DropReason.UNKNOWN_SITE else arrival.site
        self._ledger.count(site, arrival.now, outcome.dropped, outcome.kept, outcome.pageviews)

    def take_back(self, arrival: Arrival) -> None:
        """Undo the visits that a request started whose lines could not be stored."""
        for visit in arrival.started:
            self._visits.forget(arrival.visit_key, visit)

    def turn(self, now: datetime) -> None:
        """Let keys and what is kept under them die in time, also while nobody asks."""
        self._visits.rotate(now)
        self._rates.turn(now)

    def _line(self, arrival: Arrival, event: Event, outcome: Outcome) -> bytes:
        draft = Draft(type(event).__struct_config__.tag)  # type: ignore[arg-type]  # Our tags are text.
        for _name, step in self.event_steps:
            reason = step(arrival, draft, event)
            if reason is not None:
                outcome.drop(reason, event)
                return b""
        outcome.keep(event)
        return self._line_of(arrival, draft)

    # Steps of a request.

    def _find_site(self, arrival: Arrival) -> DropReason | None:
        site = self._directory.get(arrival.batch.site)
        if site is None:
            return DropReason.UNKNOWN_SITE
        arrival.site = site
        return None

    def _check_origin(self, arrival: Arrival) -> DropReason | None:
        if arrival.origin is not None and arrival.origin not in arrival.site.origins:
            return DropReason.FOREIGN_ORIGIN
        return None

    def _check_consent(self, arrival: Arrival) -> DropReason | None:
        """Fail closed: without a valid token that covers measuring, only `company` mode lets pass.

        A token that does not cover it, or is no longer valid, is not the same as none: the visitor
        chose, and only a choice that stands counts.
        """
        site = arrival.site
        if arrival.batch.token:
            token = self._tokens.read(arrival.batch.token)
            if token is None or not token.is_valid(site.key, arrival.now) or COVERED_BY not in token.granted:
                return DropReason.NO_CONSENT
            arrival.basis = "consent"
            return None
        if site.before_consent is not BeforeConsent.COMPANY:
            return DropReason.NO_CONSENT
        arrival.basis = "company"
        return DropReason.OBJECTED if arrival.objects else None

    def _check_bot(self, arrival: Arrival) -> DropReason | None:
        arrival.device = self._devices.read(arrival.user_agent)
        return DropReason.BOT if arrival.device.is_bot else None

    def _check_rate(self, arrival: Arrival) -> DropReason | None:
        if self._rates.admits(arrival.site.id, arrival.address, arrival.now):
            return None
        return DropReason.RATE_LIMITED

    def _resolve(self, arrival: Arrival) -> DropReason | None:
        staff = self._directory.staff.get(arrival.site.id)
        if staff is not None and not arrival.address.is_refused and staff.find(arrival.address.packed()):
            return DropReason.OWN_STAFF
        rules = self._directory.rules.get(arrival.site.workspace_id)
        if rules is None:
            found = self._resolver.resolve(arrival.address)
        else:
            found = self._resolver.resolve_under(rules, arrival.address, arrival.site.min_confidence)
        if isinstance(found, DropReason):
            return found
        if not meets(found, arrival.site.min_confidence):
            return DropReason.LOW_CONFIDENCE
        arrival.organisation = found
        self._visits.rotate(arrival.now)
        site_id = arrival.site.id
        if arrival.basis == "consent" and arrival.batch.visit:
            arrival.visit_key = self._visits.device_key(site_id, found.id, arrival.batch.visit)
        else:
            # The organisation is in it because a rule or a file may change whose address it is.
            context = site_id.to_bytes(8, "big") + found.id.to_bytes(8, "big") + arrival.device.browser.encode()
            arrival.visit_key = arrival.address.keyed(self._visits.key, b"visit", context)
        return None

    # Steps of an event.

    def _reduce(self, arrival: Arrival, draft: Draft, event: Event) -> DropReason | None:
        site = arrival.site
        if event.url:
            draft.page = self._pages.read(event.url, site.query_keys)
            if draft.page is None or draft.page.origin not in site.origins:
                return DropReason.FOREIGN_URL
        match event:
            case PageView():
                draft.title = reduce.title_of(event.title) if site.titles else ""
                draft.referrer_host = self._host_of(reduce.authority_of(event.referrer))  # No more is remembered.
            case Engagement():
                draft.active_ms, draft.scroll_pct = event.active_ms, event.scroll_pct
            case Goal():
                if event.name not in site.goals:
                    return DropReason.UNKNOWN_GOAL
                draft.goal = event.name
                draft.props = reduce.props_of(event.props, site.goals[event.name])
        return None

    def _classify_source(self, _arrival: Arrival, draft: Draft, event: Event) -> DropReason | None:
        if isinstance(event, PageView) and draft.page:
            if draft.referrer_host == draft.page.host:
                draft.referrer_host = ""
            campaign = draft.page.campaign
            draft.source = self._source_of(
                draft.referrer_host, campaign.source, campaign.medium, has_click_id=draft.page.has_click_id
            )
        return None

    def _find_visit(self, arrival: Arrival, draft: Draft, event: Event) -> DropReason | None:
        campaign = draft.page.campaign if draft.page else NO_CAMPAIGN
        visit, starts = self._visits.find_or_start(arrival.visit_key, arrival.now, campaign[:3])
        if starts:
            arrival.started.append(visit)
        is_page, is_one_device = isinstance(event, PageView), arrival.basis == "consent" and arrival.batch.visit != ""
        if turns_out_automatic(visit, arrival.now, is_page=is_page, is_one_device=is_one_device):
            return DropReason.BOT
        draft.visit, draft.starts_visit, draft.seq = visit, starts, visit.next_seq
        visit.next_seq = min(visit.next_seq + 1, MAX_SEQ)
        return None
