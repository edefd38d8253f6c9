"""Laws for the statements that members' pages run: scoped, documented, from rollups."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from firmly.warehouse.statements import statement as whole

QUERIES = [
    Path(str(entry)) for entry in (files("firmly.warehouse") / "queries").iterdir() if entry.name.endswith(".sql")
]
SERVICE = "".join(
    (files("firmly.leads") / name).read_text()
    for name in ("service.py", "rule_book.py", "holders.py", "visit_export.py", "overview.py", "live.py")
)


def statement(query: Path) -> str:
    """Return a query as it runs, without its header."""
    return "\n".join(line for line in whole(query.stem).splitlines() if not line.startswith("--"))


every_query = pytest.mark.parametrize("query", [pytest.param(path, id=path.stem) for path in QUERIES])


@every_query
def test_every_where_of_a_table_starts_with_the_workspace(query: Path) -> None:
    tables = re.findall(r"\bfrom\s+[a-z]\w*", statement(query))
    scoped = re.findall(r"\bfrom\s+[a-z]\w*\s+(?:pre)?where\s+workspace_id = \{workspace_id:UInt32\}", statement(query))
    assert len(scoped) == len(tables) > 0


@every_query
def test_no_query_of_a_page_reads_raw_events(query: Path) -> None:
    assert not re.search(r"\bfrom\s+events\b", statement(query))


@every_query
def test_header_documents_every_parameter(query: Path) -> None:
    header = query.read_text().partition("select")[0]
    used = set(re.findall(r"\{(\w+):", query.read_text()))
    assert "-- columns: " in header
    assert {name for name in used if not re.search(rf"\b{name}\b", header)} == set()


@every_query
def test_what_has_a_retention_is_read_within_it(query: Path) -> None:
    if "coverage_hours" not in statement(query):
        # Who may be shown is kept with the days until which each thing is kept, in columns of its own.
        assert "retain_until > {today:Date}" in statement(query) or "from org_known" in statement(query)


@every_query
def test_every_query_is_used(query: Path) -> None:
    assert f'"{query.stem}"' in SERVICE
