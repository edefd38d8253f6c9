"""A back-test of the score: where the leads that became customers would have stood."""

from dataclasses import dataclass

from firmly.leads.lead import Identity
from firmly.leads.scoring import Score, Tier

MAX_RANKED = 200


@dataclass(frozen=True, slots=True)
class Ranked:
    """``rank`` from 1, among all leads with a visit in the days that the score looks at; equals share the best."""

    identity: Identity
    rank: int
    score: Score


@dataclass(frozen=True, slots=True)
class Ranking:
    """``customers`` are all that are marked so, ``leads`` all that were ranked; ``ranked`` the customers among them,
    the best first: those of whom nothing is kept from these days are in no place."""

    customers: int
    leads: int
    ranked: tuple[Ranked, ...]

    @property
    def in_first_tenth(self) -> int:
        return sum(one.rank * 10 <= self.leads for one in self.ranked)

    @property
    def tiers(self) -> dict[Tier, int]:
        return {tier: sum(one.score.tier is tier for one in self.ranked) for tier in Tier}
