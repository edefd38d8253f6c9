"""The receipt: 128 random bits that lead a visitor to their own record, kept here only as a keyed hash.

Never in an address of a page, never with events. It is the ISO/IEC TS 27560 principal id.
"""

import hmac
import re
import secrets
from collections.abc import Sequence
from hashlib import sha256

RECEIPT_COOKIE = "firmly_receipt"
_FORM = re.compile(r"[0-9a-f]{32}\Z")


class Receipts:
    """Makes receipts and their hashes. ``keys``: the newest first; older ones still find records."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [hmac.digest(key.encode(), b"firmly.receipt.v1", sha256) for key in keys]

    def new(self) -> str:
        return secrets.token_hex(16)

    def is_well_formed(self, receipt: str) -> bool:
        return _FORM.match(receipt) is not None

    def hash(self, receipt: str) -> str:
        """Return the hash under which a new record is kept: 64 hexadecimal digits."""
        return hmac.digest(self._keys[0], receipt.encode(), sha256).hex()

    def hashes(self, receipt: str) -> list[str]:
        """Return the hashes under every key in force, to find older records."""
        return [hmac.digest(key, receipt.encode(), sha256).hex() for key in self._keys]
