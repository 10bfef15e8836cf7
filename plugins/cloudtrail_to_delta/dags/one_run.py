"""The arguments of every DAG of this package: never two runs at once."""

from typing import Any

# Two simultaneous runs could use the same checkpoint, or fail because of each other's changes. A backfill has
# its own limit, up to ten runs at once by default, and ingests nothing that an ordinary run does not. Source:
# Airflow 3.3, `DAG(allowed_run_types=…)` and models/backfill.py.
ONE_RUN_AT_A_TIME: dict[str, Any] = {
    "catchup": False,
    "max_active_runs": 1,
    "allowed_run_types": (
        "scheduled",
        "manual",
        "operator_triggered",
        "asset_triggered",
        "asset_materialization",
    ),
}
