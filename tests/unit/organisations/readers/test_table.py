"""An operator's own table of networks."""

from pathlib import Path

import pytest

from firmly.model import FirmlyError
from firmly.organisations.readers.registry import Assignment, Standing, span_of
from firmly.organisations.readers.table import read_table


def test_networks_or_their_ends(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("network,name,country,colour\n192.0.2.0/24, Muster  GmbH ,de,red\n")
    (tmp_path / "two.csv").write_text("start,end,name\n2001:db8::,2001:db8::ff,Beispiel AG\n")
    one, two = span_of("192.0.2.0/24"), span_of("2001:db8:: - 2001:db8::ff")
    assert one is not None
    assert two is not None
    assert list(read_table(tmp_path / "one.csv")) == [Assignment(*one, "", "Muster GmbH", "", "DE", Standing.CUSTOMER)]
    assert list(read_table(tmp_path / "two.csv")) == [Assignment(*two, "", "Beispiel AG", "", "", Standing.CUSTOMER)]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("network,name,email\n", "it has email: files about people are never read"),
        ("network,name,admin_contact\n", "it has admin_contact"),
        ("network\n", "expected the columns network"),
        ("start,name\n", "expected the columns network"),
        ("network,name\n192.0.2.77/24,x\n", "line 2: expected a network"),
    ],
)
def test_other_tables_are_refused_without_their_content(content: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(FirmlyError, match=why) as failure:
        list(read_table(tmp_path / "t.csv"))
    assert "77" not in str(failure.value)
