"""The external location check: are the names fit for one, and does Unity Catalog announce new log files?

Only discovery `file_events` needs the announcements. Sources: Databricks, "Configure Auto Loader streams in
file notification mode"; Unity Catalog API 2.1, External Locations: `effective_enable_file_events`; "Create a
storage credential for connecting to AWS S3": "The bucket name cannot include dot notation"; "Create an
external location": letters, digits, / _ -.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from cloudtrail_to_delta.iam.reader import listing_prefix
from cloudtrail_to_delta.params.locations import S3Location
from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.preflight.findings import Finding

CHECK = "external_location"
# What a path below a bucket may have that an external location may not. S3 allows it.
_ODD = re.compile(r"[^A-Za-z0-9/_.-]")
PATH = "2.1/unity-catalog/external-locations"


class Catalog(Protocol):
    """The Databricks call that this check uses."""

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return the answer to a GET below /api/."""


def check_locations(catalog: Catalog, requests: Iterable[IngestRequest]) -> list[Finding]:
    """Find the external location of each logs path."""
    locations = list(fetch_locations(catalog))
    return [decide_location(request, locations) for request in requests]


def check_names(requests: Iterable[IngestRequest], params: Mapping[str, Any]) -> list[Finding]:
    """Return a finding for each place that Unity Catalog cannot reach because of its name. Pure.

    A cluster with an instance profile can reach it, so it is only a warning there. Serverless compute cannot.
    """
    places = [
        S3Location.parse(uri)
        for request in requests
        for uri in (
            f"s3://{request.log_bucket}",
            request.logs.root.uri,
            request.delta_path,
            request.checkpoint_path,
        )
    ]
    wrong = {f"bucket {place.bucket}": "has a dot in its name" for place in places if "." in place.bucket}
    wrong |= {
        f"path {place.uri}": f"has {''.join(sorted(set(odd)))!r} in its name"
        for place in places
        if (odd := _ODD.findall(place.key))
    }
    serverless = params.get("compute") == "serverless"
    return [
        Finding(
            check=CHECK,
            subject=subject,
            status="failed" if serverless else "warning",
            detail=f"{detail}: Unity Catalog accepts no external location for it"
            + (", and serverless compute has no other access" if serverless else ""),
            remedy="Choose another name. Until then, only a cluster with an instance profile can use it.",
        )
        for subject, detail in wrong.items()
    ]


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
