"""Settings: read from a mapping, every problem at once, no secret in any message, documented."""

import contextlib
import ipaddress
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmly.model import InvalidInputError
from firmly.settings import SETTINGS, Settings, as_markdown, describe, read_settings

ROOT = Path(__file__).parents[2]
KEY = "k" * 32


def problems_of(environ: dict[str, str]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInputError) as failure:
        read_settings(environ)
    return [(problem.key, problem.value) for problem in failure.value.problems]


def test_defaults_are_for_one_machine() -> None:
    assert read_settings({}) == Settings(
        data_dir=Path.cwd() / "firmly-data",
        base_url="http://127.0.0.1:8000",
        host="127.0.0.1",
        port=8000,
        clickhouse_url="",
        database_url="",
        org_databases=(),
        org_overrides=None,
        org_exclusions=None,
        org_strict=False,
        country_database=None,
        org_downloads=(),
        trusted_proxies=(),
        secret_key=(),
        collector="main",
        visit_key_hour=0,
        consent_keep_months=36,
        spool_max_bytes=2**30,
        spool_min_free_bytes=256 * 2**20,
        smtp_url="",
        mail_from="",
        metrics_token="",
        oidc_issuer="",
        oidc_client_id="",
        oidc_client_secret="",
        oidc_domains=(),
        oidc_name="single sign-on",
        mcp_url="",
        mcp_token="",
        log_level="info",
    )


