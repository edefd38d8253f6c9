"""docs/MEMBERS.md says of every role exactly what the code says."""

import re
from pathlib import Path

from firmly.accounts.roles import RIGHTS_OF_ROLE, Right, Role

PAGE = Path(__file__).parents[2] / "docs" / "MEMBERS.md"
_ROW = re.compile(r"^\| `(\w+)`[^|]*\|(.+)\|$", re.MULTILINE)


def test_table_of_rights_is_that_of_the_code() -> None:
    said = {}
    for right, cells in _ROW.findall(PAGE.read_text()):
        answers = [cell.strip() for cell in cells.split("|")]
        assert set(answers) <= {"yes", ""}
        said[Right(right)] = {role for role, answer in zip(Role, answers, strict=True) if answer}
    assert said == {right: {role for role in Role if right in RIGHTS_OF_ROLE[role]} for right in Right}
