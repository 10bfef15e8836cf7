"""What the table takes on disk: bytes against the gzipped source, files after a day of hourly runs."""

from typing import Any

from tests.benchmarks.contenders import clear, load
from tests.benchmarks.data import make_logs
from tests.benchmarks.figures import figure
from tests.benchmarks.measuring import Program, Run, measure, remove, require
from tests.benchmarks.session import Session

TITLE = "Storage"
NEW_FILES = 10


def run(session: Session, entry: dict[str, Any]) -> None:
    """One load of ours and of the guide, then a day of hourly runs of ours."""
    sizes = session.sizes
    records, files = sizes.storage
    logs = make_logs(records, files)
    folder = session.work / "storage"
    entry["notes"] = [
        "Ours keeps each record's raw text next to its columns. The guide's table has only the columns, "
        "compressed with Spark's default.",
        f"One session makes the hourly runs ({sizes.hourly_runs}, with {NEW_FILES} files each). The upkeep "
        "is the compaction by the next day's first run ([why](adr/0011-tables-on-s3.md)).",
    ]
    case = session.rounds(
        entry,
        f"{records:,} records in {files:,} files, {logs.gzipped / 1e6:.0f} MB gzipped",
        1,
        {name: lambda _, name=name: load(name, logs, folder / name) for name in ("guide", "ours")},
    )
    for name, word in (("guide", "guide table/gzipped"), ("ours", "table/gzipped")):
        if sizes_found := [one["out_bytes"] for one in case["runs"][name] if "error" not in one]:
            entry["figures"][word] = figure((size / logs.gzipped for size in sizes_found), digits=3)
        clear(folder / name)

    def hours(_: int) -> Run:
        remove(folder / "logs")
        out = folder / "hours"
        clear(out)
        done = measure(
            Program("hours"),
            *(folder / "logs", out, str(sizes.hourly_runs), str(NEW_FILES)),
            folder=folder / "hours_run",
        )
        expected = NEW_FILES * 5 * sizes.hourly_runs
        require(done.facts["rows"] == expected, f"{done.facts['rows']} rows of {expected} records")
        return done

    day = session.rounds(entry, f"{sizes.hourly_runs} hourly runs of {NEW_FILES} files", 1, {"ours": hours})
    (made,) = day["runs"]["ours"]
    if "error" not in made:
        facts = made["facts"]
        entry["figures"] |= {
            "files after the hourly runs": facts["files"][-1],
            "files a day after the hourly runs": facts["most_a_day"],
            "files after the upkeep": facts["compacted_files"],
            "files a day after the upkeep": facts["compacted_most_a_day"],
            "MB after the hourly runs": round(facts["bytes"] / 1e6, 2),
            "MB after the upkeep": round(facts["compacted_bytes"] / 1e6, 2),
        }
    remove(folder)
