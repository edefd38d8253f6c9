"""One request on its way through the pipeline, and one of its events being reduced. Memory only."""

from dataclasses import dataclass, field
from datetime import datetime

from firmly.accounts.site import Site
from firmly.measure.device import Device
from firmly.measure.reduce import Page
from firmly.measure.visits import Visit
from firmly.measure.wire import Batch
from firmly.model import Organisation
from firmly.organisations.address import Address

UNKNOWN_DEVICE = Device("other", "Other", "Other", is_bot=False)


@dataclass(slots=True)
class Arrival:
    """A request: what the edge read of it, and what the steps find out. Dropped when answered.

    ``origin`` is None where the client sent no such header: no browser's cross-site request then.
    """

    batch: Batch
    address: Address
    origin: str | None
    user_agent: str
    objects: bool
    """The client sent `Sec-GPC: 1`."""
    now: datetime
    site: Site = field(init=False)
    """Set by the first step."""
    basis: str = ""
    device: Device = UNKNOWN_DEVICE
    organisation: Organisation = field(init=False)
    """Set when the address is resolved."""
    visit_key: bytes = b""
    started: list[Visit] = field(default_factory=list)
    """Visits that this request started, to take back if it cannot be stored."""


@dataclass(slots=True)
class Draft:
    """One event being reduced: what will be written of it."""

    kind: str
    page: Page | None = None
    title: str = ""
    referrer_host: str = ""
    source: str = ""
    goal: str = ""
    props: dict[str, str] = field(default_factory=dict)
    active_ms: int = 0
    scroll_pct: int = 0
    visit: Visit | None = None
    starts_visit: bool = False
    seq: int = 0
