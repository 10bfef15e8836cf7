"""One command's state that every part is given: sizes, folders, progress on the terminal, runs in rounds."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.data import FOLDER
from tests.benchmarks.measuring import MeasuringError, Run
from tests.benchmarks.sizes import Sizes

Contender = Callable[[int], Run]


@dataclass
class Session:
    """`save` writes the results so far; `work` is a folder for what the runs write."""

    sizes: Sizes
    save: Callable[[], None]
    work: Path = FOLDER / f"work-{os.getpid()}"
    began: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self.began

    def say(self, words: str) -> None:
        """One line of progress, with the time since the command began."""
        minutes, seconds = divmod(int(self.elapsed), 60)
        sys.stdout.write(f"[{minutes:3d}:{seconds:02d}] {words}\n")
        sys.stdout.flush()

    def rounds(
        self, entry: dict[str, Any], case: str, count: int, contenders: Mapping[str, Contender]
    ) -> dict[str, Any]:
        """Run the contenders in turn, A B C, A B C, …, and note every run in a new case of the part's entry.

        A run that fails is noted with its error, and the others go on.
        """
        noted: dict[str, Any] = {"case": case, "runs": {name: [] for name in contenders}}
        entry["cases"].append(noted)
        for number in range(count):
            for name, contender in contenders.items():
                try:
                    run = contender(number).to_dict()
                    shown = f"{run['seconds']:.1f} s, {run['cpu_seconds']:.0f} CPU s"
                except MeasuringError as error:
                    run = {"error": str(error)[-3000:]}
                    shown = f"FAILED: {str(error).strip().splitlines()[-1][:200]}"
                noted["runs"][name].append(run)
                self.save()
                self.say(f"{case}, round {number + 1} of {count}, {name}: {shown}")
        return noted
