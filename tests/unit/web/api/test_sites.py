"""Sites, as programs make and change them."""

from collections.abc import Callable
from typing import Any

import pytest

from firmly.accounts.roles import TokenScope
from tests.town import Firm
from tests.unit.web.api.conftest import BASE_URL, Program

NEW: dict[str, Any] = {
    "name": "Shop",
    "origins": ["https://shop.firm.example", "HTTPS://shop.firm.example:443"],
    "controller": "Firm Oy",
    "goals": {"order": ["size", "kind"]},
    "staff_networks": ["192.0.2.7/24"],
    "query_keys": ["utm_id", "page"],
}


def test_a_site_is_made_as_its_instructions_say(ours: Program) -> None:
    answer = ours.ask("POST", "/sites", json=NEW)
    made = answer.json()
    assert answer.status_code == 201
    assert made["script"] == f"{BASE_URL}/f/{made['key']}.js"
    assert (made["origins"], made["staff_networks"]) == (["https://shop.firm.example"], ["192.0.2.0/24"])
    assert (made["goals"], made["query_keys"]) == ({"order": ["kind", "size"]}, ["page", "utm_id"])
    assert (made["before_consent"], made["retention_days"], made["min_confidence"]) == ("wait", 395, "high")
    assert ours.json(f"/sites/{made['key']}") == made


def test_the_list_tells_readers_of_leads_names_and_tags_only(program: Callable[..., Program], firm: Firm) -> None:
    (listed,) = program(firm, TokenScope.READ_LEADS).json("/sites")["items"]
    assert listed == {
        "key": firm.site.key,
        "name": "Main site",
        "origins": ["https://www.firm.example"],
        "script": f"{BASE_URL}/f/{firm.site.key}.js",
    }


def test_a_change_leaves_all_else_and_is_in_the_history(ours: Program, firm: Firm) -> None:
    path = f"/sites/{firm.site.key}"
    before = ours.json(path)
    changed = ours.ask("PATCH", path, json={"before_consent": "company", "goals": {}, "titles": True}).json()
    assert changed == before | {"before_consent": "company", "goals": {}, "titles": True} == ours.json(path)
    first, second = ours.json(f"{path}/history")["items"]
    assert (first["before"], second["author_id"]) == (None, None)
    assert (second["before"]["before_consent"], second["after"]["before_consent"]) == ("wait", "company")


def test_a_change_of_nothing_is_no_change(ours: Program, firm: Firm) -> None:
    path = f"/sites/{firm.site.key}"
    assert ours.ask("PATCH", path, json={}).json() == ours.json(path)
    assert len(ours.json(f"{path}/history")["items"]) == 1


MAPS: dict[str, Any] = {
    "key": "maps",
    "category": "marketing",
    "name": "Maps",
    "provider": "Maps Ltd",
    "purposes": {"en": "Shows maps."},
    "stores": [{"name": "_map*", "kind": "cookie", "days": 30}],
}
USUAL: dict[str, Any] = {
    "languages": [],
    "services": [],
    "texts": {},
    "position": "bar",
    "theme": "auto",
    "colours": {},
    "signals": [],
    "honours_dnt": False,
    "months": 6,
    "inform_in": [],
}


def test_a_banner_is_replaced_whole_and_the_change_is_in_the_history(ours: Program, firm: Firm) -> None:
    path = f"/sites/{firm.site.key}"
    assert ours.json(path)["banner"] == USUAL
    given = {"services": [MAPS], "months": 12, "signals": ["uet", "google"], "theme": "dark"}
    services = [MAPS | {"privacy_url": "", "reasons": {}}]
    banner = USUAL | {"services": services, "months": 12, "signals": ["google", "uet"], "theme": "dark"}
    assert ours.ask("PATCH", path, json={"banner": given}).json()["banner"] == banner == ours.json(path)["banner"]
    assert ours.ask("PATCH", path, json={"name": "Renamed"}).json()["banner"] == banner
    assert ours.ask("PATCH", path, json={"banner": {"months": 9}}).json()["banner"] == USUAL | {"months": 9}
    history = ours.json(f"{path}/history")["items"]
    assert [one["after"]["banner"] for one in history] == [USUAL, banner, banner, USUAL | {"months": 9}]


