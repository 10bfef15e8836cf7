"""A field that may be left empty."""

from typing import Any

from airflow.sdk import Param


def optional(section: str, description: str, **schema: Any) -> Param:
    """A text field whose empty value is null."""
    return Param(None, type=["null", "string"], section=section, description_md=description, **schema)
