"""`firmly users`, `firmly workspaces` and `firmly sites`: who can sign in, to what, and what embeds the script."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from firmly.accounts.banner_json import banner_json, read_banner
from firmly.accounts.roles import Role
from firmly.accounts.sites import new_site
from firmly.cli.environment import find_workspace, open_accounts, settings_in_force
from firmly.model import BeforeConsent, Confidence, FirmlyError

users = typer.Typer(help="Members who can sign in.", no_args_is_help=True)
workspaces = typer.Typer(help="Customers of this installation, sealed from each other.", no_args_is_help=True)
sites = typer.Typer(help="Sites that embed the script.", no_args_is_help=True)


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
    """Add a member, and with the first one a workspace. Who has an account gets a place in one more."""
    with open_accounts() as accounts:
        if accounts.has_account(email):
            accounts.add_place(find_workspace(accounts, workspace, time_zone), email, role)
            print(f"{email} has a place there, too; the password stays.")
            return
        password = sys.stdin.readline().rstrip("\n") if password_stdin else _asked_password()
        workspace_id = find_workspace(accounts, workspace, time_zone)
        accounts.add_member(workspace_id, email, name or email.partition("@")[0], role, password)
    print(f"{email} can sign in.")


@users.command("reset")
def reset_user(
    email: str,
    password_stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
    second_factor: Annotated[
        bool, typer.Option("--second-factor", help="Take the second factor off instead; the password stays.")
    ] = False,
) -> None:
    """Give a member a new password, or take a lost second factor off. They are signed out everywhere."""
    with open_accounts() as accounts:
        if second_factor:
            accounts.credentials.remove_second_factor_by_operator(email)
            print("The second factor is off. Tell the member to set up a new one.")
            return
        password = sys.stdin.readline().rstrip("\n") if password_stdin else _asked_password()
        accounts.credentials.reset_by_operator(email, password)
    print("The password is changed, and every browser signed out.")


@workspaces.command("list")
def list_workspaces() -> None:
    """Show every workspace with its members and sites."""
    with open_accounts() as accounts:
        known = accounts.summaries()
    width = max((len(workspace.name) for workspace in known), default=4)
    print(f"{'id':>4}  {'name':<{width}}  {'state':<9}  {'members':>7}  {'sites':>5}  since")
    for one in known:
        since = one.created_at.date()
        print(f"{one.id:>4}  {one.name:<{width}}  {one.state:<9}  {one.members:>7}  {one.sites:>5}  {since}")


@sites.command("add")
def add_site(
    name: str,
    origin: Annotated[
        list[str], typer.Option(help="An origin of the site, such as https://www.example.com; repeatable.")
    ],
    controller: Annotated[str, typer.Option(help="Who answers for the site, as visitors read it.")],
    privacy_url: Annotated[str, typer.Option(help="The address of the privacy policy.")] = "",
    language: Annotated[
        str, typer.Option(help="The banner's own language, such as fi; `firmly sites banner` adds others.")
    ] = "en",
    before_consent: Annotated[
        BeforeConsent,
        typer.Option(help="wait: nothing before consent. company: cookieless; contested, see docs/PRIVACY.md."),
    ] = BeforeConsent.WAIT,
    min_confidence: Annotated[
        Confidence, typer.Option(help="The least confidence with which an organisation is named on this site.")
    ] = Confidence.HIGH,
    workspace: Annotated[str, typer.Option(help="The workspace's name; not needed where there is only one.")] = "",
) -> None:
    """Add a site and print the tag to embed."""
    settings = settings_in_force()
    with open_accounts() as accounts:
        site = accounts.sites.create(
            new_site(
                find_workspace(accounts, workspace, None),
                name=name,
                origins=tuple(origin),
                controller=controller,
                privacy_url=privacy_url,
                language=language,
                before_consent=before_consent,
                min_confidence=min_confidence,
            )
        )
    print(f'<script src="{settings.base_url}/f/{site.key}.js" defer></script>')


@sites.command("banner")
def site_banner(
    site: Annotated[str, typer.Argument(help="The site's key, as in its script's address.")],
    file: Annotated[Path | None, typer.Argument(help="A JSON file that replaces the banner; - reads it.")] = None,
) -> None:
    """Print what a site's banner asks for and how it looks, or replace it. The form is in docs/BANNER.md."""
    with open_accounts() as accounts:
        if file is None:
            found = accounts.sites.by_key(site)
            if found is None:
                raise _no_such(site)
            print(json.dumps(banner_json(found.banner), ensure_ascii=False, indent=2))
        elif not accounts.sites.replace_banner_by_operator(site, read_banner(_json_of(file))):
            raise _no_such(site)
        else:
            print("The banner is replaced. Collectors follow within five seconds, browsers within five minutes.")


def _no_such(site: str) -> FirmlyError:
    return FirmlyError(f"SITE={site!r}: expected the key of a site of this installation")


def _json_of(file: Path) -> object:
    try:
        return json.loads(sys.stdin.read() if str(file) == "-" else file.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise FirmlyError(f"FILE={str(file)!r}: expected a file with JSON ({error})") from None


def _asked_password() -> str:
    return str(typer.prompt("Password (12 characters or more)", hide_input=True, confirmation_prompt=True))
