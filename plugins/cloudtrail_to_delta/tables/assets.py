"""The assets of the tables and their events, in Airflow; what an event says is `records.table_event`.

A table's events are the memory of what its runs found. Only the newest few events of one table are read. The
order of the runs does not matter: the latest of each moment counts.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from airflow.sdk import Asset, AssetAlias

# Asset events of every table this pipeline writes are added under this alias, since the tables are params.
TABLES = AssetAlias("cloudtrail_tables")


def table_asset(table: str, delta_path: str) -> Asset:
    """A table as an asset: its name, and where it is."""
    return Asset(name=table, uri=delta_path)


def newest_events(asset: Any, *, limit: int, after: datetime | None = None) -> Sequence[Any]:
    """The newest events of an asset (anything with a name and a URI), the newest first."""
    from airflow.sdk.execution_time.context import InletEventsAccessor

    events = InletEventsAccessor(asset_name=asset.name, asset_uri=asset.uri).ascending(False).limit(limit)
    return list(events.after(after.isoformat()) if after else events)


def known_assets() -> Sequence[Any]:
    """The assets of all tables that have ever had an event, each with its name and URI."""
    # Airflow's SDK has no other way to the assets of an alias than through their events, all of them.
    from airflow.sdk.exceptions import AirflowRuntimeError
    from airflow.sdk.execution_time.comms import AssetsByAliasResult, GetAssetsByAlias
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    answer: Any = SUPERVISOR_COMMS.send(GetAssetsByAlias(alias_name=TABLES.name))
    if not isinstance(answer, AssetsByAliasResult):
        raise AirflowRuntimeError(answer)
    return list(answer.assets)
