"""Ten questions asked of the view `_flat` and of its table, and fields of the text by `_variant`."""

from typing import Any

from tests.benchmarks.contenders import clear, load
from tests.benchmarks.data import make_logs
from tests.benchmarks.figures import figure, summarize
from tests.benchmarks.measuring import Program, measure, require
from tests.benchmarks.questions import QUESTIONS
from tests.benchmarks.session import Session

TITLE = "Views"


def run(session: Session, entry: dict[str, Any]) -> None:
    """Load the table, then ask it and its views everything."""
    sizes = session.sizes
    records, files = sizes.storage
    table = session.work / "views"
    entry["notes"] = [
        f"A table of {records:,} records of 30 days. One session asks the table and the view each question "
        f"in turn: once to warm up and then {sizes.question_rounds} times. The questions to the view use its "
        "plain columns. If the rows differ, or the view reads more files, the part fails.",
    ]
    try:
        load("ours", make_logs(records, files), table)
        asked = measure(
            Program("views"), str(sizes.question_rounds), str(table), folder=session.work / "views_run"
        )
    finally:
        clear(table)
    ratios, seconds = [], {"table": 0.0, "view": 0.0}
    for answer in asked.facts["answers"][: len(QUESTIONS)]:
        ratios.append(_ratio(answer))
        for name in seconds:
            seconds[name] += summarize(answer["tables"][name]["seconds"]).median
    entry["figures"] |= {
        "flat/table time of all ten questions": round(seconds["view"] / seconds["table"], 3),
        "flat/table time, median of questions": figure(ratios, digits=3),
    }
    for answer in asked.facts["answers"][len(QUESTIONS) :]:
        entry["figures"][f"variant/get_json_object time, {answer['question']}"] = round(_ratio(answer), 3)
    for answer in asked.facts["answers"]:
        by_table, by_view = answer["tables"]["table"], answer["tables"]["view"]
        require(by_view["equal"], f"the view answers differently: {answer['question']}")
        require(by_view["files"] <= by_table["files"], f"the view reads more files: {answer['question']}")


def _ratio(answer: dict[str, Any]) -> float:
    table, view = (summarize(answer["tables"][name]["seconds"]).median for name in ("table", "view"))
    return view / table
