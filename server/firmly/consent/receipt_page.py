"""A visitor's receipt as a page: one file that can be kept and printed, without script or anything from elsewhere."""

import re
from collections.abc import Mapping
from html import escape
from types import MappingProxyType
from typing import Any

Json = dict[str, Any]

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "mine": "Your record",
        "saw": "What was shown",
        "did_accept_all": "Accepted all",
        "did_reject_all": "Rejected all",
        "did_custom": "Chose by purpose",
        "did_withdraw": "Withdrew consent",
        "did_expire": "Choice expired",
        "did_gpc": "Refused by your browser’s signal (Global Privacy Control)",
        "did_dnt": "Refused by your browser’s signal (Do Not Track)",
        "verified": "Unchanged: entry {sequence} of {size}, signed {date}.",
    }
)
"""The page's words in English; a language's texts of the preferences have the same keys."""

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem;color:#1b1d21;"
    "background:#fff}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}dt{font-weight:600}dd{margin:0 0 .5rem}"
    "code{overflow-wrap:anywhere;font-size:.85rem}@media(prefers-color-scheme:dark){body{color:#eceef1;"
    "background:#16181c}}"
)


def receipt_page(receipt: Json, language: str, words: Mapping[str, str] = WORDS) -> str:
    """Return HTML. ``words`` are those of ``language``, which is ``en`` where they are `WORDS`."""
    records = "".join(_record(one, receipt["head"], words) for one in reversed(receipt["records"]))
    title = f"{words['mine']} – {receipt['controller']}"
    return (
        f'<!doctype html>\n<html lang="{escape(language)}" dir="auto">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escape(title)}</h1>\n"
        f"<p>{escape(', '.join(receipt['origins']))} · {escape(receipt['made'])} · "
        f"<code>{escape(receipt['schema'])}</code></p>\n{records}</main>\n</body>\n</html>\n"
    )


def _record(record: Json, head: Json, words: Mapping[str, str]) -> str:
    proof, shown = record["log"], record["shown"]
    did = words.get(f"did_{record['action']}", record["action"])
    unchanged = _filled(
        words["verified"], {"sequence": proof["sequence"] + 1, "size": head["size"], "date": head["minute"]}
    )
    given = {one["purpose"]: one["is_given"] for one in record["processing"]["purposes"]}
    purposes = "".join(
        f"<li>{'☑' if is_given else '☐'} {escape(one['name'])}: {escape(one['about'])}</li>"
        for one, is_given in zip(shown["purposes"], given.values(), strict=True)
    )
    return (
        f"<section>\n<h2>{escape(record['minute'])}: {escape(did)}</h2>\n"
        f"<p>{escape(record['state'])} · {escape(record['source'])} · → {escape(record['expires_on'])}</p>\n"
        f"<h3>{escape(words['saw'])}</h3>\n<p>{escape(shown['intro'])}</p>\n<ul>{purposes}</ul>\n"
        f"<p>{escape(shown['duration'])}</p>\n<p>{escape(unchanged)}</p>\n"
        f"<p><code>{escape(record['banner'])}<br>{escape(proof['hash'])}</code></p>\n</section>\n"
    )


def _filled(text: str, values: Mapping[str, object]) -> str:
    """Put values into their places; whatever else a site's own wording has in braces stays as it is."""
    return re.sub("|".join(rf"\{{{name}\}}" for name in values), lambda place: str(values[place[0][1:-1]]), text)
