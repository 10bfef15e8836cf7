"""`make bench`, `make bench-quick`: measure the parts and write results, table and charts.

Usage: python -m tests.benchmarks [--sizes full|quick|tiny] [--only PART,PART] [--rounds N]
                                  [--out FOLDER] [--render] [--profile]

Each part replaces its own results in `benchmarks.json` and leaves the others', so that parts can be run one
by one. A part that fails says so in the table, and the exit code is 1.
"""

import argparse
import sys
import traceback
from pathlib import Path

from sandbox.signals import interrupt_on_signals
from sandbox.spark import ROOT
from tests.benchmarks import report
from tests.benchmarks.data import FOLDER
from tests.benchmarks.measuring import MeasuringError, remove
from tests.benchmarks.parts import part
from tests.benchmarks.results import Results
from tests.benchmarks.session import Session
from tests.benchmarks.sizes import PARTS, SIZES


def main(arguments: list[str] | None = None) -> int:
    """Measure what is asked for, and render everything that was ever measured."""
    options = _options(arguments)
    interrupt_on_signals()
    results = Results(options.out / "benchmarks.json")
    sizes = SIZES[options.sizes]
    session = Session(sizes.with_rounds(options.rounds) if options.rounds else sizes, results.save)
    failed: list[str] = []
    try:
        if options.profile:
            from tests.benchmarks import profiling

            profiling.run(session, options.out)
            results.data["profile"] = profiling.FILE
            results.save()
        elif not options.render:
            for name in options.only or sizes.parts:
                failed += [] if _measure(session, results, name) else [name]
    except KeyboardInterrupt:
        session.say("stopped; what was measured is kept")
        return 130
    finally:
        remove(session.work)
        report.write(results.data, options.out)
    session.say(f"written: {options.out / 'benchmarks.md'}")
    for name in failed:
        session.say(f"FAILED: {name}: {results.data['parts'][name]['error'].strip().splitlines()[-1]}")
    return 1 if failed else 0


def _measure(session: Session, results: Results, name: str) -> bool:
    """Run one part; whatever it raises is its result, and the other parts go on."""
    found = part(name)
    entry = results.begin(name, found.title, session.sizes.name)
    session.say(f"--- {found.title}")
    began = session.elapsed
    try:
        found.run(session, entry)
        broken = [
            f"{case['case']}, {who}: {one['error'].strip().splitlines()[-1]}"
            for case in entry["cases"]
            for who, runs in case["runs"].items()
            for one in runs
            if "error" in one
        ]
        entry["status"] = "failed" if broken else "ok"
        entry["error"] = "\n".join(broken)
    except KeyboardInterrupt:
        raise
    except Exception as error:  # noqa: BLE001  # one part's fault must not lose the others' results
        entry["status"] = "failed"
        shown = str(error) if isinstance(error, MeasuringError) else traceback.format_exc()
        entry["error"] = shown[-3000:] or repr(error)
    entry["took_seconds"] = round(session.elapsed - began)
    results.save()
    session.say(f"--- {found.title}: {entry['status']}, {entry['took_seconds']} s")
    return entry["status"] == "ok"


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--sizes", choices=SIZES, default="full", help="how much to measure")
    parser.add_argument("--only", type=_parts, metavar="PART,PART", help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, help="how many times each contender runs, in turn")
    parser.add_argument("--out", type=Path, help="folder for the results; docs for the full sizes")
    parser.add_argument("--render", action="store_true", help="measure nothing, write table and charts again")
    parser.add_argument(
        "--profile", action="store_true", help="measure where CPU seconds go, and nothing else"
    )
    options = parser.parse_args(arguments)
    if options.out is None:
        options.out = ROOT / "docs" if options.sizes == "full" else FOLDER / options.sizes
    return options


def _parts(text: str) -> list[str]:
    names = text.split(",")
    if unknown := sorted(set(names) - set(PARTS)):
        raise argparse.ArgumentTypeError(f"no part is called {', '.join(unknown)}; parts: {', '.join(PARTS)}")
    return [name for name in PARTS if name in names]


if __name__ == "__main__":
    sys.exit(main())
