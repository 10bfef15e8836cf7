"""Ten questions over 30 days of table: files read and time, ours against the guide's, rows compared."""

from typing import Any

from tests.benchmarks.contenders import clear, load
from tests.benchmarks.data import make_logs
from tests.benchmarks.figures import figure, summarize
from tests.benchmarks.measuring import Program, measure, require
from tests.benchmarks.session import Session

TITLE = "Queries"
WHO = ("guide", "ours")


def run(session: Session, entry: dict[str, Any]) -> None:
    """Load both tables, then ask both everything."""
    sizes = session.sizes
    records, files = sizes.queries
    logs = make_logs(records, files)
    folder = session.work / "queries"
    entry["notes"] = [
        f"Each contender loads {records:,} records of 30 days in one run. One session asks both tables "
        f"each question in turn: once to warm up and then {sizes.question_rounds} times. Files and bytes "
        "are the scan's metrics. If the rows differ, the part fails.",
    ]
    try:
        for name in WHO:
            loaded = load(name, logs, folder / name)
            session.say(f"table of {records:,} records by {name}: {loaded.out_files} files")
        asked = measure(
            Program("ask"),
            str(sizes.question_rounds),
            *(f"{name}={folder / name}" for name in WHO),
            folder=folder / "ask_run",
        )
    finally:
        for name in WHO:
            clear(folder / name)
    entry["questions"] = asked.facts["answers"]
    session.save()
    ratios = []
    for answer in entry["questions"]:
        guide, ours = (answer["tables"][name] for name in WHO)
        pairs = zip(guide["seconds"], ours["seconds"], strict=True)
        answer["guide/ours time"] = figure((one / other for one, other in pairs), digits=3)
        ratios.append(answer["guide/ours time"]["median"])
    total = {name: _total(entry["questions"], name) for name in WHO}
    entry["figures"] |= {
        "guide/ours time": round(total["guide"]["seconds"] / total["ours"]["seconds"], 3),
        "guide/ours time, median of questions": figure(ratios, digits=3),
        "ours/guide files": round(total["ours"]["files"] / max(total["guide"]["files"], 1), 3),
        "ours/guide bytes": round(total["ours"]["bytes"] / max(total["guide"]["bytes"], 1), 3),
    }
    different = [answer["question"] for answer in entry["questions"] if not answer["tables"]["ours"]["equal"]]
    require(not different, f"the tables answer differently: {'; '.join(different)}")


def _total(answers: list[dict[str, Any]], name: str) -> dict[str, float]:
    tables = [answer["tables"][name] for answer in answers]
    return {
        "seconds": sum(summarize(one["seconds"]).median for one in tables),
        "files": sum(one["files"] for one in tables),
        "bytes": sum(one["bytes"] for one in tables),
    }
