"""Fit the weights by which `firmly.organisations.estimate` judges holders of AS numbers.

    .venv/bin/python scripts/fit_holders.py LABELS.csv

``LABELS.csv`` has the columns ``asn`` and ``labels`` (words between spaces: uni gov corp biznet dsl
mobile satnet vpsh vpn cdn perso). It is not part of Firmly. Only the half of its rows is used whose
AS number's MD5 begins with an even byte; the other half stays for `firmly orgs eval`. A mark enters
the file only where at least 20 holders of the bundled data and 3 labelled ones bear it, so that no
single name is in it. Equal inputs give equal bytes. ``--check`` prints five-fold cross-validation instead of
writing. numpy comes with clickhouse-connect; Firmly itself does not use it.
"""

import argparse
import csv
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmly.organisations.data_file import Holder, open_bundled
from firmly.organisations.estimate import WEIGHTS_NAME, Weights
from firmly.organisations.holder_facts import marks
from firmly.organisations.lists import Lists

Matrix = NDArray[np.float64]
Marks = frozenset[str]

OUT = Path(__file__).parents[1] / "server/firmly/organisations/words" / f"{WEIGHTS_NAME}.txt"
CLASSES = ("education", "government", "business", "carrier", "hosting", "person")
CLASS_OF = {
    "uni": 0, "gov": 1, "corp": 2, "biznet": 3, "dsl": 3, "mobile": 3, "satnet": 3,
    "vpsh": 4, "vpn": 4, "cdn": 4, "perso": 5,
}  # fmt: skip
FEWEST_HOLDERS, FEWEST_LABELLED = 20, 3
STRENGTH, STRENGTH_OF_GRAMS = 2.0, 0.06
STEPS, FIRST_STEP = 200, 0.1
FOLDS = 5
SMALLEST_KEPT = 4
"""Thousandths: a mark whose weights are all smaller is left out of the file."""


@dataclass(frozen=True, slots=True)
class Examples:
    marks: list[Marks]
    targets: Matrix
    folds: NDArray[np.int64]

    def take(self, chosen: NDArray[np.bool_]) -> "Examples":
        kept = [one for one, is_chosen in zip(self.marks, chosen, strict=True) if is_chosen]
        return Examples(kept, self.targets[chosen], self.folds[chosen])


@dataclass(frozen=True, slots=True)
class Incidence:
    """Which example bears which mark, as pairs of places."""

    examples: NDArray[np.int64]
    columns: NDArray[np.int64]
    size: tuple[int, int]

    @classmethod
    def of(cls, marked: Sequence[Marks], places: dict[str, int]) -> "Incidence":
        pairs = [(row, places[mark]) for row, one in enumerate(marked) for mark in sorted(one) if mark in places]
        array = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        return cls(array[:, 0], array[:, 1], (len(marked), len(places)))

    def times(self, weights: Matrix) -> Matrix:
        return np.stack(
            [np.bincount(self.examples, weights=column[self.columns], minlength=self.size[0]) for column in weights.T],
            axis=1,
        )

    def transposed_times(self, errors: Matrix) -> Matrix:
        return np.stack(
            [np.bincount(self.columns, weights=column[self.examples], minlength=self.size[1]) for column in errors.T],
            axis=1,
        )


def is_for_fitting(asn: int) -> bool:
    return hashlib.md5(str(asn).encode(), usedforsecurity=False).digest()[0] % 2 == 0


def fold_of(asn: int) -> int:
    return hashlib.md5(str(asn).encode(), usedforsecurity=False).digest()[3] % FOLDS


def read_examples(path: Path, holders: dict[int, Holder], lists: Lists) -> Examples:
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(int(row["asn"]), row["labels"].split()) for row in csv.DictReader(file)]
    kept = [(asn, labels) for asn, labels in rows if asn in holders and is_for_fitting(asn)]
    targets = np.zeros((len(kept), len(CLASSES)))
    for place, (_, labels) in enumerate(kept):
        for label in labels:
            targets[place, CLASS_OF[label]] += 1 / len(labels)
    return Examples(
        [marks(holders[asn], lists) for asn, _ in kept], targets, np.array([fold_of(asn) for asn, _ in kept])
    )


