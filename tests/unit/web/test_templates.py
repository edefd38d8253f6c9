"""What holds for every template."""

import re

from firmly.packaged import dashboards

# A literal in an expression is escaped like any value: its quotation marks would become part of the attribute's value.
_MARKUP_IN_EXPRESSION = re.compile(r"\{\{[^{}]*'[^'{}]*[a-z-]=\"[^'{}]*'[^{}]*\}\}")


def test_no_expression_writes_an_attribute() -> None:
    assert _MARKUP_IN_EXPRESSION.search("""<a{{ ' aria-current="page"' if place == name }}>""")
    found = {
        path.name: _MARKUP_IN_EXPRESSION.findall(path.read_text())
        for path in sorted((dashboards() / "templates").rglob("*.html"))
    }
    assert {name: lines for name, lines in found.items() if lines} == {}
