"""Importing the team's own data as a member does: sent, looked at, imported, undone, deleted."""

import asyncio
import re
from datetime import UTC, datetime

import httpx
import pytest

from firmly.accounts.roles import Role
from firmly.leads.company_data.facts import CompanyFacts
from firmly.leads.company_data.table import MAX_BYTES
from firmly.warehouse.store import Warehouse
from tests.history import NOKIA, store, visit
from tests.town import PASSWORD, Firm, Town
from tests.unit.web.conftest import Visitor

NOON = datetime(2026, 3, 31, 11, 30, tzinfo=UTC)
PAGE = "/app/company-data"
FILE = (
    "Name;Website;Branche;Mitarbeiter;ICP;Owner;CRM ID\r\n"
    "Nokia;https://www.Nokia.com/;=cmd|x;10k+;yes;{email};@42\r\n"
    "Nobody;none;x;;;;\r\n"
    "M\u00fcller;m\u00fcller.example;K\u00e4se;;vielleicht;gone@firm.example;\r\n"
)


def upload(member: Visitor, content: bytes, name: str = "crm.csv", token: str | None = None) -> httpx.Response:
    token = member.csrf_token(PAGE) if token is None else token
    files = {"file": (name, content, "text/csv")}
    return asyncio.run(member.client._client.post(f"{PAGE}/upload", data={"csrf_token": token}, files=files))


def looked_at(member: Visitor, content: bytes) -> str:
    answer = upload(member, content)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def hidden(text: str) -> dict[str, str]:
    """Return the hidden fields of the form that imports."""
    form = text[text.index('action="/app/company-data/import"') :]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[: form.index("</form>")]))


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)).replace("&#34;", '"')


def test_file_is_sent_looked_at_imported_and_undone(
    member: Visitor, town: Town, firm: Firm, warehouse: Warehouse
) -> None:
    store(warehouse, visit(firm.id, NOKIA, NOON))
    assert "Nothing of this company." in member.text(f"/app/leads/{NOKIA.id:016x}")
    preview = member.text(looked_at(member, FILE.format(email=firm.email).encode("cp1252")))
    said = plain(preview)
    assert "crm.csv 3 lines, nothing is changed yet" in said
    assert "2 nokia.com =cmd|x 10k+ Yes Anna Virtanen @42" in said
    assert "2 lines cannot be read" in said
    for problem in (
        "3 Website none a company's domain, such as example.com",
        "4 ICP vielleicht yes or no, or nothing",
        "4 Owner gone@firm.example the e-mail address of a member, or one line",
    ):
        assert problem in said.replace("&#39;", "'")
    assert town.company_data.count(firm.scope) == 0

    answer = member.client.post(f"{PAGE}/import", hidden(preview))
    assert answer.status_code == 303
    assert "Imported: 1 new, 0 changed, 0 unchanged, 2 refused." in plain(member.text(answer.headers["location"]))
    assert town.company_data.of(firm.scope, ["nokia.com"]) == {
        "nokia.com": CompanyFacts("=cmd|x", "10k+", True, "Anna Virtanen", "@42")
    }
    company = plain(member.text(f"/app/leads/{NOKIA.id:016x}"))
    assert "Ideal customer Yes Industry =cmd|x Size 10k+ Owner Anna Virtanen CRM id @42" in company
    again = member.client.post(f"{PAGE}/import", hidden(preview))
    assert (again.status_code, "a file that was sent within the last hour" in again.text) == (422, True)

    number = re.findall(r'name="import" value="(\d+)"', member.text(PAGE))[0]
    form = {"csrf_token": member.csrf_token(PAGE), "import": number}
    assert member.client.post(f"{PAGE}/undo", form).status_code == 303
    assert town.company_data.count(firm.scope) == 0
    assert "Undone" in member.text(PAGE)
    assert member.client.post(f"{PAGE}/undo", form).status_code == 404


def test_columns_are_chosen_where_the_heads_do_not_say(member: Visitor, firm: Firm, town: Town) -> None:
    address = looked_at(member, b"a,,domain two\nx,nokia.com,y\n")
    page = member.text(address)
    assert "Choose the column that holds the companies" in page
    assert 'action="/app/company-data/import"' not in page
    for query, said in {
        "&domain=1&industry=1": "a column that is used once",
        "&domain=9": "a column of the file",
        "&domain=-1": "a column of the file",
        "&domain=\u00b2": "a column of the file",
        "&domain=&industry=1": "the column that holds the companies' domains",
    }.items():
        answer = member.client.get(address + query)
        assert (answer.status_code, said in answer.text.replace("&#39;", "'")) == (422, True), query
    chosen = member.text(f"{address}&domain=1&industry=0&size=")
    assert hidden(chosen)["domain"] == "1"
    member.client.post(f"{PAGE}/import", hidden(chosen))
    assert town.company_data.of(firm.scope, ["nokia.com"]) == {"nokia.com": CompanyFacts("x")}


