"""The score: how active a company was lately, from 0 to 100, as a sum of terms that each say how much they gave.

docs/SCORE.md explains it. The sums are computed in ClickHouse (scores.sql); here are the weights, and what the
terms are called.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import delete

from firmly.accounts.audit import Action, record
from firmly.accounts.database import ControlPlane
from firmly.accounts.roles import Right
from firmly.accounts.scope import NotAllowedError, Scope
from firmly.leads.condition_json import parse_condition, text_of
from firmly.leads.feeds import limiting_fields
from firmly.leads.list_rows import ScoringRow
from firmly.model import Clock, InvalidInputError, Problem
from firmly.warehouse.conditions import EVERYTHING, Condition, Op, comparisons

HALF_LIFE_DAYS = 14
SCORE_DAYS = 56
"""How far back the score looks: four half-lives, after which a day counts a sixteenth. At most 64 (scores.sql)."""
HIGH, MEDIUM = 70, 40
MAX_POINTS = 100.0
MAX_PATHS = 50
MAX_PATH = 200
IDEAL_FIELDS = frozenset({"industry", "size", "country", "kind", "name", "domain", "tag"})
"""What an ideal customer can be told by: who they are, never what they did (that is the score)."""


class Tier(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Term(StrEnum):
    """In the order of ``amounts`` in scores.sql."""

    GOALS = "goals"
    HIGH_PAGES = "high_pages"
    DAYS = "days"
    VISITS = "visits"
    DEPTH = "depth"
    MINUTES = "minutes"
    BOUNCES = "bounces"
    LOW_PAGES = "low_pages"


LOWERING = frozenset({Term.BOUNCES, Term.LOW_PAGES})


@dataclass(frozen=True, slots=True)
class Weight:
    """``points`` for each unit, never more than ``most`` together; both from 0 to 100."""

    points: float
    most: float


USUAL: Mapping[Term, Weight] = {
    Term.GOALS: Weight(20, 40),
    Term.HIGH_PAGES: Weight(6, 24),
    Term.DAYS: Weight(5, 25),
    Term.VISITS: Weight(2, 12),
    Term.DEPTH: Weight(1, 12),
    Term.MINUTES: Weight(1, 12),
    Term.BOUNCES: Weight(2, 10),
    Term.LOW_PAGES: Weight(3, 15),
}


@dataclass(frozen=True, slots=True)
class Weights:
    """``high`` and ``low`` are beginnings of paths whose pages count more, and against; high goes first."""

    of: Mapping[Term, Weight] = field(default_factory=lambda: dict(USUAL))
    high: tuple[str, ...] = ("/pricing", "/contact", "/demo")
    low: tuple[str, ...] = ("/careers", "/jobs", "/blog")


@dataclass(frozen=True, slots=True)
class Scoring:
    """A workspace's weights, and who its ideal customer is; `EVERYTHING`: nobody said."""

    weights: Weights = field(default_factory=Weights)
    ideal: Condition = EVERYTHING


@dataclass(frozen=True, slots=True)
class Share:
    """What a term gave (or took, below 0): ``amount`` is in its unit, older days counting less."""

    term: Term
    amount: float
    points: float


@dataclass(frozen=True, slots=True)
class Score:
    """``value`` from 0 to 100; ``shares`` only of the terms that gave or took something."""

    value: int
    shares: tuple[Share, ...] = ()

    @property
    def tier(self) -> Tier:
        return Tier.HIGH if self.value >= HIGH else Tier.MEDIUM if self.value >= MEDIUM else Tier.LOW


NO_SCORE = Score(0)


def score_of(value: int, amounts: Sequence[float], weights: Weights) -> Score:
    """Make a score of a row of scores.sql."""
    shares = (_share(term, amount, weights.of[term]) for term, amount in zip(Term, amounts, strict=True))
    return Score(value, tuple(share for share in shares if share.points))


def _share(term: Term, amount: float, weight: Weight) -> Share:
    points = min(weight.points * amount, weight.most)
    return Share(term, amount, -points if term in LOWERING else points)


