"""The pages of the accounts' state in a real browser, behind the real Airflow, held to the tables."""

from urllib.parse import quote, unquote, urlsplit

import httpx
import pytest

from sandbox.airflow_client import Run

DAG = "cloudtrail_ingest"
TABLE = "cloudtrail_events"
TIMEOUT_SECONDS = 600
REGION = "REGEXP_EXTRACT(log_file, '/CloudTrail/([a-z0-9-]+)/', 1)"


@pytest.fixture(scope="module")
def ingested(sandbox):
    """An ingest of the form's own tables: one of an earlier test, else a run to its end."""
    for run in sandbox.airflow.runs(DAG):
        if (sandbox.airflow.xcom(run, "events.validate_rows") or {}).get("table") == TABLE:
            return
    assert sandbox.airflow.wait(sandbox.airflow.trigger(DAG), timeout_seconds=TIMEOUT_SECONDS) == "success"


@pytest.fixture
def visited(browser, sandbox, ingested):
    """A page of a browser that is signed in, with what it was told and what it asked others for."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.complaints, page.elsewhere = [], []
    page.on(
        "console", lambda message: page.complaints.append(message.text) if message.type == "error" else None
    )
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    home = urlsplit(sandbox.airflow.url).netloc
    page.on(
        "request",
        # A blob is made by the page itself.
        lambda request: (
            page.elsewhere.append(request.url)
            if urlsplit(request.url.removeprefix("blob:")).netloc != home
            else None
        ),
    )
    yield page
    context.close()


def number(text):
    return int(text.split()[0].replace(",", ""))


def facts_of(page):
    """The figures at the head of a table's page, by their names."""
    names, values = (page.locator(f"dl.facts {tag}").all_inner_texts() for tag in ("dt", "dd"))
    return dict(zip(names, values, strict=True))


def test_the_pages_show_what_is_in_the_tables(sandbox, visited):
    visited.goto(f"{sandbox.airflow.url}/cloudtrail/overview?kind=events")
    row = visited.locator("tbody tr", has_text=TABLE)
    (run_link,) = [href for href in hrefs(row) if "/runs/" in href]
    run = Run(DAG, unquote(run_link.rpartition("/runs/")[2]))
    state = row.get_by_role("cell").first.inner_text()
    words = {"success": ("ok", "nothing ingested"), "failed": ("failed since",), "running": ("running",)}
    assert any(word in " ".join(state.split()) for word in words[sandbox.airflow.run(run)["state"]])

    row.get_by_role("link").first.click()
    visited.wait_for_url("**/account?*kind=events*")
    found = facts_of(visited)
    (counts,) = sandbox.sql(
        f"SELECT (SELECT COUNT(*) FROM {TABLE}) AS kept, (SELECT COUNT(*) FROM {TABLE}_quarantine) AS bad, "  # noqa: S608
        f"(SELECT COUNT(DISTINCT log_file) FROM {TABLE}_files) AS files"
    )
    assert number(found["Rows"]) == int(counts["kept"]) == sandbox.promised.counts("events").rows
    assert number(found["Quarantined"]) == int(counts["bad"])
    assert number(found["Log files in 24 h"]) == int(counts["files"])
    regions = sandbox.sql(f"SELECT DISTINCT {REGION} AS region FROM {TABLE}_files ORDER BY region")  # noqa: S608
    table = visited.locator("h2#regions + table tbody")
    assert table.get_by_role("rowheader").all_inner_texts() == [row["region"] for row in regions]
    reasons = visited.locator("h2#quarantine + table tbody").get_by_role("rowheader").all_inner_texts()
    assert set(reasons) == set(sandbox.promised.counts("events").quarantined)
    visited.locator("nav a[href*='table=cloudtrail_insights']").click()
    visited.wait_for_url("**/account?*kind=insights*")
    (episodes,) = sandbox.sql("SELECT COUNT(*) AS n FROM cloudtrail_insights_episodes")
    assert visited.locator("h2#insights + table tbody tr").count() == int(episodes["n"]) > 0
    assert visited.complaints == []
    assert visited.elsewhere == []


def test_it_is_in_airflows_navigation_in_its_theme_and_leads_back_into_airflow(sandbox, visited):
    visited.add_init_script("localStorage.setItem('theme', 'dark')")
    visited.goto(sandbox.airflow.url)
    visited.get_by_role("link", name="CloudTrail", exact=True).click()
    frame = visited.frame_locator("iframe[title=CloudTrail]")
    frame.get_by_role("heading", name="CloudTrail", level=1).wait_for()
    assert frame.locator("html").get_attribute("data-theme") == "dark"
    # Other scenarios' accounts have rows of their own.
    frame.locator("tbody tr", has_text=TABLE).get_by_role("link", name="Airflow run").first.click()
    visited.wait_for_url(f"{sandbox.airflow.url}/dags/{DAG}/runs/**")
    assert visited.locator("iframe[title=CloudTrail]").count() == 0
    assert not [text for text in visited.complaints if "Content Security Policy" in text]


@pytest.mark.parametrize("task", ["resolve", "preflight", "events.validate_rows"])
def test_a_task_has_a_link_to_what_to_do_and_from_there_a_way_back(sandbox, visited, task):
    run = sandbox.airflow.runs(DAG)[0]
    path = f"{sandbox.airflow.url}/dags/{DAG}/runs/{quote(run.run_id, safe='')}/tasks/{task}"
    visited.goto(f"{path}/details")
    visited.get_by_role("link", name="What to do", exact=True).click()
    visited.wait_for_url("**/cloudtrail/what-to-do?**")
    assert visited.get_by_role("heading", level=1).inner_text() == f"What to do when {task} fails"
    visited.get_by_role("link", name=task, exact=True).click()
    visited.wait_for_url(lambda url: unquote(url).startswith(unquote(path)))
    assert visited.elsewhere == []


def test_who_is_not_signed_in_is_refused(sandbox, ingested):
    """The sandbox signs everybody in, a token that is none it refuses all the same."""
    answer = httpx.get(
        f"{sandbox.airflow.url}/cloudtrail/overview", headers={"Authorization": "Bearer nonsense"}
    )
    assert answer.status_code in (401, 403)
    assert TABLE not in answer.text


def hrefs(locator):
    return [link.get_attribute("href") for link in locator.get_by_role("link").all()]
