"""From one address to the organisation behind it, or to the reason why none is named - also while files change.

Owns the swap of one chain of data sets for the next. Never keeps an address.
"""

from collections.abc import Callable
from pathlib import Path

from firmly.model import Confidence
from firmly.organisations.address import Address
from firmly.organisations.chain import Chain, Decision
from firmly.organisations.decide import Answer
from firmly.organisations.overrides import Overrides

FileState = tuple[int, int, int] | None
_Signature = tuple[FileState, ...]


class Resolver:
    """Resolves addresses with the newest usable state of the operator's files.

    ``open_chain`` opens them; ``paths`` are looked at for changes. `resolve` is for one thread;
    `refresh` may run in another.

    Raises:
        FirmlyError: when made, where a file cannot be used.
    """

    def __init__(self, open_chain: Callable[[], Chain], paths: tuple[Path, ...] = ()) -> None:
        self._open_chain = open_chain
        self._paths = paths
        self._seen = _signature(paths)
        self._chain = open_chain()

    def resolve(self, address: Address) -> Answer:
        """Return the organisation, or why none is named. Does not drop the address and does not keep it.

        Raises:
            FirmlyError: when a data file turns out to be damaged.
        """
        return self._chain.resolve(address)

    def resolve_under(self, rules: Overrides, address: Address, minimum: Confidence) -> Answer:
        """Return the answer where a workspace's own rules go first; see `Chain.resolve_under`. Raises as `resolve`."""
        return self._chain.resolve_under(rules, address, minimum)

    def explain(self, address: Address) -> Decision:
        """Return the same answer with the step and everything that was considered. Raises as `resolve`."""
        return self._chain.explain(address)

    @property
    def chain(self) -> Chain:
        """The chain in force."""
        return self._chain

    def refresh(self) -> bool:
        """Open the files again where one has changed, and take them into use; say whether.

        A look-up that is under way ends with the old chain, which is closed when the last has let go
        of it. Changed files that cannot be used are tried once; the old ones stay in force.

        Raises:
            FirmlyError: where a changed file cannot be used.
        """
        now = _signature(self._paths)
        if now == self._seen:
            return False
        self._seen = now
        self._chain = self._open_chain()
        return True


def _signature(paths: tuple[Path, ...]) -> _Signature:
    return tuple(state_of(path) for path in paths)


def state_of(path: Path) -> FileState:
    """Return what differs once a file has changed; None while there is none."""
    try:
        found = path.stat()
    except OSError:
        return None  # Between an old file and its successor there may be none.
    return found.st_mtime_ns, found.st_size, found.st_ino
