"""`firmly orgs`: the data that tells organisations by their networks."""

import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from firmly.cli.environment import open_accounts_and_rules, open_rows, settings_in_force
from firmly.model import Confidence, FirmlyError, system_clock
from firmly.organisations.open import OrgFiles, open_resolver
from firmly.organisations.overrides import Overrides
from firmly.organisations.resolve import Resolver
from firmly.organisations.update import Download, Updates
from firmly.settings import Settings

orgs = typer.Typer(help="The data that tells organisations by their networks.", no_args_is_help=True)


@orgs.command("build")
def build_orgs(
    as_of: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The date of the data.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    asn: Annotated[Path | None, typer.Option(help="MMDB: network to AS number and registered name.")] = None,
    country: Annotated[Path | None, typer.Option(help="MMDB: network to country.")] = None,
    table: Annotated[list[Path] | None, typer.Option(help="CSV of your own: network, name, country; repeat.")] = None,
    registry: Annotated[list[Path] | None, typer.Option(help="A registry's split file; repeat.")] = None,
    i_have_rights: Annotated[list[str] | None, typer.Option(help="The registry whose data you may use so.")] = None,
    licence: Annotated[str, typer.Option(help="The data's licence, kept inside the file.")] = "",
) -> None:
    """Build one organisation file: of AS numbers (--asn, --country), or of companies (--table, --registry)."""
    from firmly.organisations.build import build_bundle

    if asn and country and not table and not registry:
        with typer.progressbar(length=_networks_in(asn), label="AS numbers", file=sys.stderr) as bar:
            report = build_bundle(asn, country, out, as_of.date(), licence=licence, progress=bar.update)
        print(report)
        print(_in_a_sample(out))
    elif (table or registry) and not asn and not country:
        _build_companies(table or [], registry or [], i_have_rights or [], out, as_of.date(), licence)
    else:
        raise FirmlyError("expected --asn and --country, or --table and --registry")


def _build_companies(
    tables: list[Path], registries: list[Path], rights: list[str], out: Path, as_of: date, licence: str
) -> None:
    from firmly.organisations.build_companies import CompanyBuilder
    from firmly.organisations.lists import Lists
    from firmly.organisations.readers.registry import RIGHTS, read_registry
    from firmly.organisations.readers.table import read_table

    if registries and not rights:
        terms = "; ".join(f"{source}: {said}" for source, said in RIGHTS.items())
        raise FirmlyError(f"--registry: expected --i-have-rights SOURCE from whoever has the right ({terms})")
    if unknown := sorted(set(rights) - set(RIGHTS)):
        raise FirmlyError(f"--i-have-rights={unknown[0]}: expected one of {', '.join(RIGHTS)}")
    builder = CompanyBuilder(Lists.bundled().pools)
    for path in registries:
        with typer.progressbar(length=_size_of(path), label=path.name, file=sys.stderr) as bar:
            builder.add(read_registry(path, bar.update))
    for path in tables:
        builder.add(read_table(path))
    names = ", ".join([*sorted(rights), *(path.stem for path in tables)])
    print(builder.write(out, as_of=as_of, source=names, licence=licence))
    print(_in_a_sample(out))


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise FirmlyError(f"{path}: not a file that can be read ({error.strerror})") from None


def _networks_in(path: Path) -> int:
    """Return roughly how many networks a file has: a tree has about as many nodes."""
    import maxminddb

    _size_of(path)
    with maxminddb.open_database(path) as reader:
        return reader.metadata().node_count


def _in_a_sample(path: Path) -> str:
    """Say how the holders of a built file come out: kinds and reasons, in a sample of them."""
    from firmly.organisations.evaluate import sample_verdicts
    from firmly.organisations.open import Shipped

    counts = sample_verdicts(path, _today(), Shipped.opened())
    said = ", ".join(f"{outcome} {count}" for outcome, count in counts.most_common())
    return f"of {counts.total()} of its organisations: {said}"


@orgs.command("lookup")
def look_up(
    address: Annotated[list[str], typer.Argument(help="Addresses; - reads them from standard input, one a line.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, in the order asked.")] = False,
    min_confidence: Annotated[Confidence, typer.Option(help="The least confidence that names.")] = Confidence.HIGH,
) -> None:
    """Say which organisation addresses belong to, or why none is named, and on what evidence. Nothing is kept."""
    import orjson

    from firmly.organisations import lookup

    resolver = _resolver()
    for text in _addresses(address):
        found = lookup.look_up(text, resolver, min_confidence)
        print(orjson.dumps(found).decode() if as_json else "\n".join(lookup.in_words(found)), flush=True)


def _addresses(arguments: list[str]) -> Iterator[str]:
    for argument in arguments:
        if argument == "-":
            yield from (line.rstrip("\r\n") for line in sys.stdin)
        else:
            yield argument


def _resolver() -> Resolver:
    return open_resolver(OrgFiles.of(settings_in_force()), _today)


def _today() -> date:
    return system_clock().date()


