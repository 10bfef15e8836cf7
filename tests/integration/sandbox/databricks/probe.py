"""A wheel of tiny jobs, and the tasks that run them."""

from pathlib import Path
from typing import Any

from tests.fixtures.databricks import CLUSTER_ID, build_wheel

CODE = '''
import json, os, pathlib, shlex, signal, subprocess, sys, time

def say():
    print("argv", json.dumps(sys.argv[1:]))
    print("a word on stderr", file=sys.stderr)

def fail():
    try:
        {}["kind"]
    except KeyError as cause:
        raise ValueError("the table is <b>missing</b>") from cause

def leave():
    sys.exit(json.loads(sys.argv[1]))

def return_one():
    return 1

def environment():
    import pyspark
    conf = pathlib.Path(shlex.split(os.environ["PYSPARK_SUBMIT_ARGS"])[1]).read_text()
    print(json.dumps({"env": dict(os.environ), "path": sys.path, "conf": conf, "cwd": os.getcwd()}))

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def hold():
    """Say where it is in a file, then go on until another file appears."""
    here, go_on = map(pathlib.Path, sys.argv[1:3])
    here.with_suffix(".new").write_text(json.dumps([os.getpid()]))
    here.with_suffix(".new").rename(here)
    print("holding", flush=True)
    while not go_on.exists():
        time.sleep(0.02)
    print("going on", flush=True)

def stubborn():
    """Ignore TERM, and have a child in a process group of its own that ignores it too."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    code += "print(1, flush=True); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, process_group=0)
    child.stdout.readline()
    here = pathlib.Path(sys.argv[1])
    here.with_suffix(".new").write_text(json.dumps([os.getpid(), child.pid]))
    here.with_suffix(".new").rename(here)
    time.sleep(600)

def spark():
    """Write a Delta table at argv[1] with the wheel's own code in Spark's workers, then go on."""
    from pyspark.sql import SparkSession
    session = SparkSession.builder.getOrCreate()
    numbers = session.range(4).mapInArrow(doubled, "id LONG").coalesce(1)
    numbers.write.format("delta").save(sys.argv[1])
    print("written", flush=True)
    time.sleep(600)

def doubled(batches):
    import probe, pyarrow
    assert probe.__file__.endswith("site/probe.py")
    for batch in batches:
        yield pyarrow.RecordBatch.from_pydict({"id": [2 * n for n in batch["id"].to_pylist()]})

def linger():
    """Return while a thread goes on."""
    import threading
    threading.Thread(target=time.sleep, args=(600,)).start()

def second_time():
    mark = pathlib.Path(sys.argv[1])
    if not mark.exists():
        mark.touch()
        raise RuntimeError("the first time")
'''
SCRIPTS = {"probe-say": "probe:say", "probe-hold": "probe:hold"}


def wheel(folder: Path) -> Path:
    return build_wheel(folder, "probe", CODE, points=SCRIPTS)


def task(location: str, entry_point: str, *argv: str, key: str = "main", **more: Any) -> dict[str, Any]:
    """A task on the sandbox's cluster that runs one of the jobs with `argv`."""
    return {
        "task_key": key,
        "existing_cluster_id": CLUSTER_ID,
        "libraries": [{"whl": location}],
        "python_wheel_task": {"package_name": "probe", "entry_point": entry_point, "parameters": list(argv)},
        **more,
    }
