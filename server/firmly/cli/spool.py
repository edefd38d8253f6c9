"""`firmly spool`: what waits for the warehouse, and what the warehouse refused. Works beside running processes."""

from collections.abc import Sequence
from typing import Annotated

import typer

from firmly.cli.environment import settings_in_force
from firmly.model import FirmlyError
from firmly.spool.collectors import KINDS, CollectorSpools
from firmly.warehouse.quarantine import Quarantine

spool = typer.Typer(help="Events on their way to the warehouse.", no_args_is_help=True)


@spool.command("status")
def show_status() -> None:
    """Show what waits for the warehouse, per collector, and how many lines were refused."""
    settings = settings_in_force()
    spools = CollectorSpools(settings.data_dir / "spool")
    rows = [(name, kind, *_depth(spools, name, kind)) for name in spools.collectors() for kind in KINDS]
    _print_table(("collector", "lines", "process", "segments", "bytes", "oldest"), rows)
    refused = _quarantine().count()
    print(f"quarantine: {refused} lines" + (" (firmly spool quarantine)" if refused else ""))


@spool.command("quarantine")
def show_quarantine(
    show: Annotated[bool, typer.Option(help="Print the lines too: events of companies, with their pages.")] = False,
) -> None:
    """List the lines that the warehouse refused, with the reason."""
    quarantine = _quarantine()
    lines = quarantine.lines()
    if not lines:
        print("Nothing is in quarantine.")
    for line in lines:
        when = f"{line.refused_at:%Y-%m-%d %H:%M} UTC" if line.refused_at else "time unknown"
        waits = ", waits to be sent again" if line.is_waiting else ""
        print(f"{line.name}\n    {when}{waits}: {line.reason}")
        if show:
            print(f"    {quarantine.content(line.name).decode(errors='replace').rstrip()}")


@spool.command("replay")
def replay(
    name: Annotated[list[str] | None, typer.Argument(help="Names as `firmly spool quarantine` lists them.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All lines in quarantine.")] = False,
) -> None:
    """Let the loader send refused lines again, once their cause is mended. A line is stored once."""
    quarantine = _quarantine()
    names = [line.name for line in quarantine.lines() if not line.is_waiting] if every else name or []
    if not every and not names:
        raise FirmlyError("firmly spool replay: expected names of lines in quarantine, or --all")
    for one in names:
        quarantine.replay(one)
    print(f"{len(names)} lines are sent again by the running loader, or when one starts.")


def _quarantine() -> Quarantine:
    return Quarantine(settings_in_force().data_dir / "quarantine")


def _depth(spools: CollectorSpools, name: str, kind: str) -> tuple[str, str, str, str]:
    files = spools.of(name, kind)
    owned = "runs" if files.has_lock() and files.is_owned() else "none"
    age = f"{files.oldest_waiting_age_s():.0f} s" if files.sealed() else "-"
    return owned, str(len(files.sealed())), str(files.waiting_bytes()), age


def _print_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
