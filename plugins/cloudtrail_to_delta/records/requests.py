"""What the pages read of the requests that `resolve` returns."""

from dataclasses import dataclass
from typing import Any

from cloudtrail_to_delta.records.fields import Fields, text


@dataclass(frozen=True, kw_only=True)
class Request:
    """Which table a kind goes to, and where its logs are."""

    table: str = ""
    logs_path: str = ""


def read_requests(value: Any) -> dict[str, Request]:
    """Kind → request, also of a kind that another release has.

    Raises:
        TypeError: it is something else.
    """
    return {
        text(kind): Request(table=request.text("table"), logs_path=request.text("logs_path"))
        for kind, request in ((kind, Fields(one)) for kind, one in Fields(value).record.items())
    }
