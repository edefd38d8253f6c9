"""Rendering: every template in both forms, nothing remote, and names that stay names."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import TemplateNotFound, UndefinedError

from firmly.mail.letter import VALUES, Kind, SecondFactorChange, Template
from firmly.mail.templates import MAX_NAME_CHARS, MAX_SUBJECT_CHARS, LetterTemplates, one_line
from firmly.packaged import dashboards
from tests.unit.mail.conftest import CONTEXTS, LINK, UNSUBSCRIBE, letter

NAMES = [
    (template, key) for template, values in VALUES.items() for key, (kind, _) in values.items() if kind is Kind.NAME
]


class Page(HTMLParser):
    """What a part in HTML holds: its elements with attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def links(self) -> set[str | None]:
        return {attributes["href"] for tag, attributes in self.elements if tag == "a"}


def test_subjects_say_what_happened(templates: LetterTemplates) -> None:
    assert {template: templates.render(letter(template)).subject for template in Template} == {
        Template.INVITATION: "“Jo Miller” invites you to “Acme & Söhne” in Firmly",
        Template.PASSWORD_RESET: "Set a new password for Firmly",
        Template.PASSWORD_CHANGED: "Your password for Firmly was changed",
        Template.SECOND_FACTOR_CHANGED: "Firmly: the second factor was switched off",
        Template.ACCOUNT_ENDS: "Your account in Firmly ends on 22 December 2026",
        Template.AUDIT_REPORT: "Audit log, 1 October 2026 to 31 October 2026: “Acme & Söhne”",
        Template.TEST: "Test letter from Firmly",
    }


SAID = {
    Template.INVITATION: ("“Jo Miller”", "“Acme & Söhne”", "privacy officer", "until 22 November 2026, 12:05 UTC"),
    Template.PASSWORD_RESET: ("for 1 hour.", "did not ask for it, ignore"),
    Template.PASSWORD_CHANGED: ("on 22 November 2026, 12:05 UTC", "not you"),
    Template.SECOND_FACTOR_CHANGED: ("the second factor was switched off", "on 22 November 2026, 12:05 UTC"),
    Template.ACCOUNT_ENDS: ("since 22 December 2024", "before 22 December 2026", "nothing to do"),
    Template.AUDIT_REPORT: (
        "“Acme & Söhne”", "from 1 October 2026 to 31 October 2026", "1,204", "Signed in", "Exported companies",
        "12,345 entries", "0123456789abcdef" * 4,
    ),
    Template.TEST: ("Mail from Firmly arrives",),
}  # fmt: skip


@pytest.mark.parametrize("template", Template)
def test_both_parts_say_the_same_and_lead_where_the_letter_does(templates: LetterTemplates, template: Template) -> None:
    rendered = templates.render(letter(template))
    page = Page(rendered.html)
    for part in (rendered.text, page.text):
        plain = " ".join(part.split())
        assert [said for said in SAID[template] if said not in plain] == []
    unsubscribe = set() if template.is_transactional else {UNSUBSCRIBE}
    assert page.links == {LINK, *unsubscribe}
    assert set(re.findall(r"https?://\S+", rendered.text)) - {f"{LINK}."} == {LINK, *unsubscribe}
    assert rendered.text.endswith("\n")
    assert not rendered.text.startswith(("\n", "Subject"))
    assert max(map(len, rendered.text.replace(UNSUBSCRIBE, "").splitlines())) < 80


@pytest.mark.parametrize("change", SecondFactorChange)
def test_every_change_of_the_second_factor_has_words(templates: LetterTemplates, change: SecondFactorChange) -> None:
    rendered = templates.render(letter(Template.SECOND_FACTOR_CHANGED, change=change))
    assert len(rendered.subject) > len("Firmly: ")
    assert change.value not in rendered.subject.split("Firmly: ")[1].split()[:1]


def test_report_without_actions_says_so(templates: LetterTemplates) -> None:
    rendered = templates.render(letter(Template.AUDIT_REPORT, actions=[], entries=1))
    for part in (rendered.text, Page(rendered.html).text):
        assert "Nothing that the log records." in part
        assert "1 entry." in part


@pytest.mark.parametrize("template", Template)
def test_html_is_one_column_with_inline_styles_and_nothing_remote(
    templates: LetterTemplates, template: Template
) -> None:
    html = templates.render(letter(template)).html
    elements = Page(html).elements
    tags = {tag for tag, _ in elements}
    assert tags <= {"html", "head", "meta", "title", "body", "table", "tr", "td", "th", "p", "h1", "a", "br"}
    named = {name for _, attributes in elements for name in attributes}
    assert {"src", "background", "class", "id", "srcset", "action"}.isdisjoint(named)
    assert not [name for name in named if name.startswith("on")]
    assert "url(" not in html
    assert "@import" not in html
    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in elements
    assert all(a["href"] for tag, a in elements if tag == "a")
    # A text colour without a surface of its own would vanish on either a light or a dark one.
    styles = [dict(one.split(":", 1) for one in (a["style"] or "").split(";")) for _, a in elements if "style" in a]
    assert all(style["color"] == "inherit" or "background-color" in style for style in styles if "color" in style)
    assert all(attributes.get("role") == "presentation" for tag, attributes in elements[:10] if tag == "table")


