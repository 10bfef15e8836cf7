"""Paths of Databricks' REST API that hold names from elsewhere."""

from urllib.parse import quote

from cloudtrail_to_delta.errors import FatalError


def api_path(root: str, *parts: str) -> str:
    """`<root>/<part>/…`: each part quoted, so that it stays one part whatever is in it.

    Raises:
        FatalError: for a part that an HTTP client would resolve to another folder.
    """
    for part in parts:
        if part in ("", ".", ".."):
            raise FatalError(f"{part!r} cannot be a part of a URL below /api/{root}: give a name or an id.")
    return "/".join([root, *(quote(part, safe="") for part in parts)])