def test_later_import_holds_up_an_undo(member: Visitor, firm: Firm, town: Town) -> None:
    for name in ("one.csv", "two.csv"):
        location = upload(member, f"domain,industry\nnokia.com,{name}".encode(), name).headers["location"]
        member.client.post(f"{PAGE}/import", hidden(member.text(location)))
    number = re.findall(r'name="import" value="(\d+)"', member.text(PAGE))[1]
    answer = member.client.post(f"{PAGE}/undo", {"csrf_token": member.csrf_token(PAGE), "import": number})
    assert answer.status_code == 422
    assert 'Import is "one.csv"; expected: an import whose companies no later one changed; undo "two.csv"' in re.sub(
        r" +", " ", plain(answer.text).replace(" is", " is")
    )
    assert town.company_data.of(firm.scope, ["nokia.com"]) == {"nokia.com": CompanyFacts("two.csv")}


def test_all_is_deleted_when_somebody_is_sure(member: Visitor, firm: Firm, town: Town) -> None:
    member.client.post(f"{PAGE}/import", hidden(member.text(looked_at(member, b"domain\nnokia.com"))))
    form = {"csrf_token": member.csrf_token(PAGE)}
    assert member.client.post(f"{PAGE}/delete", form).status_code == 422
    assert town.company_data.count(firm.scope) == 1
    assert member.client.post(f"{PAGE}/delete", {**form, "sure": "yes"}).status_code == 303
    assert town.company_data.count(firm.scope) == 0


REFUSED = [
    (b"", "a CSV file with a line for each company"),
    (b"\n\n", "a first line with the names of the columns"),
    (b'a\n"b', "cells whose quotation marks are closed"),
    (b"a\n" + b"x\n" * 50_001, "at most 50,000 lines"),
]


@pytest.mark.parametrize(("content", "said"), REFUSED, ids=[row[1] for row in REFUSED])
def test_file_that_cannot_be_read_is_refused(member: Visitor, content: bytes, said: str) -> None:
    answer = upload(member, content)
    assert (answer.status_code, said in answer.text) == (422, True)


def test_only_this_form_may_be_large_and_only_so_large(member: Visitor) -> None:
    line = b"x" * 99 + b"\n"
    large = b"domain,other\n" + line * ((MAX_BYTES - 100) // 100 // 2)
    assert upload(member, large).status_code == 303
    assert upload(member, b"x" * (MAX_BYTES + 1)).status_code == 422
    assert upload(member, b"x" * (MAX_BYTES + 100_000)).status_code == 413
    token = member.csrf_token(PAGE)
    assert member.client.post(f"{PAGE}/delete", {"csrf_token": token, "x": "x" * 40_000}).status_code == 413


def test_upload_that_none_of_our_pages_made_is_refused(member: Visitor, visitor: Visitor) -> None:
    assert upload(member, b"domain\na.example", token="forged").status_code == 403
    assert member.client.post(f"{PAGE}/upload", {"csrf_token": member.csrf_token(PAGE)}).status_code == 422
    headers = {"content-type": "multipart/form-data; boundary=x; charset=utf-7"}
    for kind in (headers, {"content-type": "text/plain"}, {"content-type": "multipart/form-data"}):
        answer = asyncio.run(member.client._client.post(f"{PAGE}/upload", content=b"--x--", headers=kind))
        assert answer.status_code == 415
    broken = {"content-type": "multipart/form-data; boundary=x"}
    assert asyncio.run(member.client._client.post(f"{PAGE}/upload", content=b"none", headers=broken)).status_code == 400


def test_who_is_not_signed_in_is_sent_to_sign_in(visitor: Visitor) -> None:
    files = {"file": ("x.csv", b"x" * 1_000_000, "text/csv")}
    answer = asyncio.run(visitor.client._client.post(f"{PAGE}/upload", files=files))
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/app/sign-in")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.PRIVACY_OFFICER])
def test_other_roles_bring_nothing(visitor: Visitor, firm: Firm, role: Role) -> None:
    firm.email = f"{role.value}-{firm.id}@firm.example"
    firm.accounts.add_member(firm.id, firm.email, "Bo", role, PASSWORD)
    visitor.sign_in(firm)
    assert visitor.client.get(PAGE).status_code == 403
    token = visitor.csrf_token("/app/account")
    assert upload(visitor, b"domain\na.example", token=token).status_code == 403
    assert PAGE not in visitor.text("/app/sites")
