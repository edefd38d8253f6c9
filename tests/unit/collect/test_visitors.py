"""`/f/c/history`, `/f/c/receipt` and `/f/c/erase` over HTTP: a visitor's own view, and nobody else's."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import select, update

from firmly.collect.consent_door import APPENDING_PER_SITE, APPENDING_PER_SOURCE, PER_SOURCE
from firmly.consent.keys import PublicKeys, from_base64
from firmly.consent.log_text import Head, Header, commitment_of
from firmly.consent.merkle import fold, leaf_of
from firmly.consent.tables import ConsentEntryRow, ConsentLogRow, ConsentNodeRow, ConsentRecordRow
from tests.collector import ORIGIN, Collector
from tests.unit.collect.test_choices import cookies_of, flags

pytestmark = pytest.mark.anyio

Run = Callable[..., AbstractAsyncContextManager[Collector]]
YES = {"statistics": True}
ROUTES = ["/f/c/history", "/f/c/receipt", "/f/c/erase"]
ELSEWHERE = {"sec-fetch-site": "cross-site"}


async def ask(collector: Collector, path: str, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    collector.client.cookies.clear()
    content = orjson.dumps({"site": collector.site.key, **body})
    return await collector.client.post(path, content=content, headers={"origin": ORIGIN, **(headers or {})})


async def chosen(collector: Collector, *actions: str) -> str:
    """Let a visitor choose one thing after the other, and return their receipt."""
    receipt: str | None = None
    for action in actions:
        source = "signal" if action in ("gpc", "dnt") else "banner"
        more = {"receipt": receipt} if receipt else {}
        answer = await collector.choose(
            action, YES if action == "accept_all" else {}, source=source, headers=ELSEWHERE, **more
        )
        assert answer.status_code == 201, answer.text
        receipt = answer.json()["receipt"]
        collector.clock.advance(minutes=1)
    assert receipt is not None
    return receipt


async def test_history_has_every_record_the_newest_first_and_what_was_shown(run: Run) -> None:
    async with run() as collector:
        receipt = await chosen(collector, "accept_all", "withdraw")
        answer = await ask(collector, "/f/c/history", receipt=receipt)
        said, banner = answer.json(), await collector.banner()
    newest, oldest = said["records"]
    assert (newest["action"], newest["state"], newest["categories"]) == ("withdraw", "withdrawn", [])
    assert {key: oldest[key] for key in ("action", "state", "source", "categories", "banner", "language")} == {
        "action": "accept_all",
        "state": "given",
        "source": "banner",
        "categories": ["statistics"],
        "banner": banner,
        "language": "en",
    }
    assert (oldest["minute"], oldest["sequence"], newest["sequence"]) == ("2026-11-20T10:07Z", 0, 1)
    assert oldest["expires_on"] == "2027-05-20"
    (shown,) = said["saw"].values()
    assert set(said["saw"]) == {f"{banner}/en"}
    assert "Example Ltd" in shown["intro"]
    assert [one["name"] for one in shown["purposes"]] == ["Statistics"]
    assert all(one["about"] for one in shown["purposes"])
    assert "{" not in str(shown["duration"])


async def test_receipt_proves_each_record_with_what_is_in_it(run: Run) -> None:
    """As a browser or an auditor checks it: from the text over its commitment and the path to the signed head."""
    async with run() as collector:
        for _ in range(4):
            await chosen(collector, "reject_all")
        receipt = await chosen(collector, "accept_all", "withdraw")
        await chosen(collector, "gpc")
        said = (await ask(collector, "/f/c/receipt", receipt=receipt)).json()
    head = Head(**said["head"])
    keys = PublicKeys(from_base64(key["public"]) for key in said["keys"])
    assert keys.holds(head.key, head.text, head.signature)
    assert (head.size, said["checkpoint"]) == (7, None)
    for record in said["records"]:
        log = record["log"]
        header = Header(
            site=said["site"],
            commitment=commitment_of(log["nonce"], log["proof"]),
            **{name: log[name] for name in ("sequence", "minute", "kind", "link_commitment", "previous")},
        )
        assert header.hash == log["hash"]
        path = [(side, bytes.fromhex(digest)) for side, digest in log["path"]]
        assert fold(leaf_of(bytes.fromhex(log["hash"])), path).hex() == head.root
        proof = orjson.loads(log["proof"])
        assert [proof[key] for key in ("record", "action", "state")] == [
            record["metadata"]["record_id"],
            record["event"]["event_type"],
            record["event"]["event_state"],
        ]


async def test_receipt_has_the_fields_of_the_specification(run: Run) -> None:
    async with run(privacy_url="https://www.example.com/privacy") as collector:
        receipt = await chosen(collector, "accept_all")
        said = (await ask(collector, "/f/c/receipt", receipt=receipt)).json()
    (record,) = said["records"]
    assert "27560" in said["schema"]
    assert (said["controller"], said["site"]) == ("Example Ltd", collector.site.key)
    processing = record["processing"]
    assert set(processing) == {
        "privacy_notice", "purposes", "pii_controllers", "collection_method", "storage_location", "retention_period",
        "jurisdiction", "recipients", "withdrawal_method", "authority_party",
    }  # fmt: skip
    assert all(processing[key] for key in processing if key != "recipients")
    (purpose,) = processing["purposes"]
    assert (purpose["purpose"], purpose["is_given"], len(purpose["description_sha256"])) == ("statistics", True, 64)
    assert (record["event"]["event_time"], record["event"]["event_state"]) == ("2026-11-20T10:07Z", "given")


async def test_receipt_itself_is_never_answered_back(run: Run) -> None:
    async with run() as collector:
        receipt = await chosen(collector, "accept_all")
        for path, form in (("/f/c/history", "json"), ("/f/c/receipt", "json"), ("/f/c/receipt", "page")):
            answer = await ask(collector, path, receipt=receipt, format=form)
            assert (answer.status_code, receipt in answer.text) == (200, False)
            assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("language", [None, "en", "fi", "xx", "ar-EG"])
async def test_page_is_whole_in_itself_and_does_nothing(run: Run, language: str | None) -> None:
    async with run(controller="<script>alert(1)</script> & Co") as collector:
        receipt = await chosen(collector, "accept_all", "withdraw")
        answer = await ask(collector, "/f/c/receipt", receipt=receipt, format="page", language=language)
    page = answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "sandbox" in answer.headers["content-security-policy"]
    assert ("<script" in page, "src=" in page, "href=" in page, "url(" in page) == (False,) * 4
    assert "&lt;script&gt;" in page
    assert page.count("<section>") == 2
    assert "2026-11-20T10:07Z" in page


async def test_erasing_ends_consent_cuts_the_link_and_keeps_the_proof(run: Run) -> None:
    async with run() as collector:
        receipt = await chosen(collector, "reject_all", "accept_all")
        kept = (await ask(collector, "/f/c/receipt", receipt=receipt)).json()
        answer = await ask(collector, "/f/c/erase", receipt=receipt)
        after = [await ask(collector, path, receipt=receipt) for path in (*ROUTES, "/f/c/token")]
        with collector.firmly.stores.control_plane.reading() as db:
            entries = db.scalars(select(ConsentEntryRow).where(ConsentEntryRow.site_id == collector.site.id)).all()
            rows = db.scalars(select(ConsentRecordRow).where(ConsentRecordRow.site_id == collector.site.id)).all()
    assert answer.json() == {
        "erased": 2,
        "choice": answer.json()["choice"],
        "choice_expires_at": "2027-05-20T00:00:00Z",
        "proof_until": "2030-05-20",
    }
    assert ".none." in answer.json()["choice"]
    assert [one.status_code for one in after] == [404] * 4
    assert [entry.kind for entry in entries] == ["record", "record", "record", "erasure"]
    assert [(entry.link, entry.link_nonce) for entry in entries] == [(None, None)] * 4
    assert all(entry.proof and entry.nonce for entry in entries)
    assert [(row.state, row.receipt_hash, row.language) for row in rows] == [
        ("refused", "", ""),
        ("given", "", ""),
        ("withdrawn", "", ""),
    ]
    assert all(record["metadata"]["pii_principal_id"] not in str(entries[0].proof) for record in kept["records"])


async def test_erasing_what_was_refused_needs_no_withdrawal(run: Run) -> None:
    async with run() as collector:
        receipt = await chosen(collector, "reject_all")
        assert (await ask(collector, "/f/c/erase", receipt=receipt)).json()["erased"] == 1
        with collector.firmly.stores.control_plane.reading() as db:
            kinds = db.scalars(select(ConsentEntryRow.kind).where(ConsentEntryRow.site_id == collector.site.id)).all()
    assert kinds == ["record", "erasure"]


@pytest.mark.parametrize("is_elsewhere", [False, True])
async def test_erasing_sets_the_cookies_where_cookies_are_ours(run: Run, is_elsewhere: bool) -> None:
    async with run() as collector:
        name = f"firmly_receipt_{collector.site.key}"
        receipt = await chosen(collector, "accept_all")
        headers = ELSEWHERE if is_elsewhere else {"cookie": f"{name}={receipt}"}
        answer = await ask(collector, "/f/c/erase", headers, **({"receipt": receipt} if is_elsewhere else {}))
    cookies = cookies_of(answer)
    if is_elsewhere:
        assert cookies == {}
        return
    assert (cookies["firmly_choice"].value, cookies["firmly_choice"]["path"]) == (answer.json()["choice"], "/")
    assert cookies[name].value == ""
    assert flags(cookies[name]) == {"path": "/f/c", "max-age": "0", "samesite": "lax", "httponly": True}


@pytest.mark.parametrize("path", ROUTES)
async def test_without_a_receipt_that_leads_somewhere_there_is_nothing(run: Run, path: str) -> None:
    async with run() as collector:
        await chosen(collector, "accept_all")
        answers = [await ask(collector, path), await ask(collector, path, receipt="ab" * 16)]
        name = f"firmly_receipt_{collector.site.key}"
        answers += [await ask(collector, path, {"cookie": f"{name}=short"})]
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}


@pytest.mark.parametrize("path", ROUTES)
async def test_receipt_of_another_site_leads_nowhere(run: Run, path: str) -> None:
    async with run() as collector, run() as other:
        receipt = await chosen(other, "accept_all")
        assert (await ask(collector, path, receipt=receipt)).status_code == 404
        assert (await ask(other, "/f/c/history", receipt=receipt)).status_code == 200


@pytest.mark.parametrize("path", ROUTES)
async def test_receipt_in_an_address_is_not_looked_at(run: Run, path: str) -> None:
    async with run() as collector:
        receipt = await chosen(collector, "accept_all")
        assert (await ask(collector, f"{path}?receipt={receipt}")).status_code == 404
        assert (await collector.client.get(f"{path}?receipt={receipt}")).status_code == 405


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_foreign_origin_is_refused_and_may_not_read(run: Run, path: str, origin: str) -> None:
    async with run() as collector:
        receipt = await chosen(collector, "accept_all")
        answer = await ask(collector, path, {"origin": origin}, receipt=receipt)
        assert (answer.status_code, cookies_of(answer)) == (403, {})
        assert "access-control-allow-origin" not in answer.headers
        own = await ask(collector, path, receipt=receipt)
        assert own.headers["access-control-allow-origin"] == ORIGIN


async def test_guessing_receipts_is_limited(run: Run) -> None:
    """Over all the routes together: else three doors would take three times as many guesses."""
    async with run() as collector:
        headers = {"x-forwarded-for": "131.228.1.79"}
        statuses = [
            (
                await ask(
                    collector, ("/f/c/history", "/f/c/receipt", "/f/c/token")[n % 3], headers, receipt=f"{n:032x}"
                )
            ).status_code
            for n in range(PER_SOURCE + 4)
        ]
    assert statuses == [404] * PER_SOURCE + [429] * 4


async def test_what_adds_to_the_log_is_limited_more(run: Run) -> None:
    """Choosing and erasing together; reading one's records goes on."""
    async with run() as collector:
        receipt, headers = await chosen(collector, "reject_all"), {"x-forwarded-for": "131.228.1.80"}
        for number in range(APPENDING_PER_SOURCE):
            if number % 2:
                answer = await collector.choose("reject_all", {}, headers=headers)
            else:
                answer = await ask(collector, "/f/c/erase", headers, receipt="ab" * 16)
            assert answer.status_code in (201, 404)
        assert (await collector.choose("reject_all", {}, headers=headers)).status_code == 429
        assert (await ask(collector, "/f/c/erase", headers, receipt=receipt)).status_code == 429
        assert (await ask(collector, "/f/c/history", headers, receipt=receipt)).status_code == 200


