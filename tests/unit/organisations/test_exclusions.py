"""The operator's list of networks that are never looked up."""

from pathlib import Path

import pytest

from firmly.model import DropReason, FirmlyError
from firmly.organisations.address import Address
from firmly.organisations.exclusions import read_exclusions

LINES = """# ours
192.0.2.0/24   # a comment
2001:db8::/32

198.51.100.7
"""
MAXMIND = """{"exclusions": [
  {"exclusion_type": "ccpa_do_not_sell", "data_type": "network", "value": "192.0.2.0/24",
   "last_updated": "2026-01-08T18:58:38Z"},
  {"exclusion_type": "ccpa_do_not_sell", "data_type": "something", "value": "x"}]}"""


def excluded(path: Path, *texts: str) -> list[bool]:
    ranges = read_exclusions(path)
    return [ranges.find(Address.parse(text).packed()) is DropReason.EXCLUDED for text in texts]


def test_networks_and_single_addresses_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "excluded.txt"
    path.write_text(LINES)
    asked = ("192.0.2.9", "192.0.3.9", "2001:db8::9", "198.51.100.7", "198.51.100.8")
    assert excluded(path, *asked) == [True, False, True, True, False]


def test_maxminds_list_of_requests(tmp_path: Path) -> None:
    path = tmp_path / "exclusions.json"
    path.write_text(MAXMIND)
    assert excluded(path, "192.0.2.9", "198.51.100.7") == [True, False]


@pytest.mark.parametrize("content", ["192.0.2.0/24\n192.0.2.77 x", '{"exclusions": 7}', "{", '{"exclusions": [{}]}'])
def test_a_list_that_cannot_be_read_is_refused_without_its_content(content: str, tmp_path: Path) -> None:
    path = tmp_path / "excluded.txt"
    path.write_text(content)
    with pytest.raises(FirmlyError, match=r"excluded\.txt: ") as failure:
        read_exclusions(path)
    assert "77" not in str(failure.value)
    assert failure.value.__cause__ is None
