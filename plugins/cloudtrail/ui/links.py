"""Addresses of the pages, and links from a task in Airflow's UI to them."""

from typing import Any
from urllib.parse import urlencode, urlsplit

from airflow.sdk import BaseOperatorLink
from airflow.sdk.configuration import conf

from cloudtrail.ui import HOME, PREFIX

PREFLIGHT_PAGE = "/preflight"
OVERVIEW_PAGE = HOME
ACCOUNT_PAGE = "/account"
# The XCom that holds the findings, as a list of dicts.
FINDINGS_KEY = "findings"


def airflow_root() -> str:
    """The path below which Airflow serves; no host: the API server may be known by several names."""
    return urlsplit(str(conf.get("api", "base_url", fallback="/"))).path.rstrip("/")


def findings_url(dag_id: str, run_id: str, task_id: str = "preflight") -> str:
    """The page of one preflight's findings."""
    task = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id}
    return f"{airflow_root()}{PREFIX}{PREFLIGHT_PAGE}?{urlencode(task)}"


class FindingsLink(BaseOperatorLink):
    """To the table of a preflight's findings."""

    name = "Findings"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 - Airflow's signature
        """The page's URL."""
        return findings_url(ti_key.dag_id, ti_key.run_id, ti_key.task_id)
