"""The tables as assets in Airflow, and their events. `records.table_event` defines the content of an event.

A table's events store what its runs found. Only the newest few events of a table are read. The order of the
runs does not matter, because the latest value of each moment counts.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from airflow.sdk import Asset, AssetAlias

from cloudtrail_to_delta.records.record import read
from cloudtrail_to_delta.records.table_event import TableEvent

# How many of a table's newest asset events are read. The latest moments count, whatever the events' order.
REMEMBERED = 10

# Asset events of all tables are added under this alias, because the tables are params.
TABLES = AssetAlias("cloudtrail_tables")
# The events of completeness checks.
COMPLETENESS = AssetAlias("cloudtrail_completeness")


def table_asset(table: str, delta_path: str) -> Asset:
    """Return a table as an asset with its name and path."""
    return Asset(name=table, uri=delta_path)


def completeness_asset(table: str, delta_path: str) -> Asset:
    """Return the completeness of a table as an asset. Its events have the results of checks."""
    return Asset(name=f"{table}_completeness", uri=f"{delta_path}_completeness")


def newest_events(asset: Any, *, limit: int, after: datetime | None = None) -> Sequence[Any]:
    """Return the newest events of an asset (any object with a name and a URI), newest first."""
    from airflow.sdk.execution_time.context import InletEventsAccessor

    events = InletEventsAccessor(asset_name=asset.name, asset_uri=asset.uri).ascending(False).limit(limit)
    return list(events.after(after.isoformat()) if after else events)


def table_events(table: str, delta_path: str) -> list[tuple[datetime, TableEvent]]:
    """Return when runs reported about a table, and what, newest first.

    A run whose report failed left nothing.
    """
    return [
        (event.timestamp, said)
        for event in newest_events(table_asset(table, delta_path), limit=REMEMBERED)
        if (said := read(TableEvent.from_dict, event.extra or {}, f"an asset event of {table}"))
    ]


def known_assets() -> Sequence[Any]:
    """Return the assets of all tables that ever had an event, each with its name and URI."""
    # Airflow's SDK offers the assets of an alias only through all of their events.
    from airflow.sdk.exceptions import AirflowRuntimeError
    from airflow.sdk.execution_time.comms import AssetsByAliasResult, GetAssetsByAlias
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    answer: Any = SUPERVISOR_COMMS.send(GetAssetsByAlias(alias_name=TABLES.name))
    if not isinstance(answer, AssetsByAliasResult):
        raise AirflowRuntimeError(answer)
    return list(answer.assets)
