"""The run page is for people: state, error, parameters, log; escaped, and live while the run is."""

import requests

from tests.fixtures.databricks import until
from tests.integration.sandbox.databricks import probe


def page(databricks, path):
    answer = requests.get(f"{databricks.host}{path}", timeout=60)
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    return answer


def test_the_page_of_a_failed_run_shows_error_trace_parameters_and_log_escaped(databricks, location):
    task = probe.task(location, "fail", "--kind=<script>")
    run = databricks.ended(databricks.submit(task, run_name="ingest <events>"))
    text = page(databricks, f"/runs/{run['run_id']}").text
    assert "<h1>Run" in text
    assert "ingest &lt;events&gt;" in text
    assert "ValueError: the table is &lt;b&gt;missing&lt;/b&gt;" in text
    assert "Traceback (most recent call last):" in text
    assert "--kind=&lt;script&gt;" in text
    assert "INTERNAL_ERROR FAILED" in text
    assert "http-equiv" not in text
    assert "<script>" not in text
    assert "<b>missing</b>" not in text
    own = page(databricks, f"/runs/{run['tasks'][0]['run_id']}").text
    assert "the table is &lt;b&gt;missing" in own


def test_the_page_of_an_active_run_reloads_itself_and_the_index_leads_to_it(databricks, location, tmp_path):
    run_id = databricks.submit(
        probe.task(location, "probe-hold", str(tmp_path / "here"), str(tmp_path / "go")), run_name="held"
    )
    until((tmp_path / "here").exists, "the job")
    text = page(databricks, f"/runs/{run_id}").text
    assert '<meta http-equiv="refresh" content="3">' in text
    assert "holding" in text
    index = page(databricks, "/").text
    assert f'<a href="/runs/{run_id}">{run_id}</a>' in index
    assert 'http-equiv="refresh"' in index
    (tmp_path / "go").touch()
    task = databricks.ended(run_id)["tasks"][0]
    assert "http-equiv" not in page(databricks, f"/runs/{run_id}").text
    # Before them stands what installing the wheel printed, if another run has already installed it.
    assert page(databricks, f"/runs/{task['run_id']}/driver.log").text.endswith("holding\ngoing on\n")


def test_a_page_of_no_run_says_so(databricks):
    assert page(databricks, "/runs/1").status_code == 404
    assert page(databricks, "/runs/1/driver.log").status_code == 404
