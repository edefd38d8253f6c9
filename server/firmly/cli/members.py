"""`firmly users` and `firmly sites`: who can sign in, and what embeds the script."""

import sys
from typing import Annotated

import typer

from firmly.accounts.roles import Role
from firmly.cli.environment import find_workspace, open_accounts, settings_in_force
from firmly.model import BeforeConsent, Confidence

users = typer.Typer(help="Members who can sign in.", no_args_is_help=True)
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
    """Add a member, and with the first one a workspace."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else _asked_password()
    with open_accounts() as accounts:
        workspace_id = find_workspace(accounts, workspace, time_zone)
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
    min_confidence: Annotated[
        Confidence, typer.Option(help="The least confidence with which an organisation is named on this site.")
    ] = Confidence.HIGH,
    workspace: Annotated[str, typer.Option(help="The workspace's name; not needed where there is only one.")] = "",
) -> None:
    """Add a site and print the tag to embed."""
    settings = settings_in_force()
    with open_accounts() as accounts:
        site = accounts.create_site(
            find_workspace(accounts, workspace, None),
            name=name,
            origins=tuple(origin),
            controller=controller,
            privacy_url=privacy_url,
            language=language,
            before_consent=before_consent,
            min_confidence=min_confidence,
            author=None,
        )
    print(f'<script src="{settings.base_url}/f/{site.key}.js" defer></script>')


def _asked_password() -> str:
    return str(typer.prompt("Password (12 characters or more)", hide_input=True, confirmation_prompt=True))
