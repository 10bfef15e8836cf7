"""Ratios and summaries of the benchmarks: wrong arithmetic here would pass for a fast product."""

from tests.benchmarks.figures import figure, measured, ratio, summarize
from tests.benchmarks.targets import TARGETS, Target, verdicts


def case(**runs):
    return {"case": "a case", "runs": {who: [run(value) for value in values] for who, values in runs.items()}}


def run(seconds):
    return {"error": "it broke"} if seconds is None else {"seconds": seconds, "cpu_seconds": 2 * seconds}


def test_a_summary_has_the_median_and_how_far_the_values_lie_apart():
    found = summarize([3.0, 1.0, 2.0])

    assert (found.median, found.minimum, found.maximum, found.count, found.spread) == (2.0, 1.0, 3.0, 3, 1.0)


def test_a_single_run_has_no_spread():
    assert summarize([5.0]).spread == 0


def test_a_ratio_is_taken_round_by_round():
    found = ratio(case(guide=[10.0, 30.0, 12.0], ours=[5.0, 10.0, 12.0]), "guide", "ours")

    assert found == {"median": 2.0, "minimum": 1.0, "maximum": 3.0, "count": 3}


def test_a_round_in_which_one_of_the_two_failed_is_in_no_ratio():
    found = ratio(case(guide=[10.0, None, 30.0], ours=[5.0, 1.0, None]), "guide", "ours")

    assert found["count"] == 1
    assert found["median"] == 2.0
    assert ratio(case(guide=[None], ours=[1.0]), "guide", "ours") is None


def test_failed_runs_have_no_values():
    assert measured(case(ours=[None, 4.0]), "ours", "cpu_seconds") == [8.0]


def test_figures_are_rounded_for_the_results():
    assert figure([1.23456], digits=3)["median"] == 1.235


def test_a_target_is_met_on_its_own_side_of_its_bound():
    faster = Target("part", "figure", "words", at_least=1.5)
    smaller = Target("part", "figure", "words", at_most=4.0)

    assert faster.judge(1.5) == "met"
    assert faster.judge(1.2) == "missed by 0.30 (20% of the bound)"
    assert smaller.judge(4.0) == "met"
    assert smaller.judge(5.0) == "missed by 1.00 (25% of the bound)"
    assert Target("part", "figure", "words", at_most=0).judge(2) == "missed by 2.00"


def test_a_target_without_a_figure_is_not_measured():
    found = verdicts({"parts": {"hourly": {"figures": {"ours growth CPU": 1.2}}}})

    by_figure = {verdict.target.figure: verdict for verdict in found}
    assert by_figure["ours growth CPU"].words == "met"
    assert by_figure["ours growth seconds"].words == "not measured"
    assert len(found) == len(TARGETS)
