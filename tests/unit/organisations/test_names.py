"""Names as registries write them, with the handles, forms and marks that have to go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmly.organisations.classify import Lists
from firmly.organisations.names import display_name, fold, holder_name, name_key, organisation_id, words

SHOWN = [
    ("TSF-IP-Core Telia Finland Oyj", "FI", "Telia Finland"),
    ("AS61656 - AGENCIA NACIONAL - ANATEL", "BR", "AGENCIA NACIONAL - ANATEL"),
    ("IDNIC-BUMA-AS-ID - PT BUKIT MAKMUR", "ID", "BUKIT MAKMUR"),
    ("Pan Atlantic University - Pan Atlantic University", "NG", "Pan Atlantic University"),
    ('Orkla-Latvija SIA "Orkla Latvija"', "LV", "Orkla Latvija"),
    ("europapark-as Mack International GmbH", "DE", "Mack International"),
    ("Siemens_UAE2 Siemens AG", "DE", "Siemens"),
    ("BNP-Paribas BNP PARIBAS S.A.", "FR", "BNP PARIBAS"),
    ("Henkel AG & Co KGaA", "DE", "Henkel"),
    ("Eli Lilly and Company", "US", "Eli Lilly"),
    ("Rolls-Royce plc", "GB", "Rolls-Royce"),
    ("Coca-Cola Company", "US", "Coca-Cola"),
    ("Hewlett-Packard Company", "US", "Hewlett-Packard"),
    ("Nordic Data OÜ", "EE", "Nordic Data"),
    ("Chun Ming Ou", "TW", "Chun Ming Ou"),
    ("CERN - European Organization for Nuclear Research", "CH", "CERN - European Organization for Nuclear Research"),
    ("3M Company", "US", "3M Company"),
    ("Ltd", "GB", "Ltd"),
    ("Ａｃｍｅ   GmbH", "DE", "Acme"),
    ("", "DE", ""),
]


@pytest.mark.parametrize(("registered", "country", "shown"), SHOWN, ids=[name for name, _, _ in SHOWN])
def test_the_name_shown_is_the_holders_own(registered: str, country: str, shown: str, lists: Lists) -> None:
    assert display_name(registered, country, lists.forms) == shown


def test_words_are_folded_and_initials_joined() -> None:
    assert words("ENI S.p.A., Universität İzmir L’Oréal t/a") == ("eni", "spa", "universitat", "izmir", "loreal", "ta")
    assert fold("Ørsted Łódź Straße") == "orsted lodz strasse"


def test_several_entries_of_one_holder_have_one_id(lists: Lists) -> None:
    keys = {
        name_key(name, "FR", lists.forms)
        for name in ("BNP PARIBAS S.A.", "BNP-Paribas BNP PARIBAS S.A.", "Bnp Paribas")
    }

    assert keys == {"bnp paribas"}
    assert organisation_id("bnp paribas", "FR") == 4_042_455_483_310_350_500
    assert organisation_id("bnp paribas", "FR") != organisation_id("bnp paribas", "BE")


@given(st.text(max_size=60))
def test_any_text_has_a_name_and_words(text: str) -> None:
    holder_name(text)
    assert all(word == fold(word) for word in words(text))