def test_rules_by_country_are_the_controllers_own_instruction(ours: Program, firm: Firm) -> None:
    path = f"/sites/{firm.site.key}"
    refused = ours.ask("PATCH", path, json={"banner": {"inform_in": ["US"]}})
    assert [(one["key"], one["expected"][:3]) for one in refused.json()["problems"]] == [("banner.inform_in", "R14")]
    given = {"jurisdiction": "by_country", "banner": {"inform_in": ["us", "JP"]}}
    assert ours.ask("PATCH", path, json=given).json()["banner"] == USUAL | {"inform_in": ["JP", "US"]}
    back = ours.ask("PATCH", path, json={"jurisdiction": "strictest"})
    assert (back.status_code, ours.json(path)["jurisdiction"]) == (422, "by_country")
    change = ours.json(f"{path}/history")["items"][-1]
    assert [change[side]["jurisdiction"] for side in ("before", "after")] == ["strictest", "by_country"]
    assert change["after"]["banner"]["inform_in"] == ["JP", "US"]


def test_a_site_is_made_with_its_banner(ours: Program) -> None:
    made = ours.ask("POST", "/sites", json=NEW | {"banner": {"languages": ["fi", "nb"]}}).json()
    assert made["banner"] == USUAL | {"languages": ["fi", "no"]}


def test_a_banner_of_another_form_is_refused_with_all_that_is_wrong(ours: Program, firm: Firm) -> None:
    banner = {"colour": "red", "months": "six", "services": [MAPS | {"category": "ads", "stores": [{"name": "a"}]}]}
    answer = ours.ask("PATCH", f"/sites/{firm.site.key}", json={"banner": banner})
    assert answer.status_code == 422
    assert {(one["key"], one["value"]) for one in answer.json()["problems"]} == {
        ("banner.colour", "red"),
        ("banner.months", "six"),
        ("banner.services[0].category", "ads"),
        ("banner.services[0].stores[0].kind", ""),
        ("banner.services[0].stores[0].days", ""),
    }
    assert ours.json(f"/sites/{firm.site.key}")["banner"] == USUAL


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_banner_that_breaks_rules_of_consent_is_refused_with_their_ids(
    ours: Program, firm: Firm, method: str
) -> None:
    banner = {"months": 24, "colours": {"light": {"accent": "#dddddd"}}, "services": [MAPS | {"provider": ""}]}
    path = f"/sites/{firm.site.key}" if method == "PATCH" else "/sites"
    answer = ours.ask(method, path, json=(NEW if method == "POST" else {}) | {"banner": banner})
    assert answer.status_code == 422
    assert {(one["key"], one["expected"].split(":")[0]) for one in answer.json()["problems"]} == {
        ("banner.months", "R19"),
        ("banner.colours.light.accent", "R4"),
        ("banner.services[0].provider", "R10"),
    }
    assert len(ours.json("/sites")["items"]) == 1


def test_pages_follow_each_other(ours: Program, firm: Firm) -> None:
    for number in range(4):
        firm.add_site(f"Site {number}", f"https://site{number}.firm.example")
    seen, cursor = list[str](), ""
    while True:
        page = ours.json(f"/sites?limit=2{cursor}")
        seen += [site["name"] for site in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == ["Main site", "Site 0", "Site 1", "Site 2", "Site 3"]


def test_what_is_of_no_use_is_named_by_key_and_value(ours: Program) -> None:
    answer = ours.ask("POST", "/sites", json=NEW | {"origins": ["https://x.example/path"], "language": "Finnish!"})
    assert answer.status_code == 422
    assert {(one["key"], one["value"]) for one in answer.json()["problems"]} == {
        ("origins", "https://x.example/path"),
        ("language", "Finnish!"),
    }


@pytest.mark.parametrize("text", ["Shop\r\nset-cookie: x=1", "Shop\nName", "Shop\u2028Name"])
def test_no_text_reaches_a_header_or_a_second_line(ours: Program, firm: Firm, text: str) -> None:
    answer = ours.ask("PATCH", f"/sites/{firm.site.key}", json={"name": text, "controller": text})
    assert answer.status_code == 422
    assert "set-cookie" not in answer.headers
    wrong = ours.get("/leads", params={"site": text, text: "x"})
    assert (wrong.status_code, "set-cookie" in wrong.headers) == (400, False)
