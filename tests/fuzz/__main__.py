"""Fuzz the unpacker: `PYTHONPATH=spark_jobs python -m tests.fuzz -max_total_time=300 CORPUS`.

It needs atheris, which no test needs: `pip install atheris`. Options are libFuzzer's. An input that fails
belongs in `tests/fuzz/corpus`.
"""

import sys

import atheris

with atheris.instrument_imports(include=["cloudtrail_jobs"]):
    from tests.fuzz.holds import must_hold

atheris.Setup(sys.argv, must_hold)
atheris.Fuzz()
