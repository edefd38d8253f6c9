"""Following files that change: at once, completely, and never at the cost of an answer."""

import os
import shutil
import threading
from datetime import date
from pathlib import Path

import pytest

from firmly.model import DropReason, FirmlyError, Organisation
from firmly.organisations.address import Address
from firmly.organisations.open import OrgFiles, Shipped, open_chain, open_resolver
from firmly.organisations.resolve import Resolver
from tests.unit.organisations.conftest import TODAY
from tests.vendor_files import write_vendor_file

ASKED = "91.152.0.9"


def company_file(path: Path, name: str, built: date = TODAY) -> Path:
    record = {"name": name, "type": "business", "country": "DE"}
    return write_vendor_file(path, {"91.152.0.0/25": record}, "ipinfo standard_company.mmdb", built)


def following(files: OrgFiles, shipped: Shipped) -> Resolver:
    return Resolver(lambda: open_chain(files, TODAY, shipped), files.paths())


def answer(resolver: Resolver) -> str:
    found = resolver.resolve(Address.parse(ASKED))
    return found.name if isinstance(found, Organisation) else found.value


def test_a_renamed_file_is_taken_into_use(tmp_path: Path, shipped: Shipped) -> None:
    path = company_file(tmp_path / "company.mmdb", "Alpha GmbH")
    resolver = following(OrgFiles((path,)), shipped)
    before = answer(resolver)
    company_file(tmp_path / "new.mmdb", "Beta GmbH").replace(path)

    assert (before, resolver.refresh(), answer(resolver), resolver.refresh()) == ("Alpha", True, "Beta", False)


def test_a_file_overwritten_in_place_changes_nothing_before_it_is_read_again(tmp_path: Path, shipped: Shipped) -> None:
    """A reader that mapped the operator's own file would read the new bytes by the old plan, or end the process."""
    path = company_file(tmp_path / "company.mmdb", "Alpha GmbH")
    resolver = following(OrgFiles((path,)), shipped)
    other = company_file(tmp_path / "other.mmdb", "Beta Gesellschaft mit einem langen Namen GmbH")
    path.write_bytes(b"")
    emptied = answer(resolver)
    shutil.copyfile(other, path)

    assert (emptied, answer(resolver)) == ("Alpha", "Alpha")
    assert resolver.refresh()
    assert answer(resolver) == "Beta Gesellschaft mit einem langen Namen"


@pytest.mark.parametrize("content", [b"", b"half of a file"], ids=["empty", "torn"])
def test_a_file_that_cannot_be_used_leaves_the_old_in_force(content: bytes, tmp_path: Path, shipped: Shipped) -> None:
    path = company_file(tmp_path / "company.mmdb", "Alpha GmbH")
    resolver = following(OrgFiles((path,)), shipped)
    path.write_bytes(content)

    with pytest.raises(FirmlyError, match=r"company\.mmdb: not a readable MMDB file"):
        resolver.refresh()
    assert (answer(resolver), resolver.refresh()) == ("Alpha", False)
    path.unlink()
    with pytest.raises(FirmlyError, match="not a readable"):
        resolver.refresh()
    company_file(path, "Beta GmbH")
    assert (resolver.refresh(), answer(resolver)) == (True, "Beta")


def test_rules_and_exclusions_are_followed_too(tmp_path: Path, shipped: Shipped) -> None:
    rules, excluded = tmp_path / "rules.toml", tmp_path / "excluded.txt"
    rules.write_text("")
    excluded.write_text("")
    resolver = following(OrgFiles((), (), rules, excluded), shipped)
    assert answer(resolver) == DropReason.CARRIER_NETWORK
    rules.write_text('[[rule]]\nasn = 719\norganisation = { name = "Ours" }\n')
    assert (resolver.refresh(), answer(resolver)) == (True, "Ours")
    excluded.write_text("91.152.0.0/16")
    assert (resolver.refresh(), answer(resolver)) == (True, DropReason.EXCLUDED)


def test_look_ups_go_on_while_files_are_swapped(tmp_path: Path, shipped: Shipped) -> None:
    path = company_file(tmp_path / "company.mmdb", "Alpha GmbH")
    resolver = following(OrgFiles((path,)), shipped)
    swaps, stop, failures = 20, threading.Event(), list[BaseException]()

    def swap() -> None:
        try:
            for number in range(swaps):
                company_file(tmp_path / "new.mmdb", ("Alpha GmbH", "Beta GmbH")[number % 2]).replace(path)
                os.utime(path, (number, number))
                resolver.refresh()
        except BaseException as error:  # noqa: BLE001  # Shown by the assertion below.
            failures.append(error)
        finally:
            stop.set()

    thread = threading.Thread(target=swap)
    thread.start()
    answers = set[str]()
    while not stop.is_set():
        answers.add(answer(resolver))
    thread.join()
    assert failures == []
    assert answers <= {"Alpha", "Beta"}


def test_a_file_beyond_its_licence_is_refused(tmp_path: Path, shipped: Shipped) -> None:
    record = {"autonomous_system_number": 1, "autonomous_system_organization": "X"}
    path = write_vendor_file(tmp_path / "asn.mmdb", {"91.152.0.0/16": record}, "GeoLite2-ASN", date(2026, 10, 22))
    with pytest.raises(FirmlyError, match=r"GeoLite2 ASN is 31 days old; its licence ends .* after 30 days"):
        open_chain(OrgFiles((path,)), TODAY, shipped)
    write_vendor_file(path, {"91.152.0.0/16": record}, "GeoLite2-ASN", date(2026, 10, 23))
    open_chain(OrgFiles((path,)), TODAY, shipped)


def test_a_resolver_opens_what_the_settings_name(tmp_path: Path) -> None:
    path = company_file(tmp_path / "company.mmdb", "Alpha GmbH")
    assert answer(open_resolver(OrgFiles((path,)), lambda: TODAY)) == "Alpha"
