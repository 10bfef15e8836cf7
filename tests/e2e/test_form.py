"""The trigger form in a real browser: other values than the defaults, and the run that they lead to."""

from urllib.parse import unquote

from sandbox.airflow_client import Run

DAG = "cloudtrail_ingest"
TIMEOUT_SECONDS = 600


def test_a_run_does_what_was_filled_in(sandbox, browser):
    account = "111122223333"
    page = browser.new_page()
    page.goto(f"{sandbox.airflow.url}/dags/{DAG}")
    page.get_by_role("button", name="Trigger").first.click()
    form = page.get_by_role("dialog")
    # What everyone fills in is there without opening a section, which would close this one.
    form.locator("[name=element_account]").fill(account)
    form.get_by_role("button", name="Log files").click()
    # The field of the alert events, further down, has the same label.
    kinds = form.get_by_label("Select one or multiple values").first
    kinds.focus()
    # Airflow's field takes the last kind away with each key; both defaults are in it.
    for _ in range(2):
        page.keyboard.press("Backspace")
    for kind in ("network_activity", "aggregated"):
        kinds.fill(kind)
        page.keyboard.press("Enter")
    form.get_by_role("button", name="Tables").click()
    form.locator("[name=element_network_activity_table]").fill("vpc_calls")
    form.get_by_role("button", name="Trigger").click()
    page.wait_for_url(f"**/dags/{DAG}/runs/**")
    run = Run(DAG, unquote(page.url.rpartition("/runs/")[2].partition("?")[0]))
    page.close()

    conf = sandbox.airflow.run(run)["conf"]
    assert (conf["kinds"], conf["account"]) == (["network_activity", "aggregated"], account)
    assert sandbox.airflow.wait(run, timeout_seconds=TIMEOUT_SECONDS) == "success"
    for kind, table in (("network_activity", "vpc_calls"), ("aggregated", "cloudtrail_aggregated")):
        (row,) = sandbox.sql(f"SELECT COUNT(*) AS n FROM {table}")  # noqa: S608 - names of our own
        assert int(row["n"]) == sandbox.promised.counts(kind, account).rows > 0
    states = {task["task_id"]: task["state"] for task in sandbox.airflow.task_instances(run)}
    skipped = [task for task in states if task.startswith(("events.", "insights."))]
    assert {states[task] for task in skipped} == {"skipped"}
    assert states["report"] == "success"


def test_wrong_values_start_a_run_whose_first_task_names_all_of_them_at_once(sandbox, browser):
    page = browser.new_page()
    page.goto(f"{sandbox.airflow.url}/dags/{DAG}")
    page.get_by_role("button", name="Trigger").first.click()
    form = page.get_by_role("dialog")
    form.locator("[name=element_account]").fill("12345")
    form.locator("[name=element_region]").fill("us-est-1")
    form.locator("[name=element_target_root]").fill("lake")
    form.get_by_role("button", name="Trigger").click()
    page.wait_for_url(f"**/dags/{DAG}/runs/**")
    run = Run(DAG, unquote(page.url.rpartition("/runs/")[2].partition("?")[0]))
    page.close()

    assert sandbox.airflow.wait(run, timeout_seconds=TIMEOUT_SECONDS) == "failed"
    log = sandbox.airflow.task_log(run, "resolve")
    for said in (
        "account (Account)='12345': give 12 digits",
        "Did you mean 'us-east-1'?",
        "target_root (Delta root)='lake': give a location of the form s3://bucket/folder",
    ):
        assert said in log