def common_marks(holders: Sequence[Holder], lists: Lists) -> frozenset[str]:
    """Return the marks that enough differently named holders bear."""
    different = {holder.registered_name: holder for holder in holders}
    count = Counter(mark for holder in different.values() for mark in marks(holder, lists))
    return frozenset(mark for mark, number in count.items() if number >= FEWEST_HOLDERS)


def probabilities(sums: Matrix) -> Matrix:
    shares = np.exp(sums - sums.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def fit(examples: Examples, common: frozenset[str]) -> Weights:
    """Minimise the regularised log loss by full-batch Adam; grams are held more tightly than words."""
    count = Counter(mark for one in examples.marks for mark in one)
    names = sorted(mark for mark, number in count.items() if number >= FEWEST_LABELLED and mark in common)
    incidence = Incidence.of(examples.marks, {mark: place for place, mark in enumerate(names)})
    held = STRENGTH / np.array([STRENGTH_OF_GRAMS if mark.startswith("g:") else 1.0 for mark in names])
    number = len(examples.marks)
    # The bias is the last row, and is not held.
    weights = np.vstack([np.zeros((len(names), len(CLASSES))), np.log(examples.targets.mean(axis=0))])
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, STEPS + 1):
        errors = (probabilities(incidence.times(weights[:-1]) + weights[-1]) - examples.targets) / number
        slope = np.vstack([incidence.transposed_times(errors) + held[:, None] * weights[:-1] / number, errors.sum(0)])
        mean, square = 0.9 * mean + 0.1 * slope, 0.99 * square + 0.01 * slope**2
        size = FIRST_STEP * (1 - step / (STEPS + 1))
        weights -= size * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
    table = {mark: tuple(map(float, row)) for mark, row in zip(names, weights[:-1], strict=True)}
    return Weights(tuple(map(float, weights[-1])), table)


def cross_validate(examples: Examples, common: frozenset[str]) -> None:
    """Print, for each class, recall and precision of what the other folds' weights think most likely."""
    guesses = np.zeros_like(examples.targets)
    for fold in range(FOLDS):
        weights = fit(examples.take(examples.folds != fold), common)
        for place in map(int, np.flatnonzero(examples.folds == fold)):
            guesses[place] = weights.estimate(examples.marks[place])
    truth, said = examples.targets.argmax(axis=1), guesses.argmax(axis=1)
    for number, name in enumerate(CLASSES):
        right = np.count_nonzero((truth == number) & (said == number))
        recall, precision = right / np.count_nonzero(truth == number), right / np.count_nonzero(said == number)
        print(f"{name:11} recall {recall:.3f} precision {precision:.3f}")
    print(f"log loss {-np.log(guesses[np.arange(len(truth)), truth]).mean():.4f}")


def written(weights: Weights, provenance: Sequence[str]) -> str:
    rows = {"bias": weights.bias} | weights.by_mark
    in_thousandths = {mark: [round(number * 1000) for number in row] for mark, row in rows.items()}
    kept = {mark: row for mark, row in in_thousandths.items() if mark == "bias" or max(map(abs, row)) >= SMALLEST_KEPT}
    lines = [f"{mark}\t{' '.join(map(str, row))}" for mark, row in kept.items()]
    return "\n".join([*(f"# {line}" for line in provenance), *lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    lists, data = Lists.with_weights(Weights((0.0,) * len(CLASSES), {})), open_bundled()
    common = common_marks(data.holders, lists)
    examples = read_examples(asked.labels, {holder.asn: holder for holder in data.holders}, lists)
    if asked.check:
        cross_validate(examples, common)
        return
    provenance = (
        f"Weights in thousandths for the classes: {' '.join(CLASSES)}. Made by scripts/fit_holders.py; do not edit.",
        f"Fitted on {len(examples.marks)} labelled AS numbers (one half of the labels, which are no part of Firmly)",
        f"and the names of the bundled data of {data.as_of}. Each mark is borne by at least {FEWEST_HOLDERS} holders",
        f"of different names and {FEWEST_LABELLED} labelled ones. How it is used: docs/ORGANISATIONS.md.",
    )
    OUT.write_text(written(fit(examples, common), provenance), "utf-8")


if __name__ == "__main__":
    main()
