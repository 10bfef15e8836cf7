"""The XComs of `submit`: the run's id, and the address of its page in Databricks.

The keys are the Databricks provider's, whose links read them. Neither is a mapping, so neither has a version.
"""

from typing import Any

from cloudtrail_to_delta.records.fields import text

RUN_ID_KEY = "run_id"
PAGE_KEY = "run_page_url"


def read_page(value: Any) -> str:
    """The address; empty when none was left.

    Raises:
        TypeError: it is no text.
    """
    return "" if value is None else text(value)
