"""The `.sql` files: one statement each, with the pieces that several of them share put in.

``/*= stands_for */`` in a statement is the text of ``queries/pieces/stands_for.sql``:

- ``stands_for``: the organisation that the column ``org_id`` stands for by the workspace's corrections (``merged`` and
  ``kept``, both empty without any); 0 where it is hidden.
- ``score_weight``: what ``day`` counts in a score; ``scored_pages``: the pages that count in one, of few organisations,
  and ``scored_pages_of_all`` from a table that is read for many.
- ``scores_of_all``: ``scores.sql`` of all that may be shown.
- ``showable``: the organisations that may be shown: with a page route, or counted on three distinct days, of what is
  kept. One that is not known is none, so that what is missing shows nobody.
"""

import re
from functools import cache
from importlib.resources import files

_WHOM = "/* whom */ org_id in {org_ids:Array(UInt64)}"
_PAGES, _PAGES_OF_ALL = "/*= scored_pages */", "scored_pages_of_all"
_PIECE = re.compile(r"/\*= (\w+) \*/")


@cache
def statement(name: str) -> str:
    """Return ``queries/<name>.sql``."""
    return with_pieces(_text(f"{name}.sql"))


@cache
def with_pieces(text: str) -> str:
    return _PIECE.sub(lambda found: _piece(found[1]), text)


def _piece(name: str) -> str:
    if name == "scores_of_all":
        return scores_of(f"org_id in {_piece('showable')}")
    return with_pieces(_text(f"pieces/{name}.sql").strip())


def scores_of(whom: str) -> str:
    """Return ``scores.sql`` for the organisations of which this SQL is true: many of them."""
    return with_pieces(_text("scores.sql").replace(_PAGES, f"/*= {_PAGES_OF_ALL} */")).replace(_WHOM, whom)


def _text(path: str) -> str:
    return (files("firmly.warehouse") / "queries" / path).read_text()


def identities(column: str) -> str:
    """Return a statement of what each organisation's ``column`` of ``identities`` is: ``org_id``, ``value``.

    It is what corrections say (``said_ids`` and ``said_<column>``), else what it was when it was last seen. ``column``
    comes from an allow-list.
    """
    return f"""
        select org_id, argMax(identities.{column}, last_minute) as value
        from identities
        where workspace_id = {{workspace_id:UInt32}}
            and retain_until > {{today:Date}}
            and org_id not in {{said_ids:Array(UInt64)}}
        group by org_id
        union all
        select tupleElement(said, 1) as org_id, tupleElement(said, 2) as value
        from (select arrayJoin(arrayZip({{said_ids:Array(UInt64)}}, {{said_{column}:Array(String)}})) as said)"""  # noqa: S608


STANDS_FOR = with_pieces("/*= stands_for */")
