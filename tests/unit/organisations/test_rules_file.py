"""The operator's file followed while it changes."""

import logging
from datetime import date
from pathlib import Path

import pytest

from firmly.model import FirmlyError
from firmly.organisations.legal_forms import LegalForms
from firmly.organisations.rules_file import RulesFile

TODAY = date(2026, 3, 1)


def rule(asn: int) -> str:
    return f'[[rule]]\nasn = {asn}\nis = "own_staff"\n'


def test_rules_follow_the_file(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(rule(1248))
    rules = RulesFile(path, LegalForms.bundled(), lambda: TODAY)
    assert rules() is rules()
    path.write_text(rule(1248) + rule(64500))
    assert [one.value for one in rules().rules] == ["1248", "64500"]


@pytest.mark.parametrize("text", [rule(0) + "\n\n\n", None], ids=["damaged", "gone"])
def test_file_that_cannot_be_used_leaves_the_last_rules_in_force(
    text: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(rule(1248))
    rules = RulesFile(path, LegalForms.bundled(), lambda: TODAY)
    path.unlink() if text is None else path.write_text(text)
    with caplog.at_level(logging.ERROR, "firmly"):
        assert [[one.value for one in rules().rules] for _ in range(2)] == [["1248"], ["1248"]]
    assert len(caplog.records) == 1
    with pytest.raises(FirmlyError):
        RulesFile(path, LegalForms.bundled(), lambda: TODAY)
