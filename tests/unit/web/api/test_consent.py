"""What visitors chose, as programs count it."""

import pytest

from firmly.consent.banner import banner_of
from firmly.consent.choice import Action
from firmly.consent.exports import ConsentExports
from firmly.consent.keys import LogKeys, fingerprint
from firmly.consent.log import ConsentLog
from firmly.consent.receipt import Receipts
from firmly.consent.service import Choice, Consent
from firmly.consent.sweep import ConsentSweep
from firmly.consent.token import ConsentTokens
from firmly.consent.verify import verify
from firmly.model import Category, NotFoundError
from tests.town import KEYS, Firm, Town
from tests.unit.consent.conftest import FILES
from tests.unit.web.api.conftest import Program


def test_choices_are_counted_per_day_and_nothing_else_comes_out(ours: Program, firm: Firm, town: Town) -> None:
    consent = Consent(town.control_plane, ConsentTokens(KEYS), Receipts(KEYS), ConsentLog(LogKeys(KEYS)), town.clock)
    banner = banner_of(firm.site, FILES)
    consent.keep_banner(firm.site, banner)
    yes = Choice(Action.ACCEPT_ALL, frozenset({Category.STATISTICS}), banner.version, "en", "banner")
    chosen = [consent.choose(firm.site, yes, None) for _ in range(2)]
    firm.add_site("Empty", "https://empty.firm.example")

    answer = ours.get(f"/consent/counts?from=2026-03-30&site={firm.site.key}")

    assert answer.json() == {
        "from": "2026-03-30",
        "to": "2026-03-31",
        "items": [{"day": "2026-03-31", "action": "accept_all", "state": "given", "records": 2}],
    }
    assert all(one is not None and one.receipt not in answer.text for one in chosen)
    assert ours.json("/consent/counts?to=2026-03-30")["items"] == []


def test_log_is_read_as_a_bundle_that_verifies_with_its_checkpoints(ours: Program, firm: Firm, town: Town) -> None:
    log = ConsentLog(LogKeys(KEYS))
    consent = Consent(town.control_plane, ConsentTokens(KEYS), Receipts(KEYS), log, town.clock)
    banner = banner_of(firm.site, FILES)
    consent.keep_banner(firm.site, banner)
    consent.choose(firm.site, Choice(Action.REJECT_ALL, frozenset(), banner.version, "en", "banner"), None)
    ConsentSweep(town.control_plane, log, town.clock, 36).look_at(firm.site.id, firm.site.key)

    answer = ours.get(f"/sites/{firm.site.key}/consent/bundle")
    items = ours.json(f"/sites/{firm.site.key}/consent/checkpoints")["items"]

    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [(one["day"], one["size"]) for one in items] == [("2026-03-31", 1)]
    verdict = verify(answer.content.splitlines(), [fingerprint(LogKeys(KEYS).public[0])], items)
    assert (verdict.findings, verdict.entries, verdict.points) == ((), 1, 1)


def test_log_of_another_workspace_is_not_there(ours: Program, town: Town) -> None:
    other = town.firm()
    answers = [ours.get(f"/sites/{key}/consent/{what}") for key in (other.site.key, "nosuchsite") for what in
               ("bundle", "checkpoints")]  # fmt: skip
    assert [answer.status_code for answer in answers] == [404] * 4
    exports = ConsentExports(town.control_plane, ConsentLog(LogKeys(KEYS)), town.clock)
    with pytest.raises(NotFoundError):
        exports.bundle(town.firm().scope, other.site)
