"""The whole decision per address, uncached by address, on the bundled data, in one process."""

import random
import resource
import time

from firmly.organisations.address import Address
from firmly.organisations.open import open_resolver

LOOKUPS = 300_000


def run() -> dict[str, object]:
    """Return decisions per second over random IPv4 and IPv6 addresses, and the peak memory."""
    started = time.perf_counter()
    resolver = open_resolver(())
    opened_s = time.perf_counter() - started
    choose = random.Random(5)
    packed = [choose.randbytes(4) if number % 4 else b"\x2a" + choose.randbytes(15) for number in range(LOOKUPS)]
    addresses = [Address(one) for one in packed]
    for address in addresses[:50_000]:
        resolver.resolve(address)  # Holders are judged once each; a collector is warm after a minute.
    started = time.perf_counter()
    for address in addresses:
        resolver.resolve(address)
    per_s = LOOKUPS / (time.perf_counter() - started)
    return {
        "lookups_per_s": round(per_s),
        "open_s": round(opened_s, 2),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
