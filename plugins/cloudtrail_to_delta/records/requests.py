"""The part of the requests from `resolve` that the pages read."""

from dataclasses import dataclass
from typing import Any

from cloudtrail_to_delta.records.fields import Fields, text


@dataclass(frozen=True, kw_only=True)
class Request:
    """The table of a kind, and the location of its logs."""

    table: str = ""
    logs_path: str = ""


def read_requests(value: Any) -> dict[str, Request]:
    """Return kind → request, including kinds of other releases.

    Raises:
        TypeError: the value has another type.
    """
    return {
        text(kind): Request(table=request.text("table"), logs_path=request.text("logs_path"))
        for kind, request in ((kind, Fields(one)) for kind, one in Fields(value).record.items())
    }
