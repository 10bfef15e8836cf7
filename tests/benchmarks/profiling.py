"""Where the CPU seconds of a first load go, as text: `python -m tests.benchmarks --profile`.

Ours and the guide's stream run once each under Java Flight Recorder. Seconds by thread are the kernel's own
(`/proc`), so they add up to the run; what tasks do is the share of Flight Recorder's samples of their stacks.
"""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.contenders import NAMES, clear, load
from tests.benchmarks.data import make_logs
from tests.benchmarks.measuring import Run
from tests.benchmarks.results import machine
from tests.benchmarks.session import Session

FILE = "benchmarks-profile.txt"
WHO = ("guide", "ours")
DEPTH = 64
# How a thread's name begins → what it is. Linux keeps fifteen characters of a name.
THREADS = {
    "Executor task": "tasks",
    "C2 Compiler": "just-in-time compiler C2",
    "C1 Compiler": "just-in-time compiler C1",
    "GC Thread": "garbage collection",
    "G1 ": "garbage collection",
    "VM ": "virtual machine",
    "stream executio": "stream: planning and commits",
    "delta": "Delta's own threads",
    "dispatcher": "scheduling of tasks",
    "task-result": "scheduling of tasks",
    "dag-scheduler": "scheduling of tasks",
    "listing": "listing of files",
    "writer for": "tasks: to and from Python",
    "Writer for": "tasks: to and from Python",
    "stdout writer": "tasks: to and from Python",
    "Thread-": "calls from Python: planning and commits",
    "broadcast": "broadcasts and subqueries",
    "subquery": "broadcasts and subqueries",
    "shuffle": "shuffle",
    "JFR": "the recorder itself",
}
# What is on a stack → what it does; the first that fits, so the narrower ones come first.
STACKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("compiling generated code", ("org.codehaus.janino", "CodeGenerator")),
    ("class loading", ("ClassLoader", "LambdaMetafactory", "MethodHandleNatives.linkCallSite")),
    ("Delta statistics", ("DeltaTaskStatisticsTracker", "StatisticsCollection", "StatsCollection")),
    (
        "from_json, JSON reader",
        ("JacksonParser", "JsonToStructs", "JsonInferSchema", "com.fasterxml.jackson"),
    ),
    ("gzip", ("java.util.zip", "GzipCodec", "ZlibDecompressor", "BuiltInGzip")),
    ("Parquet writer", ("org.apache.parquet", "ParquetOutputWriter", "ParquetWriteSupport")),
    ("Parquet reader", ("VectorizedParquet", "parquet.hadoop.ParquetFileReader")),
    (
        "to and from Python, Arrow",
        ("PythonRunner", "PythonArrow", "org.apache.arrow", "ArrowWriter", "ArrowColumn"),
    ),
    (
        "sort",
        ("UnsafeExternalRowSorter", "UnsafeExternalSorter", "RadixSort", "TimSort", "UnsafeInMemorySorter"),
    ),
    (
        "shuffle",
        ("ShuffleWriter", "ShuffleBlockFetcher", "ShuffleExternalSorter", "shuffle.sort", "ShuffleReader"),
    ),
    (
        "planning",
        ("catalyst.analysis", "catalyst.optimizer", "QueryExecution", "catalyst.rules", "catalyst.trees"),
    ),
    (
        "listing and reading of directories",
        ("InMemoryFileIndex", "HadoopFSUtils", "listStatus", "globStatus"),
    ),
    ("Delta log", ("sql.delta",)),
    ("generated code of the query", ("GeneratedClass", "WholeStageCodegen")),
    ("serialization of tasks", ("ObjectOutputStream", "ObjectInputStream", "JavaSerializer")),
)


