"""The table name check: a name is free, or points at this path already."""

from collections.abc import Callable

from cloudtrail.locations import same_place
from cloudtrail.preflight.findings import Finding

CHECK = "table_name"
# Where a table of this name points, None when there is none; raises when that cannot be found out.
TableLocation = Callable[[str], str | None]


def check_table(table_location: TableLocation, table: str, path: str) -> Finding:
    """Ask where the name points."""
    return decide_table(table, path, location=table_location(table))


def decide_table(table: str, path: str, *, location: str | None) -> Finding:
    """The finding that follows from where the name points. Pure."""
    if location is None:
        return Finding(check=CHECK, subject=table, status="ok", detail="free")
    if same_place(location, path):
        return Finding(check=CHECK, subject=table, status="ok", detail=f"already at {path}")
    return Finding(
        check=CHECK,
        subject=table,
        status="failed",
        detail=f"names a table at {location!r}, not at {path!r}",
        remedy="Choose another table name, give that table's path, or drop that table if nobody needs it "
        "(dropping an external table keeps its files).",
    )
