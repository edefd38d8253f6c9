"""Opens organisation data, lists and ranges, and joins them into a resolver."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from firmly.organisations.chain import Chain, Ranges
from firmly.organisations.classify import Lists
from firmly.organisations.data_file import open_bundled
from firmly.organisations.exclusions import read_exclusions
from firmly.organisations.facts import Level
from firmly.organisations.judge import Judge
from firmly.organisations.overrides import Overrides, read_overrides
from firmly.organisations.ranges import KnownRanges, machine_ranges, special_ranges
from firmly.organisations.readers.as_facts import AsFacts, read_as_facts
from firmly.organisations.resolve import Resolver
from firmly.organisations.sources import FirmlySource, Source, open_source
from firmly.settings import Settings

_ORDER = list(Level)


@dataclass(frozen=True, slots=True)
class OrgFiles:
    """The operator's files. ``databases`` are MMDB files of any kind, and an AS facts file (``.json``);
    ``downloads`` are more of these, which need not exist yet. ``is_strict``: judge names as `Lists.strict` does."""

    databases: tuple[Path, ...] = ()
    downloads: tuple[Path, ...] = ()
    overrides: Path | None = None
    exclusions: Path | None = None
    is_strict: bool = False

    @classmethod
    def of(cls, settings: Settings) -> "OrgFiles":
        downloads = tuple(download_folder(settings) / name for name, _url in settings.org_downloads)
        return cls(
            settings.org_databases, downloads, settings.org_overrides, settings.org_exclusions, settings.org_strict
        )

    def paths(self) -> tuple[Path, ...]:
        return (
            *self.databases,
            *self.downloads,
            *(path for path in (self.overrides, self.exclusions) if path is not None),
        )


def download_folder(settings: Settings) -> Path:
    """Return where `update` keeps what it downloads."""
    return settings.data_dir / "organisations"


@dataclass(frozen=True, slots=True)
class Shipped:
    """What ships with Firmly and never changes while it runs: lists, ranges and the bundled data."""

    lists: Lists
    special: KnownRanges
    machines: KnownRanges
    bundled: FirmlySource

    @classmethod
    def opened(cls) -> "Shipped":
        return cls(Lists.bundled(), special_ranges(), machine_ranges(), FirmlySource(open_bundled()))


def open_resolver(files: OrgFiles, today: Callable[[], date]) -> Resolver:
    """Open a resolver over the operator's files, with the bundled one beneath them, that follows changes.

    Raises:
        FirmlyError: when a file cannot be used; the message says which and why.
    """
    shipped = Shipped.opened()
    return Resolver(lambda: open_chain(files, today(), shipped), files.paths())


def open_chain(files: OrgFiles, today: date, shipped: Shipped) -> Chain:
    """Open the operator's files as they are now.

    Raises:
        FirmlyError: when a file cannot be used; the message says which and why.
    """
    paths = (*files.databases, *(path for path in files.downloads if path.exists()))
    sources, as_facts = open_sources(paths, today, shipped.bundled)
    holders = next(source.holders() for source in sources if isinstance(source, FirmlySource) and source.has_holders)
    overrides = Overrides((), today, shipped.lists.forms)
    if files.overrides is not None:
        overrides = read_overrides(files.overrides, shipped.lists.forms, today)
    excluded = read_exclusions(files.exclusions) if files.exclusions else KnownRanges([], [])
    ranges = Ranges(shipped.special, shipped.machines, excluded)
    lists = shipped.lists.strict() if files.is_strict else shipped.lists
    return Chain(sources, Judge(lists, holders, as_facts), ranges, overrides)


def open_sources(paths: Sequence[Path], today: date, bundled: FirmlySource) -> tuple[list[Source], AsFacts | None]:
    """Open ``paths`` in the order of the chain, and the AS facts file among them.

    The bundled file is the last unless another file of Firmly's own holds AS numbers: sizes and
    countries of holders come from there, which vendors' files of AS numbers do not have.

    Raises:
        FirmlyError: when a file cannot be used; the message says which and why.
    """
    as_facts = next((read_as_facts(path) for path in paths if path.suffix == ".json"), None)
    sources: list[Source] = [open_source(path, today) for path in paths if path.suffix != ".json"]
    if not any(isinstance(source, FirmlySource) and source.has_holders for source in sources):
        sources.append(bundled)
    return sorted(sources, key=lambda source: _ORDER.index(source.data_set.level)), as_facts
