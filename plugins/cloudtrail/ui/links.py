"""Links from a task in Airflow's UI to the pages."""

from typing import Any
from urllib.parse import urlencode, urlsplit

from airflow.sdk import BaseOperatorLink
from airflow.sdk.configuration import conf

from cloudtrail.ui import PREFIX

PREFLIGHT_PAGE = "/preflight"
# The XCom that holds the findings, as a list of dicts.
FINDINGS_KEY = "findings"


class FindingsLink(BaseOperatorLink):
    """To the table of a preflight's findings."""

    name = "Findings"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 - Airflow's signature
        """A URL without a host: the API server may be known by several names."""
        root = urlsplit(conf.get("api", "base_url", fallback="/")).path.rstrip("/")
        task = {"dag_id": ti_key.dag_id, "run_id": ti_key.run_id, "task_id": ti_key.task_id}
        return f"{root}{PREFIX}{PREFLIGHT_PAGE}?{urlencode(task)}"
