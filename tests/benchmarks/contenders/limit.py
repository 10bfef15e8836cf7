"""Decompress and parse only, on one thread: `python -m tests.benchmarks.contenders.limit LOGS OUT`."""

import glob
import sys

import simdjson
from isal import igzip

from tests.benchmarks.contenders.protocol import done, ready


def main() -> None:
    """Read LOGS (a glob) and count its records; writes nothing."""
    files = sorted(glob.glob(f"{sys.argv[1]}/**/*.json.gz", recursive=True))
    parser = simdjson.Parser()
    ready()
    records = 0
    for name in files:
        with igzip.open(name) as file:
            records += len(parser.parse(file.read())["Records"])
    done(records=records)


if __name__ == "__main__":
    main()