async def test_what_adds_to_a_sites_log_is_limited_over_all_sources(run: Run) -> None:
    async with run() as collector:
        statuses = [
            (
                await ask(collector, "/f/c/erase", {"x-forwarded-for": f"18.{n // 250}.{n % 250}.1"}, receipt="ab" * 16)
            ).status_code
            for n in range(APPENDING_PER_SITE + 1)
        ]
    assert statuses == [404] * APPENDING_PER_SITE + [429]


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"site": 1}', b'{"site": "x", "receipt": "short"}', b" " * 70_000]
)
async def test_bad_body_is_a_clear_4xx(run: Run, path: str, body: bytes) -> None:
    async with run() as collector:
        answer = await collector.client.post(path, content=body)
    assert answer.status_code in (400, 413)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_damaged_log_gives_no_proof_and_takes_no_choice_and_says_when_to_ask_again(run: Run) -> None:
    async with run() as collector:
        receipt = await chosen(collector, "reject_all", "gpc", "accept_all", "accept_all")
        for table, values in (
            (ConsentNodeRow, {"hash": "0" * 64}),
            (ConsentLogRow, {"last": "0" * 64}),
        ):
            with collector.firmly.stores.control_plane.session() as db:
                db.execute(update(table).where(table.site_id == collector.site.id).values(**values))
            if table is ConsentLogRow:
                answer = await collector.choose("reject_all", {})
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
                answer = await ask(collector, "/f/c/erase", receipt=receipt)
                assert answer.status_code == 503
            assert (await ask(collector, "/f/c/receipt", receipt=receipt)).status_code == 503
        assert (await ask(collector, "/f/c/history", receipt=receipt)).status_code == 200


