"""The external location check, for discovery `file_events`: does Unity Catalog announce new log files?

Source: Databricks, "Configure Auto Loader streams in file notification mode"; Unity Catalog API 2.1, External
Locations: `effective_enable_file_events` says whether it is on.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from cloudtrail_to_delta.iam.reader import listing_prefix
from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.preflight.findings import Finding

CHECK = "external_location"
PATH = "2.1/unity-catalog/external-locations"


class Catalog(Protocol):
    """The Databricks call that this check uses."""

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return the answer to a GET below /api/."""


def check_locations(catalog: Catalog, requests: Iterable[IngestRequest]) -> list[Finding]:
    """Find the external location of each logs path."""
    locations = list(fetch_locations(catalog))
    return [decide_location(request, locations) for request in requests]


def fetch_locations(catalog: Catalog) -> Iterator[dict[str, Any]]:
    """Yield every external location that the connection's principal can see."""
    token = ""
    while True:
        page = catalog.get(PATH, **({"page_token": token} if token else {}))
        yield from page.get("external_locations", [])
        token = page.get("next_page_token", "")
        if not token:
            return


def decide_location(request: IngestRequest, locations: Sequence[Mapping[str, Any]]) -> Finding:
    """Return the finding for the innermost location that contains the logs path. Pure."""
    logs = f"s3://{request.log_bucket}/{listing_prefix(request.logs)}"
    around = [one for one in locations if logs.startswith(f"{str(one['url']).rstrip('/')}/")]
    subject = f"logs of {request.kind}"
    if not around:
        return Finding(
            check=CHECK,
            subject=subject,
            status="failed",
            detail=f"no external location that the Databricks connection can see contains {logs}, but "
            "discovery='file_events' needs one",
            remedy=f"Create an external location for s3://{request.log_bucket}, or choose discovery "
            "'listing'.",
        )
    innermost = max(around, key=lambda one: len(str(one["url"])))
    name = innermost.get("name")
    if not innermost.get("effective_enable_file_events", innermost.get("enable_file_events")):
        return Finding(
            check=CHECK,
            subject=subject,
            status="failed",
            detail=f"external location {name!r} contains them, but file events are not enabled on it",
            remedy=f"Enable file events on {name!r}, or choose discovery 'listing'.",
        )
    detail = f"external location {name!r} announces new files"
    return Finding(check=CHECK, subject=subject, status="ok", detail=detail)
