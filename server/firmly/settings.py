"""Settings: the only reader of the environment.

Every setting is a row of `SETTINGS`, with a default for one machine, from which docs/SETTINGS.md
is generated. Unknown `FIRMLY_*` names are errors, and all problems are reported at once.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from firmly.model import InvalidInputError, Problem

PREFIX = "FIRMLY_"
_DOWNLOAD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\.(mmdb|json)")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an installation can set, read and checked. Paths are absolute."""

    data_dir: Path
    base_url: str
    host: str
    port: int
    clickhouse_url: str
    database_url: str
    org_databases: tuple[Path, ...]
    org_overrides: Path | None
    org_downloads: tuple[tuple[str, str], ...]
    org_exclusions: Path | None
    org_strict: bool
    trusted_proxies: tuple[Network, ...]
    secret_key: tuple[str, ...]
    collector: str
    visit_key_hour: int
    spool_max_bytes: int
    spool_min_free_bytes: int
    metrics_token: str
    log_level: str


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: `parse` turns its text into the field `name` of `Settings` or raises ValueError."""

    name: str
    default: str
    parse: Callable[[str], Any]
    expected: str
    meaning: str
    is_secret: bool = False

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()


def _path(text: str) -> Path:
    if not text:
        raise ValueError
    return Path(text).expanduser().absolute()


def _http_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ValueError
    if parts.path not in ("", "/") or parts.query or parts.fragment or any(map(str.isspace, text)) or parts.port == 0:
        raise ValueError
    return f"{parts.scheme}://{parts.netloc}"


def _optional_url(text: str) -> str:
    if text and not (urlsplit(text).scheme in ("http", "https") and urlsplit(text).hostname):
        raise ValueError
    return text


def _database_url(text: str) -> str:
    if text and not text.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise ValueError
    return text


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise ValueError
        return number

    return parse


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _files(text: str) -> tuple[Path, ...]:
    files = tuple(_path(item) for item in _items(text))
    if not all(file.is_file() for file in files):
        raise ValueError
    return files


def _optional_file(text: str) -> Path | None:
    if not text:
        return None
    files = _files(text)
    if len(files) != 1:
        raise ValueError
    return files[0]


def _downloads(text: str) -> tuple[tuple[str, str], ...]:
    pairs = tuple((name.strip(), url.strip()) for name, _, url in (item.partition("=") for item in _items(text)))
    for name, url in pairs:
        if not _DOWNLOAD.fullmatch(name) or urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ValueError
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError
    return pairs


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(item) for item in _items(text))


def _secrets(text: str) -> tuple[str, ...]:
    keys = tuple(_items(text))
    if any(len(key) < 32 for key in keys):
        raise ValueError
    return keys


def _host(text: str) -> str:
    if not text or any(character.isspace() for character in text):
        raise ValueError
    return text


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]{1,32}", text):
        raise ValueError
    return text


def _metrics_token(text: str) -> str:
    if text and len(text) < 16:
        raise ValueError
    return text


def _switch(text: str) -> bool:
    if text not in ("on", "off"):
        raise ValueError
    return text == "on"


def _log_level(text: str) -> str:
    if text not in ("debug", "info", "warning", "error"):
        raise ValueError
    return text


SETTINGS: tuple[Setting, ...] = (
    Setting("data_dir", "./firmly-data", _path, "a folder", "Where everything is kept on this machine."),
    Setting(
        "base_url",
        "http://127.0.0.1:8000",
        _http_url,
        "an http or https address without a path",
        "The address under which people and sites reach Firmly.",
    ),
    Setting("host", "127.0.0.1", _host, "an address or host name", "The interface to listen on."),
    Setting("port", "8000", _whole(1, 65535), "a whole number from 1 to 65535", "The port to listen on."),
    Setting(
        "clickhouse_url",
        "",
        _optional_url,
        "an http or https address, or nothing",
        "The ClickHouse server. Empty: chDB, embedded, in the data directory.",
        is_secret=True,
    ),
    Setting(
        "database_url",
        "",
        _database_url,
        "sqlite:///... or postgresql+psycopg://..., or nothing",
        "The control plane's database. Empty: SQLite in the data directory.",
        is_secret=True,
    ),
    Setting(
        "org_databases",
        "",
        _files,
        "MMDB files and an AS facts file (.json) that exist, separated by commas",
        "Organisation data, read again when it changes (docs/ORGANISATIONS.md). Empty: the bundled file.",
    ),
    Setting(
        "org_overrides",
        "",
        _optional_file,
        "a TOML file that exists, or nothing",
        "Your rules by network, AS number or registered name (docs/ORGANISATIONS.md).",
    ),
    Setting(
        "org_downloads",
        "",
        _downloads,
        "NAME=ADDRESS, separated by commas; NAME ends with .mmdb or .json",
        "Organisation data that `firmly orgs update` renews in the data directory, beside the files above.",
        is_secret=True,
    ),
    Setting(
        "org_exclusions",
        "",
        _optional_file,
        "a file that exists, or nothing",
        "Networks that are never looked up: one a line, or MaxMind's list of exclusions.",
    ),
    Setting(
        "org_strict",
        "off",
        _switch,
        "on or off",
        'On: a firm that seems to bear a person\'s name ("Given Surname Oy") is not named either.',
    ),
    Setting(
        "trusted_proxies",
        "",
        _networks,
        "networks such as 10.0.0.0/8, separated by commas",
        "Proxies whose forwarding headers count. Empty: nobody's.",
    ),
    Setting(
        "secret_key",
        "",
        _secrets,
        "keys of at least 32 characters, newest first, separated by commas",
        "Signs tokens and sessions; older keys stay valid for reading. Empty: made once, in the data directory.",
        is_secret=True,
    ),
    Setting(
        "collector",
        "main",
        _name,
        "1 to 32 of a-z 0-9 -",
        "This collector's name. Several on one machine each own the spool of their name.",
    ),
    Setting(
        "visit_key_hour",
        "0",
        _whole(0, 23),
        "a whole hour from 0 to 23",
        "The hour (UTC) at which the key that joins page views to visits is replaced; visits then count anew.",
    ),
    Setting(
        "spool_max_bytes",
        str(2**30),
        _whole(2**20, 2**50),
        "a whole number of bytes from 1048576",
        "Events that wait for the warehouse may fill this much; beyond it requests get 503.",
    ),
    Setting(
        "spool_min_free_bytes",
        str(256 * 2**20),
        _whole(0, 2**50),
        "a whole number of bytes",
        "Free disk space below which requests get 503.",
    ),
    Setting(
        "metrics_token",
        "",
        _metrics_token,
        "at least 16 characters, or nothing",
        "Bearer token for /metrics. Empty: /metrics is off.",
        is_secret=True,
    ),
    Setting("log_level", "info", _log_level, "debug, info, warning or error", "How much is logged."),
)


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read settings from ``environ``, usually `os.environ`.

    Raises:
        InvalidInputError: with every problem found: unknown names and values that do not parse.
    """
    known = {setting.variable: setting for setting in SETTINGS}
    problems = [
        # The value stays unsaid: under a mistyped name it could be a secret.
        Problem(name, "(withheld)", f"a name that is known; see docs/SETTINGS.md ({_nearest(name, list(known))})")
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in known
    ]
    values: dict[str, Any] = {}
    for variable, setting in known.items():
        text = environ.get(variable, setting.default)
        try:
            values[setting.name] = setting.parse(text)
        except (ValueError, OSError, RuntimeError):  # A file out of reach; a home folder of nobody.
            shown = "(withheld)" if setting.is_secret else text
            problems.append(Problem(variable, shown, setting.expected))
    if problems:
        raise InvalidInputError("these settings cannot be used", problems)
    return Settings(**values)