def score_parameters(weights: Weights, as_of: date) -> dict[str, object]:
    """Return what scores.sql is given, up to the end of the day ``as_of``."""
    return {
        "score_first_day": as_of - timedelta(days=SCORE_DAYS - 1),
        "score_as_of": as_of,
        "score_weights": [0.5 ** (age / HALF_LIFE_DAYS) for age in range(64)],
        "score_points": [(-1 if term in LOWERING else 1) * weights.of[term].points for term in Term],
        "score_caps": [weights.of[term].most for term in Term],
        "score_high": list(weights.high),
        "score_low": list(weights.low),
    }


class Scorings:
    """Each workspace's scoring. Blocking; safe to use from several threads."""

    def __init__(self, control_plane: ControlPlane, clock: Clock) -> None:
        self._control_plane = control_plane
        self._clock = clock

    def of(self, scope: Scope) -> Scoring:
        with self._control_plane.reading() as db:
            row = db.get(ScoringRow, scope.workspace_id)
            return Scoring() if row is None else Scoring(_read(row.weights), parse_condition(row.ideal))

    def change(self, scope: Scope, scoring: Scoring) -> None:
        """Replace a workspace's scoring: it holds at once, also for days that are over.

        Raises:
            NotAllowedError: the member may not; where feeds by it limit what others see, it takes MANAGE_TEAM.
            InvalidInputError: a weight out of range, paths that are none, or an ideal customer told by what they did.
        """
        scope.require(Right.EDIT_FEEDS)
        scoring = checked(scoring)
        with self._control_plane.session() as db:
            now = self._clock()
            if limiting_fields(db, scope) & {"icp", "score"} and not scope.may(Right.MANAGE_TEAM):
                raise NotAllowedError("it decides what some members may see: who manages the team may change it")
            db.execute(delete(ScoringRow).where(ScoringRow.workspace_id == scope.workspace_id))
            db.add(
                ScoringRow(
                    workspace_id=scope.workspace_id,
                    weights=_written(scoring.weights),
                    ideal=text_of(scoring.ideal),
                    author=scope.author,
                    changed_at=now,
                )
            )
            record(db, scope.workspace_id, scope.actor, Action.SCORING_CHANGED, now)


def checked(scoring: Scoring) -> Scoring:
    """Return the scoring with its paths in order. Raises InvalidInputError."""
    problems = []
    for term, weight in scoring.weights.of.items():
        for key, value in (("points", weight.points), ("most", weight.most)):
            if not 0 <= value <= MAX_POINTS:
                problems.append(Problem(f"{term}.{key}", f"{value:g}", "a number from 0 to 100"))
    for key, paths in (("high", scoring.weights.high), ("low", scoring.weights.low)):
        if len(paths) > MAX_PATHS:
            problems.append(Problem(key, str(len(paths)), f"at most {MAX_PATHS} paths"))
        expected = f"the beginning of a path such as /pricing, at most {MAX_PATH} characters"
        problems += [Problem(key, path[:40], expected) for path in paths if not _is_path(path)]
    asked = {one.field for one in comparisons(scoring.ideal)}
    problems += [
        Problem("ideal", name, f"who they are: {', '.join(sorted(IDEAL_FIELDS))}")
        for name in sorted(asked - IDEAL_FIELDS)
    ]
    if any(one.op is Op.MATCHES for one in comparisons(scoring.ideal)):
        problems.append(Problem("ideal", "matches", "no regular expression"))
    if problems:
        raise InvalidInputError("this scoring cannot be used", problems)
    high, low = (tuple(dict.fromkeys(paths)) for paths in (scoring.weights.high, scoring.weights.low))
    return replace(scoring, weights=replace(scoring.weights, high=high, low=low))


def _is_path(text: str) -> bool:
    return text.startswith("/") and len(text) <= MAX_PATH and text.isprintable() and " " not in text


def _written(weights: Weights) -> dict[str, Any]:
    return {
        "of": {term.value: [weight.points, weight.most] for term, weight in weights.of.items()},
        "high": list(weights.high),
        "low": list(weights.low),
    }


def _read(kept: Mapping[str, Any]) -> Weights:
    """A term that an earlier release did not know has its usual weight."""
    of = {term: Weight(*kept["of"][term]) if term in kept["of"] else USUAL[term] for term in Term}
    return Weights(of, tuple(kept["high"]), tuple(kept["low"]))
