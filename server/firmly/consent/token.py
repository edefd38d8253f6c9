"""The consent token that events carry: what was agreed, on which day, and nothing about who.

Signed with itsdangerous' plain serializer over canonical bytes, so that two visitors with the same
choice hold byte-identical tokens. Valid on its day of issue and the day after (UTC), hence at most
48 hours; never written to the spool or a table.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any

import orjson
from itsdangerous import BadData, URLSafeSerializer

from firmly.consent.choice import Granted, in_order
from firmly.model import Category, SiteKey

KNOWN_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class ConsentToken:
    site: SiteKey
    granted: Granted
    banner: str
    day: date

    def is_valid(self, site: str, now: datetime) -> bool:
        return self.site == site and 0 <= now.toordinal() - self.day.toordinal() <= 1


class _Canonical:
    @staticmethod
    def dumps(value: Any, **_options: Any) -> bytes:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)

    @staticmethod
    def loads(value: bytes, **_options: Any) -> Any:
        return orjson.loads(value)


class ConsentTokens:
    """Issues and reads tokens. ``keys``: the newest first; older ones still read."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._serializer = URLSafeSerializer(
            list(reversed(keys)),
            salt="firmly.consent-token.v1",
            serializer=_Canonical(),
            signer_kwargs={"key_derivation": "hmac", "digest_method": sha256},
        )
        self._known: OrderedDict[str, ConsentToken] = OrderedDict()

    def issue(self, site: SiteKey, granted: Granted, banner: str, now: datetime) -> tuple[str, datetime]:
        """Return the token and the moment from which it is not accepted."""
        day = now.date()
        content = {"s": site, "c": in_order(granted), "b": banner, "d": day.isoformat()}
        token = self._serializer.dumps(content)
        text = token.decode("ascii") if isinstance(token, bytes) else token
        return text, datetime.combine(day + timedelta(days=2), time(), UTC)

    def read(self, token: str) -> ConsentToken | None:
        """Return what a token says, None when we did not sign it. Its validity is asked apart.

        The same token serves many visitors: its signature is checked once while it is known.
        """
        known = self._known.get(token)
        if known is not None:
            return known
        try:
            content = self._serializer.loads(token)
            read = ConsentToken(
                SiteKey(content["s"]),
                frozenset(Category(name) for name in content["c"]),
                content["b"],
                date.fromisoformat(content["d"]),
            )
        except (BadData, KeyError, TypeError, ValueError):
            return None
        self._known[token] = read
        if len(self._known) > KNOWN_TOKENS:
            self._known.popitem(last=False)
        return read