ATTACKS = {
    "line break": "Acme\r\nBcc: x@y.example",
    "bare feed": "Acme\nBcc: x@y.example",
    "bare return": "Acme\rBcc: x@y.example",
    "unicode separators": "Acme\u2028Bcc: x@y.example\u2029\x85\x0b\x0c\x1c",
    "encoded word": "=?utf-8?q?Acme=0D=0ABcc:_x@y.example?=",
    "end of the quotes": 'Acme” has moved. Open the door to “x" y',
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "attribute": '" onmouseover="alert(1)" x="',
    "template": "{{ link }}{% include '/etc/passwd' %}",
    "backwards": "\u202egro.elpmaxe//:sptth\u202c",
    "surrogate": "Acme \udcff",
    "control": "Acme\0\x07\x1b[31m\x7f",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize(("template", "key"), NAMES)
def test_name_stays_a_name(templates: LetterTemplates, template: Template, key: str, attack: str) -> None:
    calm, rendered = templates.render(letter(template)), templates.render(letter(template, **{key: attack}))
    assert rendered.subject.isprintable()
    assert "=?" not in rendered.subject
    assert len(rendered.text.splitlines()) == len(calm.text.splitlines())
    assert [tag for tag, _ in Page(rendered.html).elements] == [tag for tag, _ in Page(calm.html).elements]
    assert Page(rendered.html).links == Page(calm.html).links
    for part in (rendered.subject, rendered.text, Page(rendered.html).text):
        assert part.count("”") == part.count("“") == (calm.subject if part is rendered.subject else part).count("“")
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", part)
    rendered.text.encode()
    rendered.html.encode()


@pytest.mark.parametrize(("template", "key"), NAMES)
def test_name_that_looks_like_an_address_becomes_no_link_of_ours(
    templates: LetterTemplates, template: Template, key: str
) -> None:
    rendered = templates.render(letter(template, **{key: "http://evil.example click"}))
    assert "“http://evil.example click”" in " ".join(rendered.text.split())
    assert not [link for link in Page(rendered.html).links if link and "evil" in link]


@pytest.mark.parametrize(("template", "key"), NAMES)
def test_name_and_subject_are_short(templates: LetterTemplates, template: Template, key: str) -> None:
    rendered = templates.render(letter(template, **{key: "x" * 100_000}))
    assert f"“{'x' * (MAX_NAME_CHARS - 1)}…”" in " ".join(rendered.text.split())
    assert len(rendered.subject) == MAX_SUBJECT_CHARS
    assert rendered.subject.endswith("…")


@settings(deadline=None)
@given(st.text(max_size=200), st.integers(2, 50))
def test_line_is_one_line_of_what_can_be_seen(text: str, most: int) -> None:
    line = one_line(text, most)
    assert len(line) <= most
    assert len(line.splitlines()) <= 1
    assert line == " ".join(line.split())
    assert one_line(line, most) == line
    line.encode()


def test_names_of_any_script_are_kept(templates: LetterTemplates) -> None:
    name = "شرکت می‌خواهم 株式会社 Ångström Ωmega"
    assert f"“{name}”" in " ".join(templates.render(letter(Template.AUDIT_REPORT, workspace=name)).text.split())


@pytest.mark.parametrize(
    ("text", "error"),
    [("Hello\n", ValueError), ("Subject: {{ nobody }}\n", UndefinedError), (None, TemplateNotFound)],
    ids=["no subject", "unknown value", "no file"],
)
def test_template_that_is_wrong_is_an_error(tmp_path: Path, text: str | None, error: type[Exception]) -> None:
    (tmp_path / "test.html").write_text("")
    if text is not None:
        (tmp_path / "test.txt").write_text(text)
    with pytest.raises(error):
        LetterTemplates(tmp_path).render(letter(Template.TEST))


def test_every_file_is_a_template_of_the_closed_set() -> None:
    files = {path.name for path in (dashboards() / "templates" / "mail").iterdir() if not path.name.startswith("_")}
    assert files == {f"{template}.{form}" for template in Template for form in ("txt", "html")}


def test_text_form_of_a_rendered_letter_tells_nothing(templates: LetterTemplates) -> None:
    assert LINK not in repr(templates.render(letter()))
    assert CONTEXTS[Template.PASSWORD_RESET]["link"] == LINK


def test_report_of_a_broken_chain_says_so_in_both_parts(templates: LetterTemplates) -> None:
    whole, broken = (templates.render(letter(Template.AUDIT_REPORT, broken_at=at)) for at in (0, 1234))
    for part in (broken.text, broken.html):
        assert "broken at entry 1,234" in part
    for part in (whole.text, whole.html):
        assert "broken" not in part
