"""RULES R20, R22 to R25 and R27, as far as a browser sees them: what is on record, and what proves it."""

import json
import re
import subprocess
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from playwright.sync_api import Page, expect

from tests.browser.rules.town import Town
from tests.browser.rules.visitor import (
    Visitor,
    answer,
    choose,
    dialog,
    granted,
    layer,
    open_preferences,
    withdraw,
)
from tests.served import FIRMLY, ROOT

pytestmark = pytest.mark.browser

ASK = """async ([collector, path, body]) => {
  const answer = await fetch(collector + path, { method: "POST", credentials: "include", body: JSON.stringify(body) });
  return [answer.status, await answer.text()];
}"""


def ask(page: Page, visitor: Visitor, path: str, site: str = "shop", **body: object) -> tuple[int, Any]:
    """Post to the collector as scripts of the page can; return the status and the JSON of the answer."""
    said = {"site": visitor.town.sites[site].key, **body}
    status, text = page.evaluate(ASK, [visitor.town.served.url, path, said])
    return status, json.loads(text)


def receipt_of(visitor: Visitor) -> str:
    return next(str(one["value"]) for one in visitor.context.cookies() if one["name"].startswith("firmly_receipt"))


def firmly(town: Town, *arguments: str, code: int = 0) -> str:
    """Run a command beside the served process, without a network address to ask."""
    environ = {**town.served.environ, "PATH": "/usr/bin:/bin"}
    done = subprocess.run([*FIRMLY, *arguments], env=environ, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_r20_a_record_leads_to_the_exact_text_style_and_code_that_was_seen(visitor: Visitor) -> None:
    page = visitor.open()
    shown = [text for text in layer(page).locator("p, li, button, a").all_text_contents() if text]
    with page.expect_response(lambda response: response.url.endswith("/en.js")) as loaded:
        open_preferences(page)
    said_later = dialog(page).locator(".firmly-option > .firmly-about").all_text_contents()
    page.keyboard.press("Escape")
    answer(page, "accept")
    _, history = ask(page, visitor, "/f/c/history")
    version = history["records"][0]["banner"]
    assert version == visitor.sent("/f/c")[0]["banner"] == visitor.town.version("shop")
    key = visitor.town.sites["shop"].key
    bundle = httpx.get(f"{visitor.town.served.url}/f/{key}/{version}.json")
    assert sha256(bundle.content).hexdigest() == version
    assert "immutable" in bundle.headers["cache-control"]
    stored = bundle.json()
    script = httpx.get(f"{visitor.town.served.url}/f/{key}.js").text
    for part in ("core.js", "signals.js", "banner.js"):
        assert stored["code"][part] in script
    assert loaded.value.text().endswith(stored["code"]["preferences.js"])
    config, texts = stored["config"], stored["config"]["texts"]["en"]
    values = {"controller": config["controller"], "months": "6 months", "label": texts["label"]}
    values["providers"] = "{providers}"
    filled = " ".join(re.sub(r"\{(\w+)\}", lambda place: values.get(place[1], place[0]), one) for one in texts.values())
    for provider in config["providers"].values():
        filled += texts["recipients"].replace("{providers}", provider)
    for text in shown:
        for part in re.split(r" – |(?<=[a-z])\. (?=Recipients)|(?<=\.) (?=Privacy policy)", text):
            words = next((name for name in ("Preferences", "Statistics", "Marketing") if part == name), part)
            assert words in filled, text
    assert said_later == [
        stored["preferences"]["en"]["texts"][f"{name}_more"]
        for name in ("necessary", "preferences", "statistics", "marketing")
    ]


def test_r22_the_proof_can_be_handed_on_and_verifies_by_itself(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.open("centre")
    answer(page, "accept")
    withdraw(page)
    site = visitor.town.sites["centre"]
    bundle = tmp_path / "bundle"
    firmly(visitor.town, "consent", "export", site.key, str(bundle))
    alone = {"PATH": "/usr/bin:/bin", "FIRMLY_DATA_DIR": str(tmp_path / "nothing")}
    command = [*FIRMLY, "consent", "verify", str(bundle)]
    done = subprocess.run(command, env=alone, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    records = [json.loads(line) for line in bundle.read_bytes().splitlines()]
    assert any("withdraw" in json.dumps(record) for record in records)
    bundle.write_bytes(bundle.read_bytes().replace(b"accept_all", b"reject_all"))
    done = subprocess.run(command, env=alone, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0


def test_r22_the_receipt_alone_proves_where_each_record_stands_in_the_signed_log(visitor: Visitor) -> None:
    page = visitor.open()
    answer(page, "accept")
    choose(page, "statistics")
    status, receipt = ask(page, visitor, "/f/c/receipt", format="json")
    assert status == 200
    assert [one["action"] for one in receipt["records"]] == ["accept_all", "custom"]
    head = receipt["head"]
    for record in receipt["records"]:
        log = record["log"]
        commitment = sha256(bytes.fromhex(log["nonce"]) + log["proof"].encode()).hexdigest()
        entry = [receipt["site"], log["sequence"], log["minute"], log["kind"], commitment]
        entry += [log["link_commitment"], log["previous"]]
        digest = sha256("\n".join(["firmly.consent-log.v1", *map(str, entry)]).encode()).digest()
        assert digest.hex() == log["hash"]
        node = sha256(b"\0" + digest).digest()
        for side, other in log["path"]:
            pair = (bytes.fromhex(other), node) if side == "left" else (node, bytes.fromhex(other))
            node = sha256(b"\1" + b"".join(pair)).digest()
        assert node.hex() == head["root"]
        assert json.loads(log["proof"])["categories"] == record["categories"]
    key = next(one["public"] for one in receipt["keys"] if one["id"] == head["key"])
    said = ["firmly.consent-head.v1", *(str(head[name]) for name in ("site", "size", "minute", "root", "last"))]
    raw = urlsafe_b64decode(key + "=" * (-len(key) % 4))
    signature = urlsafe_b64decode(head["signature"] + "=" * (-len(head["signature"]) % 4))
    Ed25519PublicKey.from_public_bytes(raw).verify(signature, "\n".join(said).encode())


def test_r23_nothing_of_the_device_the_page_or_the_address_is_on_record(new_visitor: Callable[..., Visitor]) -> None:
    marks = {"agent": "Marked-Agent-7301", "path": "marked-path-7302", "query": "marked-query-7303"}
    visitor = new_visitor(headers={"x-forwarded-for": "198.18.73.4"}, user_agent=marks["agent"])
    page = visitor.context.new_page()
    url = visitor.website.page(visitor.town.sites["shop"].key, folder=f"/{marks['path']}/")
    page.goto(f"{url}?q={marks['query']}#marked-hash-7305", referer="http://marked-referrer-7306.example/")
    answer(page, "accept")
    choose(page, "statistics")
    withdraw(page)
    sent = [one for one in visitor.requests if one.method == "POST" and "/f/c" in one.url]
    assert len(sent) >= 3
    for request in sent:
        assert request.headers["referer"] == visitor.website.origin + "/"
        fields = {"site", "banner", "language", "action", "choices", "source", "receipt"}
        assert set(json.loads(request.post_data or "")) <= fields
    kept = visitor.town.consent_tables().lower()
    assert receipt_of(visitor) not in kept
    number = sum(part << shift for part, shift in zip((198, 18, 73, 4), (24, 16, 8, 0), strict=True))
    for trace in (
        "marked",
        "198.18.73",
        str(number),
        f"{number:x}",
        visitor.website.origin,
        "chromium",
        "mozilla",
    ):
        assert trace.lower() not in kept, trace


def test_r24_refusal_change_withdrawal_and_signals_are_records_with_the_servers_time(
    new_visitor: Callable[..., Visitor],
) -> None:
    visitor = new_visitor()
    page = visitor.context.new_page()
    page.clock.set_fixed_time("2026-12-24T18:00:00Z")
    before = datetime.now(UTC)
    visitor.go(page, visitor.website.page(visitor.town.sites["shop"].key))
    answer(page, "reject")
    choose(page, "statistics")
    choose(page, "statistics", "marketing")
    withdraw(page)
    _, history = ask(page, visitor, "/f/c/history")
    found = [(one["action"], one["state"], one["source"], one["categories"]) for one in history["records"]]
    assert found == [
        ("withdraw", "withdrawn", "preferences", []),
        ("custom", "given", "preferences", ["statistics", "marketing"]),
        ("custom", "given", "preferences", ["statistics"]),
        ("reject_all", "refused", "banner", []),
    ]
    for record in history["records"]:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", record["minute"])
        minute = datetime.fromisoformat(record["minute"])
        assert abs((minute - before).total_seconds()) < 120, "the visitor's clock decided"


def test_r24_nothing_but_an_action_of_the_visitors_grants_after_a_withdrawal(visitor: Visitor) -> None:
    page = visitor.open()
    answer(page, "accept")
    withdraw(page)
    url, origin = f"{visitor.town.served.url}/f/c", visitor.website.origin
    for action, source in [
        ("gpc", "signal"), ("dnt", "signal"), ("withdraw", "preferences"), ("reject_all", "banner"),
        ("expire", "sweep"), ("custom", "signal"), ("accept_all", "signal"), ("accept_all", "sweep"),
    ]:  # fmt: skip
        choice = {"banner": visitor.town.version("shop"), "language": "en", "action": action, "source": source}
        body = {"site": visitor.town.sites["shop"].key, "choices": {"statistics": True, "marketing": True}, **choice}
        answered = visitor.context.request.post(url, data=body, headers={"origin": origin})
        assert (answered.status, "token" in answered.json()) == (400, False), (action, source)
    assert ask(page, visitor, "/f/c/token")[0] == 404
    visitor.go(page, page.url)
    assert granted(page) == []
    assert visitor.actions() == ["accept_all", "withdraw"]


def test_r25_erasing_ends_the_consent_keeps_a_minimal_proof_and_the_log_verifies(
    visitor: Visitor, tmp_path: Path
) -> None:
    page = visitor.open("corner")
    answer(page, "accept")
    hashed = visitor.town.records("corner")[-1]["receipt_hash"]
    assert hashed in visitor.town.consent_tables()
    status, erased = ask(page, visitor, "/f/c/erase", "corner")
    assert (status, erased["erased"]) == (200, 1)
    # Consent is given for six months; the proof stays for a time after these.
    assert erased["proof_until"] > datetime.fromtimestamp(time.time() + 180 * 86_400, UTC).date().isoformat()
    assert hashed not in visitor.town.consent_tables()
    records = visitor.town.records("corner")
    assert [(one["action"], one["state"], one["receipt_hash"]) for one in records[-2:]] == [
        ("accept_all", "given", ""), ("withdraw", "withdrawn", ""),
    ]  # fmt: skip
    assert ask(page, visitor, "/f/c/history", "corner")[0] == 404
    assert ask(page, visitor, "/f/c/token", "corner")[0] == 404
    bundle = tmp_path / "bundle"
    firmly(visitor.town, "consent", "export", visitor.town.sites["corner"].key, str(bundle))
    firmly(visitor.town, "consent", "verify", str(bundle))


def test_r27_with_the_receipt_a_visitor_sees_their_own_history_and_no_one_elses(
    new_visitor: Callable[..., Visitor],
) -> None:
    one, other, nobody = new_visitor(), new_visitor(), new_visitor()
    page = one.open()
    answer(page, "accept")
    choose(page, "marketing")
    second = other.open()
    answer(second, "reject")
    assert [found["action"] for found in ask(page, one, "/f/c/history")[1]["records"]] == ["custom", "accept_all"]
    assert [found["action"] for found in ask(second, other, "/f/c/history")[1]["records"]] == ["reject_all"]
    third = nobody.open()
    for receipt in (None, "0" * 32, receipt_of(one)[:-1] + ("0" if receipt_of(one)[-1] != "0" else "1")):
        for path in ("/f/c/history", "/f/c/receipt", "/f/c/erase"):
            assert ask(third, nobody, path, **({"receipt": receipt} if receipt else {}))[0] == 404


def test_r27_the_receipt_is_random_out_of_scripts_reach_and_kept_as_a_keyed_hash(
    new_visitor: Callable[..., Visitor],
) -> None:
    receipts = []
    for _ in range(2):
        visitor = new_visitor()
        page = visitor.open()
        answer(page, "accept")
        cookie = next(one for one in visitor.context.cookies() if one["name"].startswith("firmly_receipt"))
        assert (cookie["httpOnly"], cookie["path"], cookie["sameSite"]) == (True, "/f/c", "Lax")
        assert re.fullmatch(r"[0-9a-f]{32}", cookie["value"])
        assert cookie["value"] not in page.evaluate("JSON.stringify([document.cookie, localStorage, sessionStorage])")
        receipts.append(cookie["value"])
    assert receipts[0] != receipts[1]
    kept = visitor.town.consent_tables()
    for receipt in receipts:
        assert receipt not in kept
        assert sha256(receipt.encode()).hexdigest() not in kept
        assert sha256(bytes.fromhex(receipt)).hexdigest() not in kept


@pytest.mark.parametrize("origin", ["origin", "own"], ids=["same site", "another site"])
def test_r27_no_request_but_those_of_consent_carries_the_receipt_and_no_address_does(
    visitor: Visitor, origin: str
) -> None:
    home = getattr(visitor.website, origin)
    page = visitor.open(origin=home)
    with page.expect_response(lambda response: response.url.endswith("/f/e")):
        answer(page, "accept")
    page.evaluate("firmly.goal('signup')")
    visitor.go(page, visitor.website.page(visitor.town.sites["shop"].key, origin=home))
    opened = open_preferences(page)
    opened.locator(".firmly-mine > summary").click()
    expect(opened.locator(".firmly-records li")).not_to_have_count(0)
    page.keyboard.press("Escape")
    choose(page, "statistics")
    withdraw(page)
    if origin == "own":
        receipt = page.evaluate("Object.entries(localStorage).find(([name]) => name.startsWith('firmly_receipt'))[1]")
    else:
        receipt = receipt_of(visitor)
    carrying = set()
    for request in visitor.requests:
        assert receipt not in request.url
        if receipt in json.dumps(request.all_headers()) + (request.post_data or ""):
            carrying.add(request.url.removeprefix(visitor.town.served.url))
    assert carrying
    assert carrying <= {"/f/c", "/f/c/history", "/f/c/token"}
    assert visitor.sent("/f/e")


def test_r27_guessing_is_slowed_down(town: Town, visitor: Visitor) -> None:
    visitor.open()
    headers = {"origin": visitor.website.origin, "x-forwarded-for": "198.18.99.99"}
    body = {"site": town.sites["shop"].key, "receipt": "0" * 32}
    with httpx.Client(base_url=town.served.url, headers=headers) as client:
        statuses = [client.post("/f/c/history", json=body).status_code for _ in range(70)]
    assert statuses[0] == 404
    assert statuses[-1] == 429


def test_two_browsers_with_the_same_choice_hold_the_same_token_to_the_byte(
    new_visitor: Callable[..., Visitor],
) -> None:
    def token(agent: str, *categories: str) -> str:
        visitor = new_visitor(user_agent=agent)
        page = visitor.open()
        choose(page, *categories)
        held: str = page.evaluate("sessionStorage.getItem('firmly_token')")
        return held

    same = [token("One/1.0", "statistics"), token("Other/2.0", "statistics")]
    assert same[0] == same[1]
    assert token("One/1.0", "statistics", "marketing") != same[0]