def _nearest(name: str, known: list[str]) -> str:
    import difflib

    # Without the prefix, which would make every name similar to every other.
    near = difflib.get_close_matches(name.removeprefix(PREFIX), [other.removeprefix(PREFIX) for other in known], n=1)
    return f"did you mean {PREFIX}{near[0]}?" if near else "none is similar"


def describe(settings: Settings) -> list[tuple[Setting, str]]:
    """Return every setting with its value as text, secrets withheld."""
    return [(setting, _shown(setting, getattr(settings, setting.name))) for setting in SETTINGS]


def _shown(setting: Setting, value: object) -> str:
    if setting.is_secret:
        return "(set)" if value else ""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ",".join(str(item) for item in value)
    return str(value)


def as_markdown() -> str:
    """Return docs/SETTINGS.md, generated from `SETTINGS`."""
    rows = [
        f"| `{setting.variable}` | {_code(setting.default)} | {setting.expected} | {setting.meaning} |"
        for setting in SETTINGS
    ]
    return "\n".join(
        (
            "# Settings",
            "",
            "Read from the environment by `firmly` at start; `firmly settings` shows what is in force. An unknown",
            "`FIRMLY_*` name is an error, and all problems are reported at once. Generated: `make docs`.",
            "",
            "| name | default | expected | meaning |",
            "|---|---|---|---|",
            *rows,
            "",
        )
    )


def _code(text: str) -> str:
    return f"`{text}`" if text else "empty"
