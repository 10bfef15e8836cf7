"""Airflow's own DatabricksHook works against the stand-in: its calls, its polling, its errors."""

import asyncio
import json

import pytest

from tests.integration.sandbox.databricks import probe


@pytest.fixture
def hook(databricks, monkeypatch):
    """The hook with a connection from the environment, as Airflow reads one, and without a database."""
    from airflow.providers.databricks.hooks.databricks import DatabricksHook

    connection = {
        "conn_type": "databricks",
        "host": "127.0.0.1",
        "schema": "http",
        "port": databricks.port,
        "password": databricks.token,
    }
    monkeypatch.setenv("AIRFLOW_CONN_STAND_IN", json.dumps(connection))
    return DatabricksHook("stand_in", retry_limit=1)


def test_the_connection_test_of_the_ui_succeeds(hook):
    assert hook.test_connection() == (True, "Connection successfully tested")


def test_a_run_is_submitted_polled_and_its_error_extracted(hook, databricks, location):
    from airflow.providers.databricks.hooks.databricks import RunState
    from airflow.providers.databricks.utils.databricks import (
        extract_failed_task_errors,
        normalise_json_content,
    )

    request = {
        "run_name": "by airflow",
        "timeout_seconds": 600,
        "tasks": [probe.task(location, "fail", key="ingest")],
    }
    run_id = hook.submit_run(normalise_json_content(request))
    databricks.ended(run_id)
    state = hook.get_run_state(run_id)
    assert (state.is_terminal, state.is_successful, state.result_state) == (True, False, "FAILED")
    assert hook.get_run_page_url(run_id) == f"{databricks.host}/runs/{run_id}"
    assert hook.get_job_id(run_id) == databricks.run(run_id)["job_id"]
    run = hook.get_run(run_id)
    (error,) = extract_failed_task_errors(hook, run, RunState(**run["state"]))
    assert error["task_key"] == "ingest"
    assert error["error"] == "ValueError: the table is <b>missing</b>"


# What the provider itself uses of aiohttp.
@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The 'auth' parameter is deprecated:DeprecationWarning")
def test_the_triggers_calls_work_although_they_send_their_query_as_a_body(hook, databricks, location):
    async def ask(run_id):
        async with hook:
            state = await hook.a_get_run_state(run_id)
            run = await hook.a_get_run(run_id)
            return state, await hook.a_get_run_output(run["tasks"][0]["run_id"])

    run_id = hook.submit_run({"tasks": [probe.task(location, "say")]})
    databricks.ended(run_id)
    state, output = asyncio.run(ask(run_id))
    assert state.is_successful
    assert "argv []" in output["logs"]


def test_cancel_of_the_hook_ends_the_run(hook, databricks, location, tmp_path):
    run_id = hook.submit_run(
        {"tasks": [probe.task(location, "probe-hold", str(tmp_path / "a"), str(tmp_path / "b"))]}
    )
    hook.cancel_run(run_id)
    assert databricks.ended(run_id)["state"]["result_state"] == "CANCELED"


def test_clusters_and_warehouses_are_found_by_the_hook(hook):
    assert hook.get_cluster_state("sandbox-cluster").is_running
    assert hook.get_warehouse_state("sandbox-warehouse").is_running


def test_a_refusal_carries_the_services_words(hook):
    from airflow.providers.databricks.exceptions import DatabricksApiError

    with pytest.raises(DatabricksApiError, match="Cluster other does not exist"):
        hook.get_cluster_state("other")
    with pytest.raises(DatabricksApiError, match="SQL warehouse other does not exist") as missing:
        hook.get_warehouse("other")
    assert missing.value.http_status_code == 404
