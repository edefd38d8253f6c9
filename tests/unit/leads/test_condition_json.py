"""Filters as JSON and as sentences."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given

from firmly.leads.condition_json import MAX_COMPARISONS, MAX_JSON, condition_of, json_of, parse_condition, text_of
from firmly.leads.condition_words import sentence_of
from firmly.model import InvalidInputError, Problem
from firmly.warehouse.conditions import EVERYTHING
from tests.unit.leads.test_conditions import ALL_TREES


@given(tree=ALL_TREES)
def test_what_is_written_reads_as_the_same(tree: dict[str, Any]) -> None:
    condition = condition_of(tree)
    assert condition_of(json_of(condition)) == condition
    assert parse_condition(text_of(condition)) == condition


@given(tree=ALL_TREES)
def test_every_filter_has_a_sentence(tree: dict[str, Any]) -> None:
    said = sentence_of(condition_of(tree))
    assert said
    assert said == said.strip()
    assert "  " not in said


def told(problem: Problem) -> str:
    return f"{problem.key} is {problem.value}; expected: {problem.expected}"


def test_no_filter_is_no_text() -> None:
    assert (parse_condition(""), text_of(EVERYTHING), sentence_of(EVERYTHING)) == (EVERYTHING, "", "")


VISITS = {"field": "visits", "op": "gt", "value": 1}
PAGE = {"field": "page", "op": "starts", "value": "/p"}
DEEP: dict[str, Any] = PAGE
for _ in range(6):
    DEEP = {"and": [DEEP]}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (7, "filter is 7; expected: an object with `and`, `or`, or `field`"),
        ({}, "filter.field is None; expected: one of name, domain,"),
        ({"field": "address", "op": "eq", "value": "1"}, "filter.field is address; expected: one of name,"),
        ({"field": "page", "op": "gt", "value": 1}, "filter.op is gt; expected: for page one of eq, ne, in"),
        ({"field": "visits", "op": "gt", "value": "3"}, "filter.value is 3; expected: a whole number from 0"),
        ({"field": "visits", "op": "gt", "value": True}, "filter.value is True; expected: a whole number"),
        ({"field": "visits", "op": "gt", "value": -1}, "filter.value is -1; expected: a whole number"),
        ({"field": "visits", "op": "between", "value": [1]}, "expected: a list of two numbers"),
        ({"field": "last_visit", "op": "in_last", "value": 0}, "expected: a whole number from 1 to 760"),
        ({"field": "name", "op": "eq", "value": ""}, "expected: text of 1 to 200 printable characters"),
        ({"field": "name", "op": "eq", "value": "a\x00b"}, "expected: text of 1 to 200 printable characters"),
        ({"field": "name", "op": "eq", "value": "x" * 201}, "expected: text of 1 to 200 printable characters"),
        ({"field": "name", "op": "in", "value": []}, "expected: a list of 1 to 100 texts"),
        ({"field": "name", "op": "in", "value": ["x"] * 101}, "expected: a list of 1 to 100 texts"),
        ({"field": "name", "op": "set", "value": "x"}, "expected: none: set takes no value"),
        ({"field": "name", "op": "eq", "value": "x", "times": 2}, "filter.times is 2; expected: none"),
        (PAGE | {"times": 0}, "filter.times is 0; expected: a whole number from 1 to 100000"),
        (PAGE | {"days": "7"}, "filter.days is 7; expected: a whole number from 1 to 760"),
        (PAGE | {"op": "ne", "times": 2}, "filter.times is 2; expected: none: ne is about never"),
        (PAGE | {"sql": "1"}, "filter.sql"),
        ({"and": [PAGE], "or": [PAGE]}, "expected: nothing beside `and`"),
        ({"or": []}, "filter.or is []; expected: a list of 1 to 40 conditions"),
        ({"and": {"field": "page"}}, "expected: a list of 1 to 40 conditions"),
        ({"and": [PAGE, {"or": [{"field": "x"}]}]}, "filter.and[1].or[0].field is x;"),
        (DEEP, "expected: groups in groups, at most 5 deep"),
        ({"and": [{"or": [VISITS] * 30}, {"or": [VISITS] * 30}]}, f"expected: at most {MAX_COMPARISONS} comparisons"),
        ({"or": [PAGE] * 11}, "filter is 11; expected: at most 10 comparisons of what visits did"),
        ({"or": [{"field": "name", "op": "matches", "value": "x"}] * 4}, "expected: at most 3 regular expressions"),
        ({"field": "name", "op": "matches", "value": "x" * 101}, "expected: text of 1 to 100 printable characters"),
        ({"field": "name", "op": "matches", "value": "a{0,300}"}, "expected: an expression without `{`"),
        ({"field": "name", "op": "matches", "value": r"\pL"}, "expected: an expression without `{`"),
        ({"field": "visits", "op": "between", "value": [5, 1]}, "expected: the smaller number first"),
    ],
)
def test_filter_that_cannot_be_names_the_place_and_what_was_expected(given: Any, said: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        condition_of(given)
    assert any(said in told(problem) for problem in refused.value.problems)
    text = json.dumps(given)
    with pytest.raises(InvalidInputError) as read:
        parse_condition(text)
    assert read.value.problems == refused.value.problems or len(quote(text)) > MAX_JSON


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "expected: JSON"), ("[" * 9000, "expected"), ("x" * 20_000, "at most 6000 characters")],
    ids=["cut", "nested", "long"],
)
def test_text_that_is_no_filter_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse_condition(text)
    assert any(said in told(problem) for problem in refused.value.problems)


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        (
            {
                "and": [
                    PAGE | {"value": "/pricing", "op": "eq", "times": 2, "days": 30},
                    {"field": "country", "op": "eq", "value": "DE"},
                    {"field": "kind", "op": "ne", "value": "education"},
                ]
            },
            "visited /pricing at least 2 times in the last 30 days, and country is Germany, and kind is not education",
        ),
        (
            {"or": [{"and": [PAGE, {"field": "visits", "op": "gt", "value": 3}]}, {"field": "goal", "op": "set"}]},
            "(visited a page that starts with /p, and more than 3 visits) or reached a goal",
        ),
        ({"field": "source", "op": "not_in", "value": ["ad", "mail"]}, "never came from the source ad or mail"),
        ({"field": "seconds", "op": "between", "value": [10, 20]}, "10 to 20 seconds of reading"),
        ({"field": "first_visit", "op": "in_last", "value": 1}, "first visit in the last day"),
        ({"field": "domain", "op": "not_set"}, "domain is not known"),
    ],
)
def test_sentence_says_what_is_asked(tree: dict[str, Any], said: str) -> None:
    assert sentence_of(condition_of(tree), lambda field, value: "Germany" if value == "DE" else value) == said
