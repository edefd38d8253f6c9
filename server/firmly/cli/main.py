"""The commands that run Firmly and show how it is set, and the way to all others."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from firmly import __version__
from firmly.cli.consent import consent
from firmly.cli.environment import settings_in_force
from firmly.cli.mail import mail
from firmly.cli.mcp import serve_mcp
from firmly.cli.members import sites, users, workspaces
from firmly.cli.orgs import orgs
from firmly.cli.spool import spool
from firmly.model import FirmlyError, system_clock
from firmly.settings import Settings, describe

if TYPE_CHECKING:
    from firmly.app.process import Process

app = typer.Typer(
    help="Know which firms visit - never who.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(users, name="users")
app.add_typer(workspaces, name="workspaces")
app.add_typer(sites, name="sites")
app.add_typer(orgs, name="orgs")
app.add_typer(spool, name="spool")
app.add_typer(mail, name="mail")
app.add_typer(consent, name="consent")
app.command("mcp")(serve_mcp)


def main() -> None:
    """Run one command; what the operator can mend is said in one message, exit status 2."""
    try:
        app()
    except FirmlyError as error:
        print(f"firmly: {error}", file=sys.stderr)
        sys.exit(2)


@app.command()
def serve() -> None:
    """Run everything in one process: collector, loader, dashboards, on embedded stores by default."""
    from firmly.app import Firmly

    settings = _prepared()
    firmly = Firmly(settings)
    if not firmly.accounts.has_members():
        print("Nobody can sign in yet. Make the first owner: firmly users add EMAIL", file=sys.stderr)
    _run(firmly, settings, "")


@app.command()
def collect() -> None:
    """Run a collector alone; `firmly serve` or `firmly load` on this machine ships what it takes."""
    from firmly.app.firmly import collector

    settings = _prepared()
    _run(collector(settings), settings, f" collects as {settings.collector} and")


@app.command()
def load() -> None:
    """Run the loader alone, for all collectors on this machine; needs a ClickHouse server."""
    from firmly.app.firmly import loader

    settings = _prepared()
    _run(loader(settings), settings, " loads and")


@app.command()
def web() -> None:
    """Run the dashboard alone; needs a ClickHouse server."""
    from firmly.app import firmly as processes

    settings = _prepared()
    _run(processes.web(settings), settings, " shows leads and")


def _prepared() -> Settings:
    """Read the settings and make this process fit to hold addresses in its memory and nowhere else."""
    from firmly.process import allow_many_connections, harden, require_free, start_logging

    settings = settings_in_force()
    harden()
    allow_many_connections()
    start_logging(settings)
    require_free(settings.host, settings.port)
    return settings


def _run(process: "Process", settings: Settings, does: str) -> None:
    from firmly.process import Server, config_of, warning_of

    warning = warning_of(settings)
    if warning:
        print(f"Warning: {warning}", file=sys.stderr, flush=True)
    where = f"http://{settings.host}:{settings.port} (data: {settings.data_dir})"
    print(f"Firmly {__version__}{does} listens on {where}", flush=True)
    Server(config_of(process.asgi, settings.host, settings.port), process.leave).run()


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
    for setting, value in describe(settings_in_force()):
        print(f"{setting.variable}={value}\n    {setting.meaning}")


@app.command()
def doctor() -> None:
    """Check this installation and say what to do. Exit status 1 when a check failed."""
    from firmly.doctor import Verdict, examine

    findings = examine(settings_in_force(), system_clock)
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        print(f"{finding.verdict:<8} {finding.check:<{width}}  {finding.text}")
    if any(finding.verdict is Verdict.FAILED for finding in findings):
        raise typer.Exit(1)
