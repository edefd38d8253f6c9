"""docs/API.md says what is so: its tables are the code's, its examples work."""

import re
import shlex
from http import HTTPStatus
from pathlib import Path

import pytest

from firmly.accounts.roles import RIGHTS_OF_TOKEN, TokenScope
from firmly.web.api.operation import statuses
from firmly.web.api.rates import PER_MINUTE
from firmly.web.api.table import OPERATIONS
from tests.served import ROOT
from tests.unit.web.api.conftest import Program

PAGE = Path(ROOT / "docs" / "API.md").read_text("utf-8")
EXAMPLES = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


def rows(first_heading: str) -> list[str]:
    """Return the rows of the table under this heading."""
    table = PAGE.partition(f"| {first_heading} |")[2].partition("\n\n")[0]
    return table.splitlines()[2:]


def test_every_operation_is_there_with_its_right_and_what_it_does() -> None:
    wanted = []
    for one in OPERATIONS:
        rights = " or ".join(f"`{right}`" for right in sorted(one.needs)) or "any token"
        wanted.append(f"| `{one.method} {one.path}` | {rights} | {one.says[0]} |")
    assert rows("operation") == wanted


def test_every_scope_is_there_with_its_rights() -> None:
    wanted = [
        f"| `{scope}` | {', '.join(f'`{right}`' for right in sorted(RIGHTS_OF_TOKEN[scope]))} |" for scope in TokenScope
    ]
    assert rows("scope") == wanted


def test_every_refusal_is_there() -> None:
    said = {int(number) for row in rows("status") for number in re.findall(r"\b\d{3}\b", row.split("|")[1])}
    assert said == {status for one in OPERATIONS for status in statuses(one) if status >= HTTPStatus.BAD_REQUEST}


def test_the_limit_is_the_real_one() -> None:
    assert f"{PER_MINUTE} requests a minute" in PAGE


@pytest.mark.parametrize("line", EXAMPLES)
def test_examples_work(ours: Program, line: str) -> None:
    words = shlex.split(line)
    path = words[-1].partition("/api/v1")[2]
    if "-G" in words:
        key, _, value = words[words.index("--data-urlencode") + 1].partition("=")
        assert ours.get(path, params={key: value}).status_code == 200
        return
    if "-d" not in words:
        assert ours.get(path).status_code == 200
        return
    body = words[words.index("-d") + 1]
    answer = ours.ask("POST", path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 201


def test_examples_are_found() -> None:
    assert len(EXAMPLES) == 4