@orgs.command("eval")
def evaluate_orgs(
    labels: Annotated[Path, typer.Argument(help="CSV: asn or address, labels, maybe country (docs/ORGANISATIONS.md).")],
    database: Annotated[list[Path] | None, typer.Option(help="Data to judge instead of what is set; repeat.")] = None,
    against: Annotated[list[Path] | None, typer.Option(help="Other data to compare with; repeat.")] = None,
    min_confidence: Annotated[Confidence, typer.Option(help="The least confidence that names.")] = Confidence.HIGH,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Score the decision on labelled holders or addresses, and two sets of data against each other."""
    import orjson

    from firmly.organisations import evaluate
    from firmly.organisations.data_file import open_bundled

    rows = evaluate.read_labels(labels)
    probes = evaluate.probes_by_asn(open_bundled(), frozenset(row.asn for row in rows if row.asn))
    settings = settings_in_force()
    strict = settings.org_strict
    files = {"a": OrgFiles(tuple(database), is_strict=strict) if database else OrgFiles.of(settings)}
    if against:
        files["b"] = OrgFiles(tuple(against), is_strict=strict)
    reports = {
        name: evaluate.evaluate(rows, probes, open_resolver(these, _today), min_confidence)
        for name, these in files.items()
    }
    if as_json:
        print(orjson.dumps({name: report.as_json() for name, report in reports.items()}).decode())
        return
    for name, report in reports.items():
        print("\n".join(evaluate.in_words(name, report)))


@orgs.command("update")
def update_orgs(
    labels: Annotated[Path | None, typer.Option(help="Labels to score with; what scores worse is not taken.")] = None,
    roll_back: Annotated[bool, typer.Option(help="Put the files before the last renewal back.")] = False,
) -> None:
    """Renew the files of FIRMLY_ORG_DOWNLOADS; a running server takes them into use within seconds."""
    from firmly.organisations import evaluate
    from firmly.organisations.open import Shipped, download_folder
    from firmly.organisations.update import PROPOSAL

    settings = settings_in_force()
    downloads = [Download(name, url) for name, url in settings.org_downloads]
    if not downloads:
        print(PROPOSAL)
        return
    rows = evaluate.read_labels(labels) if labels else []
    files = OrgFiles.of(settings)
    updates = Updates(download_folder(settings), files, _fetch, _today(), Shipped.opened(), rows)
    failures = 0
    for download in downloads:
        try:
            print(updates.roll_back(download) if roll_back else updates.renew(download))
        except FirmlyError as error:
            failures += 1
            print(f"firmly: {error}", file=sys.stderr)
    if failures:
        raise typer.Exit(1)


def _fetch(download: Download) -> Iterator[bytes]:
    import httpx

    try:
        with httpx.stream("GET", download.url, follow_redirects=True, timeout=60) as answer:
            if answer.status_code != 200:
                raise FirmlyError(f"{download.name}: the download answers {answer.status_code}")
            yield from answer.iter_bytes()
    except httpx.HTTPError as error:
        # Its text may hold the address, and that a licence key.
        raise FirmlyError(f"{download.name}: the download failed ({type(error).__name__})") from None


@orgs.command("overrides")
def show_overrides(
    file: Annotated[Path | None, typer.Argument(help="A file of rules; without it FIRMLY_ORG_OVERRIDES.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Say what the rules would change in recent history.")] = False,
) -> None:
    """Check the rules of a file and list them."""
    from firmly.organisations.lists import Lists
    from firmly.organisations.overrides import Target, read_overrides

    settings = settings_in_force()
    path = file or settings.org_overrides
    if path is None:
        raise FirmlyError("FIRMLY_ORG_OVERRIDES='': expected a file of rules, or one as the argument")
    overrides = read_overrides(path, Lists.bundled().forms, _today())
    for rule in overrides.rules:
        outcome = rule.outcome.name if isinstance(rule.outcome, Target) else rule.outcome.value
        print(f"{rule.matcher} {rule.value} -> {outcome}" + (f"  # {rule.note}" if rule.note else ""))
    if dry_run:
        _show_changes(settings, overrides)


def _show_changes(settings: Settings, overrides: Overrides) -> None:
    from firmly.leads.holders import RECENT_DAYS, by_network, changes, own_holders, recent_holders

    with open_accounts_and_rules() as (accounts, rules):
        every = rules.every()
        workspaces = [(each.id, each.name, every.get(each.id, [])) for each in accounts.summaries()]
    with open_rows(settings) as rows:
        for workspace_id, name, own_rules in workspaces:
            holders = recent_holders(rows, workspace_id, _today())
            own = own_holders(holders, rules.overrides(own_rules))
            found = changes([holder for holder in holders if holder not in own], overrides)
            print(f"{name}: {len(found)} organisations of the last {RECENT_DAYS} days would change")
            if own_rules:
                print(f"  its members' own corrections ({len(own_rules)}) go first and decide for {len(own)} others")
            for change in found:
                becomes = change.new_name or f"not shown ({change.rule.outcome})"
                print(f"  {change.holder.name} (AS{change.holder.asn}, {change.holder.visits} visits) -> {becomes}")
    print(f"{by_network(overrides)} rules by network act from now on: no network is stored, so history has none.")
