"""`firmly orgs`: the data that tells organisations by their networks."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from firmly.cli.environment import settings_in_force
from firmly.model import DropReason
from firmly.organisations.open import open_resolver

orgs = typer.Typer(help="The data that tells organisations by their networks.", no_args_is_help=True)


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

    settings = settings_in_force()
    resolver = open_resolver(settings.org_databases)
    for text in address:
        found = resolver.resolve(Address.parse(text))
        if isinstance(found, DropReason):
            print(f"{text}: none ({found})")
        else:
            print(f"{text}: {found.name} - {found.kind}, {found.country or 'country unknown'} ({found.confidence})")
