"""Opens organisation data and joins it with the lists and ranges into a resolver."""

from pathlib import Path

from firmly.organisations.classify import Lists
from firmly.organisations.data_file import open_databases
from firmly.organisations.ranges import machine_ranges, special_ranges
from firmly.organisations.resolve import Resolver


def open_resolver(databases: tuple[Path, ...]) -> Resolver:
    """Open a resolver over the operator's files, or the bundled one. Raises FirmlyError."""
    return Resolver(open_databases(databases), Lists.bundled(), special_ranges(), machine_ranges())
