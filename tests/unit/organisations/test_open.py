"""What an operator sets is what names are judged by."""

from pathlib import Path

import pytest

from firmly.model import DropReason, Organisation
from firmly.organisations.address import Address
from firmly.organisations.open import OrgFiles, Shipped, open_chain
from firmly.settings import read_settings
from tests.unit.organisations.conftest import TODAY
from tests.unit.organisations.people import people
from tests.vendor_files import write_vendor_file

FORMS = {"FI": "Oy", "SE": "AB", "NO": "AS", "DK": "ApS", "EE": "OÜ", "DE": "GmbH", "NL": "B.V.", "FR": "SARL",
         "ES": "S.L.", "PT": "Lda", "IT": "S.r.l.", "PL": "Sp. z o.o.", "CZ": "s.r.o.", "HU": "Kft.", "RO": "S.R.L.",
         "GB": "Ltd", "TR": "A.S.", "GR": "A.E.", "LV": "SIA", "LT": "UAB"}  # fmt: skip


def answer(name: str, country: str, switch: str, folder: Path, shipped: Shipped) -> str:
    """Resolve an address of a customer called ``name``, by the files and the switch of an operator."""
    record = {"name": name, "type": "business", "country": country}
    path = write_vendor_file(folder / "company.mmdb", {"91.152.0.0/25": record}, "ipinfo company.mmdb", TODAY)
    environ = {"FIRMLY_ORG_DATABASES": str(path), "FIRMLY_ORG_STRICT": switch, "FIRMLY_DATA_DIR": str(folder)}
    found = open_chain(OrgFiles.of(read_settings(environ)), TODAY, shipped).resolve(Address.parse("91.152.0.9"))
    return found.name if isinstance(found, Organisation) else found.value


@pytest.mark.parametrize(
    ("name", "country"), [(f"{name} {FORMS[country]}", country) for name, country in people(seed=9, number=40)]
)
def test_a_firm_with_a_persons_name_is_named_unless_the_operator_is_strict(
    name: str, country: str, tmp_path: Path, shipped: Shipped
) -> None:
    assert answer(name, country, "off", tmp_path, shipped) not in ("person", "no_evidence")
    assert answer(name, country, "on", tmp_path, shipped) == DropReason.PERSON.value


def test_other_firms_are_named_where_the_operator_is_strict(tmp_path: Path, shipped: Shipped) -> None:
    assert answer("Muster Maschinenbau GmbH", "DE", "on", tmp_path, shipped) == "Muster Maschinenbau"
