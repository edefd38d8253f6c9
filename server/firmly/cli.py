"""Commands: `firmly serve`, `demo`, `settings`, `doctor`, `users`, `orgs`. Prints; decides nothing."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from firmly import __version__
from firmly.accounts.database import open_control_plane
from firmly.accounts.roles import Role
from firmly.accounts.service import Accounts
from firmly.model import BeforeConsent, DropReason, FirmlyError, WorkspaceId, system_clock
from firmly.organisations.open import open_resolver
from firmly.settings import Settings, describe, read_settings

app = typer.Typer(
    help="Know which firms visit - never who.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
users = typer.Typer(help="Members who can sign in.", no_args_is_help=True)
sites = typer.Typer(help="Sites that embed the script.", no_args_is_help=True)
orgs = typer.Typer(help="The data that tells organisations by their networks.", no_args_is_help=True)
app.add_typer(users, name="users")
app.add_typer(sites, name="sites")
app.add_typer(orgs, name="orgs")


def main() -> None:
    """Run one command; what the operator can mend is said in one message, exit status 2."""
    try:
        app()
    except FirmlyError as error:
        print(f"firmly: {error}", file=sys.stderr)
        sys.exit(2)


def _settings() -> Settings:
    return read_settings(os.environ)


@app.command()
def serve() -> None:
    """Run everything in one process: collector, loader, dashboards, on embedded stores by default."""
    import uvicorn

    from firmly.app import Firmly
    from firmly.process import allow_many_connections, config_of, harden, require_free, start_logging

    settings = _settings()
    harden()
    allow_many_connections()
    start_logging(settings)
    require_free(settings.host, settings.port)
    firmly = Firmly(settings)
    if not firmly.accounts.has_members():
        print("Nobody can sign in yet. Make the first owner: firmly users add EMAIL", file=sys.stderr)
    print(
        f"Firmly {__version__} listens on http://{settings.host}:{settings.port} (data: {settings.data_dir})",
        flush=True,
    )
    uvicorn.Server(config_of(firmly.asgi, settings.host, settings.port)).run()


@app.command()
def demo() -> None:
    """Show Firmly with a sample workspace, a sample website and realistic traffic."""
    from firmly.demo.run import run_demo

    run_demo(os.environ)


@app.command("settings")
def show_settings(
    markdown: Annotated[bool, typer.Option(help="Print docs/SETTINGS.md instead.")] = False,
) -> None:
    """Show every setting, its value and what it means."""
    if markdown:
        from firmly.settings import as_markdown

        print(as_markdown(), end="")
        return
    for setting, value in describe(_settings()):
        print(f"{setting.variable}={value}\n    {setting.meaning}")


@app.command()
def doctor() -> None:
    """Check this installation and say what to do. Exit status 1 when a check failed."""
    from firmly.doctor import Verdict, examine

    findings = examine(_settings(), system_clock)
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        print(f"{finding.verdict:<8} {finding.check:<{width}}  {finding.text}")
    if any(finding.verdict is Verdict.FAILED for finding in findings):
        raise typer.Exit(1)


@users.command("add")
def add_user(
    email: str,
    name: Annotated[str, typer.Option(help="The member's name; the e-mail's first part if not given.")] = "",
    role: Annotated[Role, typer.Option(help="What the member may do.")] = Role.OWNER,
    workspace: Annotated[
        str, typer.Option(help="The workspace's name; it is made if there is none of that name.")
    ] = "",
    time_zone: Annotated[str, typer.Option(help="The IANA time zone of a new workspace.")] = "UTC",
    password_stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
) -> None:
    """Add a member, and with the first one a workspace."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else _asked_password()
    with _accounts() as accounts:
        workspace_id = _workspace(accounts, workspace, time_zone)
        accounts.add_member(workspace_id, email, name or email.partition("@")[0], role, password)
    print(f"{email} can sign in.")


@sites.command("add")
def add_site(
    name: str,
    origin: Annotated[
        list[str], typer.Option(help="An origin of the site, such as https://www.example.com; repeatable.")
    ],
    controller: Annotated[str, typer.Option(help="Who answers for the site, as visitors read it.")],
    privacy_url: Annotated[str, typer.Option(help="The address of the privacy policy.")] = "",
    language: Annotated[str, typer.Option(help="The banner's language where a visitor's own has no texts.")] = "en",
    before_consent: Annotated[
        BeforeConsent,
        typer.Option(help="wait: nothing before consent. company: cookieless; contested, see docs/PRIVACY.md."),
    ] = BeforeConsent.WAIT,
    workspace: Annotated[str, typer.Option(help="The workspace's name; not needed where there is only one.")] = "",
) -> None:
    """Add a site and print the tag to embed."""
    settings = _settings()
    with _accounts() as accounts:
        site = accounts.create_site(
            _workspace(accounts, workspace, None),
            name=name,
            origins=tuple(origin),
            controller=controller,
            privacy_url=privacy_url,
            language=language,
            before_consent=before_consent,
            author=None,
        )
    print(f'<script src="{settings.base_url}/f/{site.key}.js" defer></script>')


@contextmanager
def _accounts() -> Iterator[Accounts]:
    """Open the control plane, also beside a running server; it sees the change within seconds."""
    from firmly.app import control_plane_url, prepare_data_dir

    settings = _settings()
    prepare_data_dir(settings.data_dir)
    control_plane = open_control_plane(control_plane_url(settings))
    control_plane.migrate()
    try:
        yield Accounts(control_plane, system_clock)
    finally:
        control_plane.close()


def _workspace(accounts: Accounts, name: str, new_time_zone: str | None) -> WorkspaceId:
    """Find the workspace of this name, or the only one; make it where a time zone is given."""
    known = accounts.workspaces()
    found = [workspace_id for workspace_id, known_name in known if not name or known_name == name]
    if len(found) == 1:
        return found[0]
    if not found and new_time_zone is not None:
        return accounts.create_workspace(name or "My company", new_time_zone)
    names = ", ".join(known_name for _, known_name in known) or "none yet; add a user first"
    raise FirmlyError(f"--workspace={name!r}: expected the name of one workspace ({names})")


def _asked_password() -> str:
    return str(typer.prompt("Password (12 characters or more)", hide_input=True, confirmation_prompt=True))


@orgs.command("build")
def build_orgs(
    asn: Annotated[Path, typer.Option(help="MMDB: network to AS number and registered name.")],
    country: Annotated[Path, typer.Option(help="MMDB: network to country.")],
    as_of: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The date of the data.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    licence: Annotated[str, typer.Option(help="The data's licence, kept inside the file.")] = "",
) -> None:
    """Build one organisation file from an AS file and a country file."""
    from firmly.organisations.build import build_bundle

    print(build_bundle(asn, country, out, as_of.date(), licence=licence))


@orgs.command("lookup")
def look_up(address: list[str]) -> None:
    """Say which organisation addresses belong to, or why none is named. Nothing is kept."""
    from firmly.organisations.address import Address

    settings = _settings()
    resolver = open_resolver(settings.org_databases)
    for text in address:
        found = resolver.resolve(Address.parse(text))
        if isinstance(found, DropReason):
            print(f"{text}: none ({found})")
        else:
            print(f"{text}: {found.name} - {found.kind}, {found.country or 'country unknown'} ({found.confidence})")


if __name__ == "__main__":
    main()
