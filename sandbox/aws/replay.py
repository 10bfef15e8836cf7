"""Clients that answer as a real account did: from a file of `cloudtrail-to-delta acceptance aws`.

Put the file into tests/fixtures/acceptance, and a test can hold the product, or the sandbox, against it.
"""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sandbox.aws.seed import client

NOBODY = "http://127.0.0.1:9"


def replayed(file: Path, service: str) -> Any:
    """Return a boto3 client of a service that answers from the file and sends nothing.

    Raises:
        LookupError: when a call is made that the file has no answer for.
    """
    entries = [one for one in json.loads(file.read_text()) if one["call"].startswith(f"{service}:")]
    made = client(service, NOBODY)

    def expected(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["asked"] = params

    def answer(model: Any, context: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        for entry in entries:
            if entry["call"] == f"{service}:{model.name}" and entry["parameters"] == context["asked"]:
                parsed = {"Error": entry["error"]} if "error" in entry else dict(entry["answer"])
                parsed["ResponseMetadata"] = {"HTTPStatusCode": entry["status"]}
                return SimpleNamespace(status_code=entry["status"] or 500), parsed
        raise LookupError(f"{file} has no answer to {service}:{model.name} with {context['asked']}")

    made.meta.events.register_first("provide-client-params.*.*", expected)
    made.meta.events.register("before-call.*.*", answer)
    return made
