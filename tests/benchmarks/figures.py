"""Numbers out of runs: median, minimum and spread of one measure, ratios of two contenders round by round."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

Case = dict[str, Any]


@dataclass(frozen=True)
class Summary:
    """Of the values of one measure; `spread` is (highest - lowest) / median."""

    median: float
    minimum: float
    maximum: float
    count: int

    @property
    def spread(self) -> float:
        """0 for a single value."""
        return (self.maximum - self.minimum) / self.median if self.median else 0.0


def summarize(values: Iterable[float]) -> Summary:
    """The summary of at least one value."""
    found = sorted(values)
    return Summary(statistics.median(found), found[0], found[-1], len(found))


def measured(case: Case, contender: str, measure: str) -> list[float]:
    """The values of a measure in a case's sound runs of a contender; empty when there are none."""
    return [float(run[measure]) for run in runs(case, contender) if "error" not in run]


def runs(case: Case, contender: str) -> Sequence[dict[str, Any]]:
    """The runs of a contender, in the order of the rounds, failed ones included."""
    return list(case["runs"].get(contender, []))


def ratio(case: Case, over: str, under: str, measure: str = "seconds") -> dict[str, Any] | None:
    """How many times `under`'s value `over`'s is, round by round, summarized; None with no common round."""
    pairs = zip(runs(case, over), runs(case, under), strict=False)
    ratios = [
        float(one[measure]) / float(other[measure])
        for one, other in pairs
        if "error" not in one and "error" not in other and float(other[measure])
    ]
    return figure(ratios, digits=3) if ratios else None


def figure(values: Iterable[float], *, digits: int = 2) -> dict[str, Any]:
    """One figure as the results hold it, from its values."""
    shown = asdict(summarize(values))
    return {key: value if key == "count" else round(value, digits) for key, value in shown.items()}