def test_every_setting_is_read(tmp_path: Path) -> None:
    one, two = tmp_path / "1.mmdb", tmp_path / "2.mmdb"
    one.touch()
    two.touch()
    environ = {
        "FIRMLY_DATA_DIR": "~/data",
        "FIRMLY_BASE_URL": "https://stats.example.com:8443/",
        "FIRMLY_HOST": "::",
        "FIRMLY_PORT": "65535",
        "FIRMLY_CLICKHOUSE_URL": "https://user:password@clickhouse.example:8443/?secure=1",
        "FIRMLY_DATABASE_URL": "postgresql+psycopg://u:p@db/firmly",
        "FIRMLY_ORG_DATABASES": f"{one}, {two}",
        "FIRMLY_ORG_OVERRIDES": f"{one}",
        "FIRMLY_ORG_EXCLUSIONS": f"{two}",
        "FIRMLY_ORG_STRICT": "on",
        "FIRMLY_COUNTRY_DATABASE": f"{one}",
        "FIRMLY_ORG_DOWNLOADS": "as.json=https://data.example/as.json?key=k, isp.mmdb=http://data.example/x",
        "FIRMLY_TRUSTED_PROXIES": "10.0.0.0/8, 2001:db8::/32,127.0.0.1",
        "FIRMLY_SECRET_KEY": f"{KEY},{'o' * 40}",
        "FIRMLY_COLLECTOR": "north-2",
        "FIRMLY_VISIT_KEY_HOUR": "23",
        "FIRMLY_CONSENT_KEEP_MONTHS": "48",
        "FIRMLY_SPOOL_MAX_BYTES": str(2**20),
        "FIRMLY_SPOOL_MIN_FREE_BYTES": "0",
        "FIRMLY_SMTP_URL": "smtps://mailer:p%40ss@mail.example:465",
        "FIRMLY_MAIL_FROM": "Åbo, Inc. <firmly@example.com>",
        "FIRMLY_METRICS_TOKEN": "m" * 16,
        "FIRMLY_OIDC_ISSUER": "https://id.example.com/realms/acme/",
        "FIRMLY_OIDC_CLIENT_ID": "firmly",
        "FIRMLY_OIDC_CLIENT_SECRET": "a secret, of theirs",
        "FIRMLY_OIDC_DOMAINS": "Example.com, m\u00fcnchen.example, xn--mnchen-3ya.example,stra\u00dfe.example",
        "FIRMLY_OIDC_NAME": "Acme ID",
        "FIRMLY_MCP_URL": "https://firmly.example.com/",
        "FIRMLY_MCP_TOKEN": "firmly_" + "t" * 43,
        "FIRMLY_LOG_LEVEL": "debug",
    }
    assert set(environ) == {setting.variable for setting in SETTINGS}
    assert read_settings(environ) == Settings(
        data_dir=Path.home() / "data",
        base_url="https://stats.example.com:8443",
        host="::",
        port=65535,
        clickhouse_url="https://user:password@clickhouse.example:8443/?secure=1",
        database_url="postgresql+psycopg://u:p@db/firmly",
        org_databases=(one, two),
        org_overrides=one,
        org_exclusions=two,
        org_strict=True,
        country_database=one,
        org_downloads=(("as.json", "https://data.example/as.json?key=k"), ("isp.mmdb", "http://data.example/x")),
        trusted_proxies=tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "2001:db8::/32", "127.0.0.1/32"))),
        secret_key=(KEY, "o" * 40),
        collector="north-2",
        visit_key_hour=23,
        consent_keep_months=48,
        spool_max_bytes=2**20,
        spool_min_free_bytes=0,
        smtp_url="smtps://mailer:p%40ss@mail.example:465",
        mail_from="Åbo, Inc. <firmly@example.com>",
        metrics_token="m" * 16,
        oidc_issuer="https://id.example.com/realms/acme/",
        oidc_client_id="firmly",
        oidc_client_secret="a secret, of theirs",
        oidc_domains=("example.com", "xn--mnchen-3ya.example", "xn--strae-oqa.example"),
        oidc_name="Acme ID",
        mcp_url="https://firmly.example.com",
        mcp_token="firmly_" + "t" * 43,
        log_level="debug",
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DATA_DIR", ""),
        ("DATA_DIR", "~nobody-of-this-name/data"),
        ("BASE_URL", ""),
        ("BASE_URL", "stats.example.com"),
        ("BASE_URL", "ftp://stats.example.com"),
        ("BASE_URL", "https://"),
        ("BASE_URL", "https://stats.example.com/path"),
        ("BASE_URL", "https://stats.example.com?a=b"),
        ("BASE_URL", "https://stats.example.com/#top"),
        ("BASE_URL", "https://user:pw@stats.example.com"),
        ("BASE_URL", "https://stats.example.com:port"),
        ("BASE_URL", "https://stats.example.com:99999"),
        ("BASE_URL", "https://stats example.com"),
        ("BASE_URL", "https://["),
        ("HOST", ""),
        ("HOST", "a b"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("PORT", "80.5"),
        ("PORT", ""),
        ("PORT", "9" * 5000),
        ("ORG_STRICT", ""),
        ("ORG_STRICT", "true"),
        ("ORG_DATABASES", "/nosuch.mmdb"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "everybody"),
        ("SPOOL_MAX_BYTES", "1"),
        ("SPOOL_MIN_FREE_BYTES", "-1"),
        ("OIDC_NAME", ""),
        ("OIDC_NAME", "two\nlines"),
        ("OIDC_NAME", "x" * 41),
        ("MAIL_FROM", "Firmly"),
        ("MAIL_FROM", "firmly@"),
        ("MAIL_FROM", "<firmly@example.com>"),
        ("MAIL_FROM", "Firmly <firmly@example.com"),
        ("MAIL_FROM", "firmly@example.com>"),
        ("MAIL_FROM", "a@example.com, b@example.com"),
        ("MAIL_FROM", "Firmly\r\nBcc: x@y.example <firmly@example.com>"),
        ("MAIL_FROM", "=?utf-8?q?a=0D=0A?= <firmly@example.com>"),
        ("MAIL_FROM", "Firmly <fïrmly@example.com>"),
        ("MCP_URL", "http://firmly.example.com"),
        ("MCP_URL", "https://firmly.example.com/api/v1"),
        ("MCP_URL", "firmly.example.com"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_value_that_cannot_be_used_is_named_with_what_was_expected(name: str, text: str) -> None:
    variable = f"FIRMLY_{name}"
    assert problems_of({variable: text}) == [(variable, text)]
    with pytest.raises(InvalidInputError, match=f"{variable}=.*: expected "):
        read_settings({variable: text})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CLICKHOUSE_URL", "tcp://user:hunter2@host"),
        ("CLICKHOUSE_URL", "hunter2"),
        ("DATABASE_URL", "mysql://user:hunter2@host"),
        ("SECRET_KEY", "hunter2"),
        ("SECRET_KEY", f"{KEY},hunter2"),
        ("METRICS_TOKEN", "hunter2"),
        ("SMTP_URL", "hunter2"),
        ("SMTP_URL", "https://user:hunter2@mail.example"),
        ("SMTP_URL", "smtp://user:hunter2@"),
        ("SMTP_URL", "smtp://user:hunter2@mail.example/path"),
        ("SMTP_URL", "smtp://user:hunter2@mail.example?a=b"),
        ("SMTP_URL", "smtp://user:hunter2@mail.example:0"),
        ("SMTP_URL", "smtp://user:hunter2@mail.example:port"),
        ("SMTP_URL", "smtp://hunter2@mail.example"),
        ("SMTP_URL", "smtp://:hunter2@mail.example"),
        ("SMTP_URL", "smtp://user:hunter2%C3%BC@mail.example"),
        ("SMTP_URL", "smtp://user:hunter2%0A@mail.example"),
        ("SMTP_URL", "smtp://user:hunter2@mail.exämple"),
        ("OIDC_CLIENT_SECRET", "hunter2\n"),
    ],
)
def test_secret_that_cannot_be_used_is_not_shown(name: str, text: str) -> None:
    with pytest.raises(InvalidInputError) as failure:
        read_settings({f"FIRMLY_{name}": text})
    assert f"FIRMLY_{name}='(withheld)': expected " in str(failure.value)
    assert "hunter2" not in str(failure.value)


