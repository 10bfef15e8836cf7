"""The XComs of `submit`: the run's id, and the URL of its page in Databricks.

The Databricks provider defines the keys, and its links read them. Neither value is a mapping, so neither has
a version.
"""

from typing import Any

from cloudtrail_to_delta.records.fields import text

RUN_ID_KEY = "run_id"
PAGE_KEY = "run_page_url"


def read_page(value: Any) -> str:
    """Return the URL, empty if the task left none.

    Raises:
        TypeError: the value is not a string.
    """
    return "" if value is None else text(value)