def run(session: Session, folder: Path) -> None:
    """Profile both and write the text into `folder`."""
    size = session.sizes.first_load[0]
    logs = make_logs(size.records, size.files)
    facts = machine() | {"when": datetime.now(UTC).isoformat(timespec="minutes")}
    text = [
        f"First load, {size.records:,} records in {size.files:,} files, one run of each under Java Flight",
        f"Recorder; {facts['cores']} cores ({facts['processor']}), commit {facts['commit']},",
        f"{facts['java']}, {facts['when']}.",
    ]
    for name in WHO:
        out = session.work / "profile" / name
        out.parent.mkdir(parents=True, exist_ok=True)
        recording = out.with_suffix(".jfr")
        options = f"-XX:StartFlightRecording=filename={recording},settings=profile"
        try:
            done = load(name, logs, out, **{"spark.driver.extraJavaOptions": options})
            text += ["", *section(NAMES[name], done, list(samples(recording)))]
            session.say(f"profile of {NAMES[name]}: {done.seconds:.0f} s")
        finally:
            clear(out)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text("\n".join(text) + "\n")
    session.say(f"written: {folder / FILE}")


def section(name: str, done: Run, found: Sequence[tuple[str, list[str]]]) -> list[str]:
    """The lines about one contender; `found` has a thread's name and its stack for each sample."""
    lines = [f"== {name}: {done.seconds:.1f} s, {done.cpu_seconds:.0f} CPU s =="]
    threads = by_thread(done.threads)
    # Threads of less than a tenth of a second, and the last half second of those that ended.
    threads["other"] = max(done.cpu_seconds - sum(threads.values()), 0.0)
    lines += ["", "CPU seconds by thread (the kernel's)", *_lines(threads, sum(threads.values()), "s")]
    tasks = [stack for thread, stack in found if thread.startswith("Executor task")]
    rest = [stack for thread, stack in found if not thread.startswith("Executor task")]
    for words, stacks in (("in tasks of the JVM", tasks), ("in the JVM's other threads", rest)):
        lines += ["", f"What is done {words} ({len(stacks):,} samples)"]
        lines += _lines(Counter(what(stack) for stack in stacks), len(stacks), "%")
    leaves = Counter(stack[0] for stack in tasks if stack)
    lines += ["", "Methods at the top of the tasks' stacks", *_lines(leaves, len(tasks), "%", most=20)]
    return lines


def by_thread(threads: Mapping[str, float]) -> dict[str, float]:
    """CPU seconds by what the threads are for."""
    found: Counter[str] = Counter()
    for name, seconds in threads.items():
        words = next((words for start, words in THREADS.items() if name.startswith(start)), "")
        found[words or re.sub(r"[-#]?\d+", "", name)] += seconds  # type: ignore[assignment]
    return dict(found)


def what(stack: Sequence[str]) -> str:
    """What a stack (methods with their class, innermost first) is doing."""
    joined = " ".join(stack)
    for words, marks in STACKS:
        if any(mark in joined for mark in marks):
            return words
    return "other"


def samples(recording: Path) -> Iterator[tuple[str, list[str]]]:
    """Thread and stack of every sample of running Java code; `jfr` is part of the JDK, not of a JRE."""
    command = ["jfr", "print", "--json", "--stack-depth", str(DEPTH), "--events", "jdk.ExecutionSample"]
    shown = subprocess.run([*command, str(recording)], capture_output=True, text=True, check=True).stdout
    for event in json.loads(shown)["recording"]["events"]:
        values: dict[str, Any] = event["values"]
        frames = (values.get("stackTrace") or {}).get("frames", [])
        methods = [frame["method"] for frame in frames]
        thread = (values.get("sampledThread") or {}).get("javaName") or "?"
        # The recorder writes classes as the class file does.
        yield thread, [f"{method['type']['name']}.{method['name']}".replace("/", ".") for method in methods]


def _lines(found: Mapping[str, float], whole: float, unit: str, *, most: int = 25) -> list[str]:
    ordered = sorted(found.items(), key=lambda one: -one[1])[:most]
    if unit == "s":
        return [f"{value:8.1f} s {value / whole:6.1%}  {name}" for name, value in ordered if value >= 0.05]
    return [f"{value / max(whole, 1):8.1%}  {name}" for name, value in ordered]