OIDC = {
    "FIRMLY_OIDC_ISSUER": "https://id.example.com",
    "FIRMLY_OIDC_CLIENT_ID": "firmly",
    "FIRMLY_OIDC_CLIENT_SECRET": "hunter2",
    "FIRMLY_OIDC_DOMAINS": "example.com",
}


@pytest.mark.parametrize("missing", OIDC)
@pytest.mark.parametrize("blank", [False, True], ids=["absent", "empty"])
def test_sign_in_provider_is_set_as_a_whole_or_not_at_all(missing: str, blank: bool) -> None:
    """An empty list of domains above all must not let everybody in, or look as if it did."""
    environ = {name: value for name, value in OIDC.items() if name != missing} | ({missing: ""} if blank else {})
    with pytest.raises(InvalidInputError) as failure:
        read_settings(environ)
    (problem,) = failure.value.problems
    assert (problem.key, problem.value) == (missing, "")
    assert problem.expected == f"a value, because {next(name for name in OIDC if name != missing)} is set"
    assert "hunter2" not in str(failure.value)


def test_name_of_a_sign_in_provider_alone_sets_none() -> None:
    assert read_settings({"FIRMLY_OIDC_NAME": "Acme ID"}).oidc_issuer == ""


@pytest.mark.parametrize(
    "issuer",
    [
        "id.example.com",
        "http://id.example.com",
        "https://",
        "https://[",
        "https://id.example.com:0",
        "https://id.example.com:port",
        "https://id.example.com?tenant=1",
        "https://id.example.com#",
        "https://user:pw@id.example.com",
        "https://id.example.com/a b",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
    ],
)
def test_issuer_needs_tls_and_nothing_behind_its_path(issuer: str) -> None:
    assert problems_of(OIDC | {"FIRMLY_OIDC_ISSUER": issuer}) == [("FIRMLY_OIDC_ISSUER", issuer)]


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:9000/realms/a", "http://localhost:9000", "http://[::1]:9000"])
def test_issuer_on_this_machine_needs_no_tls(issuer: str) -> None:
    assert read_settings(OIDC | {"FIRMLY_OIDC_ISSUER": issuer}).oidc_issuer == issuer


@pytest.mark.parametrize(
    "domains",
    ["*", "*.example.com", "com", "@example.com", "mia@example.com", "example.com.", ".example.com", "\u00fc" * 200],
)
def test_domains_for_sign_in_are_whole_domains(domains: str) -> None:
    assert problems_of(OIDC | {"FIRMLY_OIDC_DOMAINS": domains}) == [("FIRMLY_OIDC_DOMAINS", domains)]


