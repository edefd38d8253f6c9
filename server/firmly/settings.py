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
from urllib.parse import unquote, urlsplit

from firmly.model import InvalidInputError, Problem

PREFIX = "FIRMLY_"
_DOWNLOAD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\.(mmdb|json)")
_MAILBOX = re.compile(
    r"(?:(?P<name>[^<>@\"\\=]{1,64}) <)?[A-Za-z0-9.!#$%&'*+/_{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?(name)>)"
)
_DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

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
    country_database: Path | None
    trusted_proxies: tuple[Network, ...]
    secret_key: tuple[str, ...]
    collector: str
    visit_key_hour: int
    consent_keep_months: int
    spool_max_bytes: int
    spool_min_free_bytes: int
    smtp_url: str
    mail_from: str
    metrics_token: str
    oidc_issuer: str
    oidc_client_id: str
    oidc_client_secret: str
    oidc_domains: tuple[str, ...]
    oidc_name: str
    mcp_url: str
    mcp_token: str
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


def _smtp_url(text: str) -> str:
    if not text:
        return text
    parts = urlsplit(text)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.port == 0:
        raise ValueError
    if parts.path not in ("", "/") or parts.query or parts.fragment or not text.isascii() or not text.isprintable():
        raise ValueError
    login = [unquote(part) for part in (parts.username, parts.password) if part]
    # Python's smtplib sends no others, and would quote the password in its error.
    if len(login) == 1 or not all(part.isascii() and part.isprintable() for part in login):
        raise ValueError
    return text


def _mailbox(text: str) -> str:
    if text and not (_MAILBOX.fullmatch(text) and text.isprintable()):
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


def _issuer(text: str) -> str:
    # Kept as it is written: an issuer with a closing slash is another one.
    if text and not is_issuer(text):
        raise ValueError
    return text


def is_issuer(text: str) -> bool:
    """Say whether ``text`` can name an OpenID provider: https, or http on this machine, no query, no fragment.

    Source: OpenID Connect Core 1.0, 2 (iss). Raises ValueError for what is no address at all.
    """
    parts = urlsplit(text)
    if any(character.isspace() for character in text) or "?" in text or "#" in text or "@" in parts.netloc:
        return False
    return bool(parts.hostname) and parts.port != 0 and (parts.scheme == "https" or is_loopback(text))


def is_loopback(url: str) -> bool:
    """Say whether ``url`` is plain http to this machine itself, which nobody between can read."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")


def _own_url(text: str) -> str:
    if not text:
        return text
    url = _http_url(text)
    # A token goes there, which nobody between may read.
    if not url.startswith("https://") and not is_loopback(url):
        raise ValueError
    return url


def _api_token(text: str) -> str:
    if text and not re.fullmatch(r"firmly_[A-Za-z0-9_-]{20,100}", text):
        raise ValueError
    return text


def _domains(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ascii_domain(item) for item in _items(text)))


def ascii_domain(text: str) -> str:
    """Return a domain as the DNS writes it: lower case, international labels as ``xn--``.

    Raises ValueError for what is no domain of at least two labels. Source: UTS 46, non-transitional:
    ``straße`` and ``strasse`` are two domains.
    """
    domain = text.lower()
    if not domain.isascii():
        import idna

        domain = idna.encode(domain, uts46=True).decode("ascii")
    if not _DOMAIN.fullmatch(domain):
        raise ValueError
    return domain


def _text(longest: int) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if len(text) > longest or not text.isprintable() or text != text.strip():
            raise ValueError
        return text

    return parse


def _title(text: str) -> str:
    if not text:
        raise ValueError
    return _text(40)(text)


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
        "The address under which people and sites reach Firmly. By default this machine with FIRMLY_PORT.",
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
        "country_database",
        "",
        _optional_file,
        "an MMDB file that exists, or nothing",
        "A country file of DB-IP's or MaxMind's shape, for sites with rules by country (docs/BANNER.md). Read at "
        "start. Empty: they ask everywhere.",
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
        "consent_keep_months",
        "36",
        _whole(12, 120),
        "a whole number of months from 12 to 120",
        "How long the proof of a choice is kept after the choice expired (docs/CONSENT.md).",
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
        "smtp_url",
        "",
        _smtp_url,
        "smtp://user:password@host:587, smtps://user:password@host:465, or nothing; user and password in ASCII",
        "The mail server. smtp starts TLS, and does without on this machine only. Empty: no mail is sent.",
        is_secret=True,
    ),
    Setting(
        "mail_from",
        "",
        _mailbox,
        "Firmly <firmly@example.com>, an address alone, or nothing",
        "The sender of mails; needed where FIRMLY_SMTP_URL is set.",
    ),
    Setting(
        "metrics_token",
        "",
        _metrics_token,
        "at least 16 characters, or nothing",
        "Bearer token for /metrics. Empty: /metrics is off.",
        is_secret=True,
    ),
    Setting(
        "oidc_issuer",
        "",
        _issuer,
        "an https address, or nothing",
        "The OpenID Connect provider with which members may sign in, exactly as it calls itself. Empty: none.",
    ),
    Setting(
        "oidc_client_id",
        "",
        _text(255),
        "one line, or nothing",
        "The name under which the provider knows this installation.",
    ),
    Setting(
        "oidc_client_secret",
        "",
        _text(1024),
        "one line, or nothing",
        "The secret that the provider gave with it.",
        is_secret=True,
    ),
    Setting(
        "oidc_domains",
        "",
        _domains,
        "domains such as example.com, separated by commas",
        "Who signs in through the provider must have a verified e-mail address in exactly one of these domains.",
    ),
    Setting(
        "oidc_name",
        "single sign-on",
        _title,
        "one line of 1 to 40 characters",
        "What the provider is called on the sign-in page.",
    ),
    Setting(
        "mcp_url",
        "",
        _own_url,
        "an https address without a path (http on this machine only), or nothing",
        "The Firmly that `firmly mcp` reads (docs/MCP.md). Empty: FIRMLY_BASE_URL.",
    ),
    Setting(
        "mcp_token",
        "",
        _api_token,
        "an API token (firmly_...), or nothing",
        "The API token with which `firmly mcp` reads; read_leads is all it needs.",
        is_secret=True,
    ),
    Setting("log_level", "info", _log_level, "debug, info, warning or error", "How much is logged."),
)

_TOGETHER = ("oidc_issuer", "oidc_client_id", "oidc_client_secret", "oidc_domains")


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
    problems += _half_set(values)
    if environ.get(f"{PREFIX}SMTP_URL") and not environ.get(f"{PREFIX}MAIL_FROM"):
        problems.append(Problem(f"{PREFIX}MAIL_FROM", "", f"the sender of mails, because {PREFIX}SMTP_URL is set"))
    if problems:
        raise InvalidInputError("these settings cannot be used", problems)
    if "FIRMLY_BASE_URL" not in environ:
        values["base_url"] = f"http://127.0.0.1:{values['port']}"
    return Settings(**values)


def _half_set(values: Mapping[str, Any]) -> list[Problem]:
    """Return what is missing of the settings that mean something only together."""
    together = [name for name in _TOGETHER if name in values]
    given = [PREFIX + name.upper() for name in together if values[name]]
    if not given:
        return []
    return [
        Problem(PREFIX + name.upper(), "", f"a value, because {given[0]} is set")
        for name in together
        if not values[name]
    ]


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
