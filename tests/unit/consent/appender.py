"""A process that makes choices on a site, for tests of several at once: URL, site key, banner version, how many."""

import sys

from firmly.accounts.database import open_control_plane
from firmly.consent.choice import Action
from firmly.consent.exports import ConsentExports
from firmly.consent.keys import LogKeys
from firmly.consent.log import ConsentLog
from firmly.consent.receipt import Receipts
from firmly.consent.service import Choice, Consent
from firmly.consent.token import ConsentTokens
from firmly.model import system_clock
from tests.unit.consent.conftest import NEW


def main(url: str, key: str, banner: str, count: int) -> None:
    plane = open_control_plane(url)
    log = ConsentLog(LogKeys([NEW]))
    site = ConsentExports(plane, log, system_clock).site(key)
    assert site is not None
    consent = Consent(plane, ConsentTokens([NEW]), Receipts([NEW]), log, system_clock)
    for _ in range(count):
        assert consent.choose(site, Choice(Action.REJECT_ALL, frozenset(), banner, "en", "banner"), None)
    plane.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