def test_all_problems_are_reported_at_once_and_unknown_names_with_what_was_meant() -> None:
    environ = {
        "FIRMLY_PORTT": "hunter2",
        "FIRMLY_ZZZ": "hunter2",
        "FIRMLY_PORT": "x",
        "FIRMLY_HOST": "",
        "PATH": "/bin",
    }
    with pytest.raises(InvalidInputError) as failure:
        read_settings(environ)
    text = str(failure.value)
    assert [problem.key for problem in failure.value.problems] == [
        "FIRMLY_PORTT",
        "FIRMLY_ZZZ",
        "FIRMLY_HOST",
        "FIRMLY_PORT",
    ]
    assert "did you mean FIRMLY_PORT?" in text
    assert "none is similar" in text
    assert "hunter2" not in text


def test_file_out_of_reach_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert problems_of({"FIRMLY_ORG_DATABASES": f"{loop}/{'x' * 300}"})


def test_mail_server_needs_a_sender_and_both_problems_are_told_at_once() -> None:
    with pytest.raises(InvalidInputError) as failure:
        read_settings({"FIRMLY_SMTP_URL": "smtp://mailer:hunter2@mail.example"})
    (problem,) = failure.value.problems
    assert (problem.key, problem.value) == ("FIRMLY_MAIL_FROM", "")
    assert problem.expected == "the sender of mails, because FIRMLY_SMTP_URL is set"
    assert problems_of({"FIRMLY_SMTP_URL": "mail.example"}) == [
        ("FIRMLY_SMTP_URL", "(withheld)"),
        ("FIRMLY_MAIL_FROM", ""),
    ]
    assert read_settings({"FIRMLY_MAIL_FROM": "firmly@example.com"}).smtp_url == ""


@given(st.sampled_from(SETTINGS), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_is_a_value_or_a_problem(setting: object, text: str) -> None:
    variable = next(known.variable for known in SETTINGS if known is setting)
    with contextlib.suppress(InvalidInputError):
        assert isinstance(read_settings({variable: text}), Settings)


def test_description_shows_values_and_withholds_secrets() -> None:
    environ = {
        "FIRMLY_SECRET_KEY": KEY,
        "FIRMLY_CLICKHOUSE_URL": "https://u:hunter2@c",
        "FIRMLY_TRUSTED_PROXIES": "10.0.0.0/8,::1",
    }
    shown = {setting.variable: value for setting, value in describe(read_settings(environ))}
    assert shown["FIRMLY_SECRET_KEY"] == shown["FIRMLY_CLICKHOUSE_URL"] == "(set)"
    assert (shown["FIRMLY_METRICS_TOKEN"], shown["FIRMLY_TRUSTED_PROXIES"]) == ("", "10.0.0.0/8,::1/128")
    assert list(shown) == [setting.variable for setting in SETTINGS]


def test_table_and_record_agree() -> None:
    assert [setting.name for setting in SETTINGS] == [field.name for field in fields(Settings)]


def test_document_is_generated_from_the_table() -> None:
    assert (ROOT / "docs" / "SETTINGS.md").read_text() == as_markdown()
    assert all(f"| `{setting.variable}` |" in as_markdown() for setting in SETTINGS)
    assert all(len(line.split(" | ")) == 4 for line in as_markdown().splitlines() if line.startswith("| `"))


def test_only_settings_and_commands_read_the_environment() -> None:
    readers = {
        str(path.relative_to(ROOT / "server"))
        for path in (ROOT / "server" / "firmly").rglob("*.py")
        if "os.environ" in path.read_text() or "getenv" in path.read_text()
    }
    assert readers == {"firmly/cli/environment.py", "firmly/cli/main.py", "firmly/settings.py"}


def test_base_url_follows_the_port_where_it_is_not_set() -> None:
    assert read_settings({}).base_url == "http://127.0.0.1:8000"
    assert read_settings({"FIRMLY_PORT": "8166"}).base_url == "http://127.0.0.1:8166"
    given = {"FIRMLY_PORT": "8166", "FIRMLY_BASE_URL": "https://f.example"}
    assert read_settings(given).base_url == "https://f.example"
