"""A run that finds nothing new: what it costs beyond a session, and that it leaves no trace."""

from dataclasses import replace
from functools import partial
from typing import Any

from tests.benchmarks.contenders import CONTENDERS, checkpoint, clear, load
from tests.benchmarks.data import Logs, make_logs
from tests.benchmarks.delta_files import batches, commits
from tests.benchmarks.figures import figure, measured
from tests.benchmarks.measuring import Program, Run, measure, require
from tests.benchmarks.session import Session

TITLE = "A run with nothing new"


def run(session: Session, entry: dict[str, Any]) -> None:
    """Load a few files with each contender, then run it again."""
    entry["notes"] = [
        "`a bare session` runs one job of one row. No figure includes the start of the session, so the "
        "seconds are the cost of a run beyond it.",
    ]
    logs = make_logs(200, 20, days=5)
    folder, who = session.work / "nothing_new", session.sizes.nothing_new
    for name in who:
        load(name, logs, folder / name)
    case = session.rounds(
        entry,
        "20 files, all read before",
        session.sizes.rounds,
        {
            "bare": lambda _: measure(Program("bare"), folder=folder / "bare_run"),
            **{name: partial(_again, session, name, logs) for name in who},
        },
    )
    for name in who:
        if seconds := measured(case, name, "seconds"):
            entry["figures"][f"{name} seconds"] = figure(seconds)
            facts = [one["facts"] for one in case["runs"][name] if "error" not in one]
            entry["figures"][f"{name} commits"] = max(one["commits"] for one in facts)
            entry["figures"][f"{name} batches"] = max(one["batches"] for one in facts)
        clear(folder / name)


def _again(session: Session, name: str, logs: Logs, _: int) -> Run:
    out = session.work / "nothing_new" / name
    tables = (out, out.with_name(f"{name}_quarantine"))
    before = batches(checkpoint(out)), sum(commits(table) for table in tables)
    again = measure(CONTENDERS[name], logs.path, out, folder=out.with_name(f"{name}_run"))
    new_batches = batches(checkpoint(out)) - before[0]
    new_commits = sum(commits(table) for table in tables) - before[1]
    if name == "ours":
        require(new_commits == 0, f"a run with nothing new has made {new_commits} Delta commits")
        require(new_batches == 0, f"a run with nothing new has made {new_batches} micro-batches")
    return replace(again, facts={"commits": new_commits, "batches": new_batches})
