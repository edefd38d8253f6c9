"""A real SMTP server in the test's process, on loopback, that keeps what it takes and answers as it is told."""

import asyncio
import shutil
import ssl
import subprocess
import threading
from collections import defaultdict
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-made certificate, and what a client needs to trust it."""

    file: Path
    key: Path

    @classmethod
    def make(cls, folder: Path, name: str = f"IP:{HOST}") -> Self:
        """Make one in ``folder`` for ``name``, as openssl writes alternative names."""
        made = cls(folder / "cert.pem", folder / "key.pem")
        openssl = shutil.which("openssl")
        assert openssl, "openssl is missing: install the Debian package"
        arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=firmly.test"
        files = ["-addext", f"subjectAltName={name}", "-keyout", str(made.key), "-out", str(made.file)]
        subprocess.run([openssl, *arguments.split(), *files], check=True, capture_output=True, timeout=60)
        return made

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.file))

    def serving(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.file, self.key)
        return context


@dataclass(frozen=True, slots=True)
class Delivery:
    """One letter as it arrived: the envelope, the bytes, and what they say."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    letter: EmailMessage
    is_encrypted: bool
    greeting: str


class MailServer:
    """Runs between ``with`` and its end. Without arguments: plain, open to all, at `url`.

    ``starttls`` or ``tls`` is the certificate to encrypt with; ``logins`` are passwords by user;
    ``takes_utf8`` whether addresses may go beyond ASCII (RFC 6531).
    """

    def __init__(
        self,
        *,
        starttls: Certificate | None = None,
        tls: Certificate | None = None,
        logins: dict[str, str] | None = None,
        port: int = 0,
        takes_utf8: bool = True,
    ) -> None:
        self._logins = logins or {}
        self._replies: defaultdict[str, list[str]] = defaultdict(list)
        self._arrived = threading.Condition()
        self.deliveries: list[Delivery] = []
        self.commands: list[str] = []
        """Every command that has an own answer below, in order."""
        self.delay_s = 0.0
        """How long the answer to a letter takes, which is kept before that."""
        self._scheme = "smtps" if tls else "smtp"
        self._controller = _Controller(
            self,
            HOST,
            port,
            ssl_context=tls.serving() if tls else None,
            tls_context=starttls.serving() if starttls else None,
            server_hostname="mail.test",
            enable_SMTPUTF8=takes_utf8,
            authenticator=self._authenticate,
            auth_require_tls=bool(starttls),
        )

    @property
    def letters(self) -> list[EmailMessage]:
        return [delivery.letter for delivery in self.deliveries]

    @property
    def port(self) -> int:
        return self._controller.port

    @property
    def url(self) -> str:
        """The address for FIRMLY_SMTP_URL, with the first login if there is one."""
        login = next((f"{user}:{password}@" for user, password in self._logins.items()), "")
        return f"{self._scheme}://{login}{HOST}:{self.port}"

    def reply(self, command: str, *replies: str) -> None:
        """Answer the next times that ``command`` (MAIL, RCPT, DATA, NOOP, QUIT) comes with ``replies``."""
        self._replies[command] += replies

    def wait_for(self, count: int, within_s: float = 10.0) -> list[EmailMessage]:
        """Return the letters as soon as there are ``count``; fail when there are not in time."""
        with self._arrived:
            came = self._arrived.wait_for(lambda: len(self.deliveries) >= count, within_s)
        assert came, f"{len(self.deliveries)} letters came, not {count}"
        return self.letters

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._controller.stop()

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: LoginPassword
    ) -> AuthResult:
        password = self._logins.get(login.login.decode())
        is_right = password is not None and password.encode() == login.password
        return AuthResult(success=is_right, handled=False, auth_data=login)

    def _next(self, command: str) -> str | None:
        self.commands.append(command)
        replies = self._replies[command]
        return replies.pop(0) if replies else None

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._logins and not session.authenticated:
            return "530 5.7.0 Authentication required"
        reply = self._next("MAIL")
        if reply is None:
            envelope.mail_from = address
        return reply or "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self._next("RCPT")
        if reply is None:
            envelope.rcpt_tos.append(address)
        return reply or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        reply = self._next("DATA")
        if reply is None:
            self._keep(session, envelope)
        await asyncio.sleep(self.delay_s)
        return reply or "250 OK"

    async def handle_NOOP(self, server: SMTP, session: Session, envelope: Envelope, argument: str) -> str:
        return self._next("NOOP") or "250 OK"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return self._next("QUIT") or "221 Bye"

    def _keep(self, session: Session, envelope: Envelope) -> None:
        raw = envelope.content
        assert isinstance(raw, bytes)
        assert envelope.mail_from is not None
        letter: Any = message_from_bytes(raw, policy=WIRE)
        is_encrypted = session.ssl is not None or self._scheme == "smtps"
        recipients = tuple(envelope.rcpt_tos)
        with self._arrived:
            self.deliveries.append(
                Delivery(envelope.mail_from, recipients, raw, letter, is_encrypted, session.host_name or "")
            )
            self._arrived.notify_all()


class _Controller(Controller):
    """Takes a free port where it is told 0."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]
