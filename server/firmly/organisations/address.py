"""The one type that carries a network address, built so that the address cannot leave memory.

It cannot be printed, formatted, pickled, copied, hashed, compared or turned into JSON; it can be
looked up and keyed while it lives, and is emptied once the organisation is resolved. An address
in memory is still processed: the public privacy page says so.
"""

import hashlib
import socket
from typing import NoReturn

_MAPPED = bytes(10) + b"\xff\xff"
"""The first 12 bytes of an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2)."""

KEY_BYTES = 32


class AddressDroppedError(Exception):
    """The address was asked for after it had been dropped: a defect in the order of steps."""

    def __init__(self) -> None:
        super().__init__("the address was already dropped")


class Address:
    """One client address in canonical form: 4 or 16 packed bytes, or nothing once dropped."""

    __slots__ = ("_packed",)

    def __init__(self, packed: bytes | None) -> None:
        self._packed = packed

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read one textual address; a form that is refused gives an address that `is_refused`.

        Only what `inet_pton` takes is an address: no zone id, port, octal, hexadecimal or short
        form. An IPv4-mapped IPv6 address is unwrapped. The text is never put into an error.
        """
        try:
            if ":" not in text:
                return cls(socket.inet_pton(socket.AF_INET, text))
            packed = socket.inet_pton(socket.AF_INET6, text)
        except (OSError, ValueError):  # ValueError: a null byte; UnicodeError is one too.
            return cls(b"")
        return cls(packed[12:] if packed.startswith(_MAPPED) else packed)

    @property
    def is_refused(self) -> bool:
        return self.packed() == b""

    def packed(self) -> bytes:
        """Return 4 bytes, 16 bytes, or none where the form was refused. For the resolver only.

        Raises:
            AddressDroppedError: after `drop`.
        """
        if self._packed is None:
            raise AddressDroppedError
        return self._packed

    def keyed(self, key: bytes, purpose: bytes, context: bytes = b"") -> bytes:
        """Return 16 bytes that stand for this address in a table that lives only in memory.

        ``key`` must be random, held only in memory and short-lived; ``purpose`` (at most 16
        bytes) separates tables. The result is as personal as the address: never write it.
        """
        return hashlib.blake2b(self.packed() + context, digest_size=16, key=key, person=purpose).digest()

    def source_keyed(self, keyed: "hashlib.blake2b") -> bytes:
        """Like `keyed`, but one value for a whole IPv6 /64, which is one subscriber.

        ``keyed`` is an empty hash with key and purpose, which to copy costs less than to make.
        """
        packed = self.packed()
        of_source = keyed.copy()
        of_source.update(packed[:8] if len(packed) == 16 else packed)
        return of_source.digest()

    def drop(self) -> None:
        """Forget the address. Harmless when repeated."""
        self._packed = None

    def __repr__(self) -> str:
        return "<Address>"

    def __str__(self) -> NoReturn:
        raise TypeError("an address cannot be printed")

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError("an address cannot be formatted")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("an address cannot be pickled or copied")

    __hash__ = None  # type: ignore[assignment]  # It may be no key of a dictionary or cache.

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("an address cannot be compared")
