"""Checks an installation and says in plain words what to do. Changes nothing but a probe file."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import httpx

from firmly.accounts.database import open_control_plane
from firmly.app import control_plane_url
from firmly.mail.transport import Encryption, MailError, mail_server
from firmly.model import Clock, FirmlyError
from firmly.organisations.countries import OLD_AFTER_DAYS, open_countries
from firmly.organisations.open import OrgFiles, Shipped, open_chain
from firmly.organisations.sources import age_of
from firmly.settings import Settings

BUILT_AFTER = date(2026, 9, 16)
"""The date of the bundled data: a clock before it is wrong."""


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    verdict: Verdict
    text: str


def examine(settings: Settings, clock: Clock) -> list[Finding]:
    """Run every check. A check that itself breaks is a failed one."""
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("data directory", lambda: _data_dir(settings.data_dir)),
        ("disk space", lambda: _disk(settings)),
        ("clock", lambda: _clock(settings.data_dir, clock())),
        ("organisation data", lambda: _organisations(settings, clock().date())),
        ("country data", lambda: _countries(settings, clock().date())),
        ("control plane", lambda: _control_plane(settings)),
        ("warehouse", lambda: _warehouse(settings)),
        ("server", lambda: _server(settings)),
        ("mail", lambda: _mail(settings)),
        ("encryption in transit", lambda: _tls(settings)),
        ("trusted proxies", lambda: _proxies(settings)),
        ("swap", _swap),
    ]
    return list(_run(checks))


def _run(checks: list[tuple[str, Callable[[], Finding]]]) -> Iterator[Finding]:
    for name, check in checks:
        try:
            yield check()
        except FirmlyError as error:
            yield Finding(name, Verdict.FAILED, str(error))
        except Exception as error:  # noqa: BLE001  # Whatever broke, the other checks are still wanted.
            yield Finding(name, Verdict.FAILED, f"the check broke: {type(error).__name__}")


def _data_dir(data_dir: Path) -> Finding:
    name = "data directory"
    if not data_dir.exists():
        return Finding(name, Verdict.WARNING, f"{data_dir} does not exist yet; `firmly serve` makes it")
    probe = data_dir / ".doctor"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return Finding(name, Verdict.FAILED, f"{data_dir} cannot be written: {error.strerror}")
    if data_dir.stat().st_mode & 0o077:
        return Finding(name, Verdict.WARNING, f"{data_dir} is open to other users; expected mode 0700: chmod 700")
    return Finding(name, Verdict.OK, f"{data_dir} is private and can be written")


def _disk(settings: Settings) -> Finding:
    place = next(path for path in (settings.data_dir, *settings.data_dir.parents) if path.exists())
    free = shutil.disk_usage(place).free
    text = f"{free / 2**30:.1f} GiB free at {place}"
    if free < settings.spool_min_free_bytes:
        return Finding("disk space", Verdict.FAILED, f"{text}; events are refused (FIRMLY_SPOOL_MIN_FREE_BYTES)")
    if free < 4 * settings.spool_min_free_bytes:
        return Finding("disk space", Verdict.WARNING, f"{text}; soon events will be refused")
    return Finding("disk space", Verdict.OK, text)


def _clock(data_dir: Path, now: datetime) -> Finding:
    if now.date() < BUILT_AFTER:
        return Finding("clock", Verdict.FAILED, f"the clock says {now:%Y-%m-%d}, before this version was made")
    newest = datetime.fromtimestamp(max(map(_written_at, data_dir.rglob("*")), default=0.0), UTC)
    if newest > now + timedelta(minutes=1):
        return Finding("clock", Verdict.FAILED, f"the clock says {now:%Y-%m-%d %H:%M} UTC, but files are newer")
    return Finding("clock", Verdict.OK, f"{now:%Y-%m-%d %H:%M} UTC")


def _written_at(path: Path) -> float:
    try:
        return path.stat().st_mtime if path.is_file() else 0.0
    except FileNotFoundError:  # A running server takes segments and parts away at any moment.
        return 0.0


def _organisations(settings: Settings, today: date) -> Finding:
    chain = open_chain(OrgFiles.of(settings), today, Shipped.opened())
    ages = [age_of(source, today) for source in chain.sources]
    text = "; ".join(f"{age.data_set.name} of {age.data_set.as_of}, {age.days} days old" for age in ages)
    if any(age.is_old for age in ages):
        return Finding("organisation data", Verdict.WARNING, f"{text}; use newer data")
    return Finding("organisation data", Verdict.OK, text)


def _countries(settings: Settings, today: date) -> Finding:
    name = "country data"
    if settings.country_database is None:
        return Finding(name, Verdict.OK, "none: sites with rules by country ask everywhere")
    days = (today - open_countries(settings.country_database).as_of).days
    text = f"{settings.country_database}, {days} days old"
    if days > OLD_AFTER_DAYS:
        return Finding(name, Verdict.WARNING, f"{text}; use newer data")
    return Finding(name, Verdict.OK, text)


def _control_plane(settings: Settings) -> Finding:
    if not settings.database_url and not (settings.data_dir / "control.sqlite").exists():
        return Finding("control plane", Verdict.WARNING, "no database yet; `firmly serve` makes it")
    control_plane = open_control_plane(control_plane_url(settings))
    try:
        with control_plane.reading() as db:
            db.connection()
    finally:
        control_plane.close()
    return Finding("control plane", Verdict.OK, "the database answers")


def _warehouse(settings: Settings) -> Finding:
    if not settings.clickhouse_url:
        return Finding("warehouse", Verdict.OK, "embedded in the data directory")
    try:
        answer = httpx.get(f"{settings.clickhouse_url.partition('?')[0].rstrip('/')}/ping", timeout=5)
    except httpx.HTTPError as error:
        return Finding("warehouse", Verdict.FAILED, f"FIRMLY_CLICKHOUSE_URL does not answer: {type(error).__name__}")
    verdict = Verdict.OK if answer.status_code == 200 else Verdict.FAILED
    return Finding("warehouse", verdict, f"FIRMLY_CLICKHOUSE_URL answers {answer.status_code}")


def _server(settings: Settings) -> Finding:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.settimeout(2)
        is_taken = probe.connect_ex((host, settings.port)) == 0
    if not is_taken:
        return Finding("server", Verdict.OK, f"nothing listens on {settings.host}:{settings.port} yet")
    try:
        # Not through a proxy of the environment: this is about this machine.
        address = httpx.URL(scheme="http", host=host, port=settings.port, path="/readyz")
        answer = httpx.get(address, timeout=5, trust_env=False)
        troubles = answer.json()["troubles"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        text = f"something else listens on {settings.host}:{settings.port}; expected a free port (FIRMLY_PORT)"
        return Finding("server", Verdict.FAILED, text)
    return Finding("server", Verdict.FAILED if troubles else Verdict.OK, "; ".join(troubles) or "running and ready")


def _mail(settings: Settings) -> Finding:
    server = mail_server(settings, timeout_s=5)
    if server is None:
        text = "FIRMLY_SMTP_URL is not set: hand invitations and new passwords over yourself; no report is mailed"
        return Finding("mail", Verdict.WARNING, text)
    try:
        server.check()
    except MailError as error:
        return Finding("mail", Verdict.FAILED, f"FIRMLY_SMTP_URL: {error}")
    how = "unencrypted on this machine" if server.encryption is Encryption.NONE else "encrypted"
    login = "signed in" if server.login else "without a login"
    return Finding("mail", Verdict.OK, f"the mail server answers, {how}, {login}; try it: firmly mail test ADDRESS")


def _tls(settings: Settings) -> Finding:
    name = "encryption in transit"
    host = httpx.URL(settings.base_url).host
    if settings.base_url.startswith("https://"):
        return Finding(name, Verdict.OK, settings.base_url)
    if host in ("localhost", "127.0.0.1", "::1"):
        return Finding(name, Verdict.OK, f"{settings.base_url} stays on this machine")
    return Finding(name, Verdict.WARNING, f"FIRMLY_BASE_URL={settings.base_url}: expected https beyond this machine")


def _proxies(settings: Settings) -> Finding:
    if settings.base_url.startswith("https://") and not settings.trusted_proxies:
        text = "none, but FIRMLY_BASE_URL is https: behind a proxy every visitor would look like the proxy"
        return Finding("trusted proxies", Verdict.WARNING, f"{text}; set FIRMLY_TRUSTED_PROXIES")
    shown = ", ".join(str(network) for network in settings.trusted_proxies)
    return Finding("trusted proxies", Verdict.OK, shown or "none: forwarding headers are ignored")


def _swap() -> Finding:
    """Warn of swap to a plain disk: memory that holds an address for a moment could be written there."""
    try:
        rows = Path("/proc/swaps").read_text().splitlines()[1:]
    except OSError:
        return Finding("swap", Verdict.OK, "cannot be seen on this system")
    plain = [name for name in (row.split()[0] for row in rows) if not _is_protected(name)]
    if plain:
        return Finding("swap", Verdict.WARNING, f"{', '.join(plain)} may be unencrypted; use encrypted swap or none")
    return Finding("swap", Verdict.OK, "none, or encrypted, or in memory")


def _is_protected(device: str) -> bool:
    name = os.path.realpath(device).rsplit("/", 1)[-1]
    if name.startswith("zram"):
        return True
    uuid = Path(f"/sys/class/block/{name}/dm/uuid")
    return uuid.exists() and uuid.read_text().startswith("CRYPT-")
