"""The second factor's arithmetic: authenticator codes, recovery codes, and the box the secret is kept in.

Owns no rows. Secrets and codes are credentials: none is part of a message.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime

import pyotp
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

STEP_S = 30
WINDOW = 1
"""So many steps a member's clock may be off, each way. Source: RFC 6238, 5.2."""
RECOVERY_CODES = 10

_SALT = b"firmly.accounts.second_factor"
_DIGITS = re.compile(r"[0-9]{6}")
# Source: Crockford's Base 32, without I, L, O and U; what is misread comes back as what was meant.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011")
_BETWEEN = re.compile(r"[\s\-\u2010-\u2015\u2212]")
_RECOVERY = re.compile(f"[{_ALPHABET}]{{16}}")
_LONGEST_INPUT = 100


def new_secret() -> str:
    """Return a fresh secret for an authenticator: 160 random bits in base32. Source: RFC 4226, 4 (R6)."""
    return pyotp.random_base32(32)


def otpauth_uri(secret: str, email: str, issuer_name: str) -> str:
    """Return the secret in the form that authenticators read: ``otpauth://totp/...``. As secret as the secret."""
    # The colon parts issuer and account, also where it is encoded.
    label = {"name": email.replace(":", " "), "issuer_name": issuer_name.replace(":", " ")}
    return pyotp.TOTP(secret, interval=STEP_S).provisioning_uri(**label)


def qr_svg(uri: str) -> str:
    """Return ``uri`` as a QR code: an SVG element without style or script, sized by class ``qr-code``.

    Dark on white with a margin of four modules, whatever surrounds it: readers fail on the inverse.
    """
    import segno

    code = segno.make_qr(uri, error="m")
    return code.svg_inline(
        border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr-code", lineclass=None, title="QR code"
    )


def matching_step(secret: str, code: str, now: datetime, last_step: int) -> int | None:
    """Return the time step whose code this is, to be kept as the next ``last_step``; 0 before the first.

    ``None``: wrong, out of the window of one step each way, or not later than ``last_step``, so that a
    code that somebody has read counts once. Six ASCII digits; spaces do not matter. Source: RFC 6238, 5.2.
    """
    digits = code.replace(" ", "") if len(code) <= _LONGEST_INPUT else ""
    if not _DIGITS.fullmatch(digits):
        return None
    totp = pyotp.TOTP(secret, interval=STEP_S)
    current, match = int(now.timestamp()) // STEP_S, None
    for step in range(max(current - WINDOW, 0), current + WINDOW + 1):
        # Every step is compared, and the latest wins: it takes as long for all, and leaves no second use.
        if hmac.compare_digest(totp.generate_otp(step), digits) and step > last_step:
            match = step
    return match


def new_recovery_codes() -> tuple[str, ...]:
    """Return ten codes of 80 random bits, such as ``7G2K-0XQM-3DVA-R9TB``: to be shown once, kept as hashes."""
    return tuple(_new_code() for _ in range(RECOVERY_CODES))


def recovery_hash(code: str) -> str | None:
    """Return under what a recovery code is kept, 64 hexadecimal digits; ``None`` for what has not its form.

    Case, spaces and dashes do not matter, nor do O for 0, I and L for 1. A fast hash is enough: there is
    nothing to guess in 80 random bits.
    """
    if len(code) > _LONGEST_INPUT:
        return None
    text = _BETWEEN.sub("", code)
    if not text.isascii():
        return None
    text = text.upper().translate(_MISREAD)
    return hashlib.sha256(text.encode("ascii")).hexdigest() if _RECOVERY.fullmatch(text) else None


def _new_code() -> str:
    symbols = "".join(secrets.choice(_ALPHABET) for _ in range(16))
    return "-".join(symbols[start : start + 4] for start in range(0, 16, 4))


class SecretBox:
    """Seals texts with the installation's secret keys, so that a stolen database alone is of no use.

    ``keys``: newest first; it seals with the first and opens what any of them sealed.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(_derived(key)) for key in keys])

    def seal(self, text: str) -> str:
        """Return ``text`` encrypted and authenticated, never twice the same."""
        return self._fernet.encrypt(text.encode("utf-8")).decode("ascii")

    def open(self, token: str) -> str | None:
        """Return what was sealed; ``None``: changed, no such text, or sealed with a key that is gone."""
        try:
            return self._fernet.decrypt(token.encode("utf-8", "surrogatepass")).decode("utf-8")
        except InvalidToken:
            return None


def _derived(key: str) -> bytes:
    # Source: RFC 5869. A key of its own: the installation's also signs, and must not be found by both.
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=_SALT, info=b"")
    return base64.urlsafe_b64encode(hkdf.derive(key.encode("utf-8")))
