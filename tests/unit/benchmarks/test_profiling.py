"""Sorting of a profile: which thread and which stack is what."""

from tests.benchmarks.measuring import Run
from tests.benchmarks.profiling import by_thread, section, what


def test_threads_of_one_purpose_are_one_line():
    found = by_thread({"C2 CompilerThre": 3.0, "GC Thread#0": 1.0, "GC Thread#1": 1.5, "odd-7": 1.0})

    assert found == {"just-in-time compiler C2": 3.0, "garbage collection": 2.5, "odd": 1.0}


def test_a_stack_is_what_its_narrowest_mark_says():
    statistics = [
        "org.apache.parquet.X.y",
        "org.apache.spark.sql.delta.stats.DeltaTaskStatisticsTracker.newRow",
    ]
    assert what(statistics) == "Delta statistics"
    assert what(["org.apache.parquet.column.X.write"]) == "Parquet writer"
    assert what(["java.lang.Thread.run"]) == "other"


def test_a_section_adds_up_what_tasks_do():
    run = Run(seconds=2.0, cpu_seconds=4.0, peak_bytes=0, threads={"Executor task l": 3.0, "C2 Comp": 1.0})
    stacks = [("Executor task launch worker", ["org.apache.parquet.X.y"])] * 3
    lines = section("ours", run, [*stacks, ("Executor task launch worker", ["a.b"]), ("Thread-4", ["c.d"])])

    assert "     3.0 s  75.0%  tasks" in lines
    assert "   75.0%  Parquet writer" in lines
