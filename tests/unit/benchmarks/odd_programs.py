"""Programs to be measured, chosen by the first argument; none needs Spark."""

import sys
import time

from tests.benchmarks.programs.protocol import done, ready


def main() -> None:
    """Behave as told."""
    ready()
    match sys.argv[1]:
        case "counts":
            done(records=3)
        case "fails":
            raise ValueError("no such column")
        case "hangs":
            time.sleep(600)


if __name__ == "__main__":
    main()