@pytest.mark.parametrize("action", ["gpc", "dnt"])
async def test_signal_is_a_refusal_and_grants_nothing(run: Run, action: str) -> None:
    async with run() as collector:
        answer = await collector.choose(action, {}, source="signal", headers=ELSEWHERE)
        assert (answer.status_code, answer.json()["token"]) == (201, None)
        said = (await ask(collector, "/f/c/history", receipt=answer.json()["receipt"])).json()
        (record,) = said["records"]
    assert (record["action"], record["state"], record["source"]) == (action, "refused", "signal")


@pytest.mark.parametrize(
    ("action", "source", "choices"),
    [
        ("gpc", "signal", YES),
        ("gpc", "banner", {}),
        ("dnt", "api", {}),
        ("accept_all", "signal", YES),
        ("custom", "signal", YES),
        ("reject_all", "signal", {}),
        ("expire", "banner", {}),
        ("expire", "signal", {}),
        ("accept_all", "sweep", YES),
    ],
)
async def test_grant_by_a_signal_and_ends_by_a_browser_are_refused(
    run: Run, action: str, source: str, choices: dict[str, bool]
) -> None:
    async with run() as collector:
        answer = await collector.choose(action, choices, source=source)
        assert (answer.status_code, cookies_of(answer)) == (400, {})


async def test_signal_that_comes_again_leaves_no_record_and_moves_no_date(run: Run) -> None:
    async with run() as collector:
        receipt = await chosen(collector, "gpc")
        collector.clock.advance(days=40)
        answer = await collector.choose("gpc", {}, source="signal", receipt=receipt, headers=ELSEWHERE)
        said = (await ask(collector, "/f/c/history", receipt=receipt)).json()
    assert (answer.json()["choice_expires_at"], answer.json()["receipt"]) == ("2027-05-20T00:00:00Z", receipt)
    assert len(said["records"]) == 1
