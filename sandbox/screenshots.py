"""`make screenshots`: pictures of everything that people see, from a sandbox of its own.

The sandbox is new each time, in `<state>/screenshots`, on free ports. A set-up waits for approval until its
page is drawn. accounts.yaml gives one DAG to each of the three accounts in the sample logs, and one to an
account whose bucket does not exist. So the pages show successful runs and a failed one, and alerts are sent.
docs/images gets the pictures that documents show, `.cache/screenshots` all of them.
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email import message_from_string, policy
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock
from urllib.parse import quote, urlencode

import apprise
import yaml

from cloudtrail_to_delta.accounts import FILE_VARIABLE
from cloudtrail_to_delta.alerts.compose import Message
from cloudtrail_to_delta.alerts.targets import send_to_service
from cloudtrail_to_delta.kinds import KINDS
from sandbox import permissions, setup, up
from sandbox.airflow_client import AirflowClient, Run
from sandbox.aws.seed import ACCOUNT, ALERT_TOPIC, LOGS_BUCKET, REGION
from sandbox.browser import find_chromium
from sandbox.demo import failures
from sandbox.errors import SandboxError
from sandbox.lock import exclusive
from sandbox.ports import free_ports
from sandbox.processes import Processes
from sandbox.receiver import Receiver, receiving
from sandbox.sample_logs.spec import ACCOUNTS
from sandbox.settings import ROOT, Sandbox, Secrets
from sandbox.signals import shielded

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

IMAGES = ROOT / "docs/images"
EVERYTHING = ROOT / ".cache/screenshots"
FORM, FAILING = "cloudtrail_ingest", "legacy"
APPROVE_BUTTON = "role=button[name=/^Approve [0-9a-f]{12}$/]"
ALIASES = dict(zip(("payments", "orders", "archive"), ACCOUNTS, strict=True))
RUN_SECONDS = 600
# The connection that takes the alerts.
RECEIVER = "security_alerts"
# Suffix of the file → theme, and width and height of the window.
VIEWS = {"": ("light", 1280, 800), "-dark": ("dark", 1280, 800), "-phone": ("light", 390, 844)}
# Pictures in docs/images; the window alone, so that they stay small.
PUBLISHED = ("state-page", "state-page-dark", "approval")
# Apprise addresses without real credentials: no message leaves this machine.
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#security"
EMAIL = "mailto://sandbox:any@example.com?to=security@example.com"
FRAME = """<!doctype html><meta charset="utf-8"><title>{title}</title>
<style>body {{ font: 14px/1.5 system-ui, sans-serif; margin: 24px; max-width: 60rem }}
pre {{ font: 13px/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere }}
.slack {{ border-left: 4px solid {color}; padding: 2px 12px }}</style>{body}"""


@dataclass(frozen=True)
class Studio:
    """A browser, and the Airflow whose pages it draws."""

    browser: "Browser"
    url: str
    folder: Path

    def shoot(self, name: str, path: str, *, wait_for: str = "h1") -> None:
        """Draw one page in every view, whole and as the window shows it."""
        for suffix, (theme, width, height) in VIEWS.items():
            with self.page(theme, width, height) as page:
                page.goto(f"{self.url}{path}")
                page.locator(wait_for).first.wait_for()
                page.wait_for_load_state("networkidle")
                page.screenshot(path=self.folder / f"{name}{suffix}.png")
                page.screenshot(path=self.folder / f"{name}{suffix}-whole.png", full_page=True)

    def draw(self, name: str, html: str) -> None:
        """Draw a page that is not Airflow's."""
        with self.page("light", 900, 600) as page:
            page.set_content(html)
            page.screenshot(path=self.folder / f"{name}.png", full_page=True)

    @contextmanager
    def page(self, theme: str, width: int, height: int) -> Iterator["Page"]:
        """Open a page in one theme: of the system, and as Airflow keeps it."""
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if theme == "dark" else "light",
        )
        context.add_init_script(f"localStorage.setItem('theme', '{theme}')")
        yield context.new_page()
        context.close()


def screenshots(sandbox: Sandbox) -> list[Path]:
    """Start a sandbox, run its set-up and its ingests, and return the pictures that documents show.

    Raises:
        SandboxError: there is no Chromium, or a run did not end as it should.
    """
    chromium = find_chromium()
    if chromium is None:
        raise SandboxError("no Chromium was found: install chromium, then run `make screenshots` again")
    with exclusive(sandbox.state / "screenshots.lock"):
        own = _new_sandbox(sandbox)
        processes = Processes(own.state)
        accounts = own.state / "accounts.yaml"
        accounts.write_text("accounts:\n", encoding="utf-8")
        os.environ[FILE_VARIABLE] = str(accounts)
        folder = Path(tempfile.mkdtemp(dir=own.state))
        try:
            up.up(own)
            from playwright.sync_api import sync_playwright

            with sync_playwright() as playwright, AirflowClient(own.airflow_url) as airflow:
                # Root may not use Chromium's own sandbox; the pages are the product's.
                browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                _run(own, airflow, Studio(browser, own.airflow_url, folder), accounts)
                browser.close()
        finally:
            with shielded():
                up.stop(processes, *up.SERVICES)
        return _publish(folder)


def _new_sandbox(sandbox: Sandbox) -> Sandbox:
    airflow_port, aws_port, databricks_port = free_ports(3)
    own = replace(
        sandbox,
        state=sandbox.state / "screenshots",
        airflow_port=airflow_port,
        aws_port=aws_port,
        databricks_port=databricks_port,
    )
    up.stop(Processes(own.state), *up.SERVICES)
    shutil.rmtree(own.state, ignore_errors=True)
    own.state.mkdir(parents=True)
    return own


def _run(sandbox: Sandbox, airflow: AirflowClient, studio: Studio, accounts: Path) -> None:
    _say(f"Airflow is ready: {sandbox.airflow_url}")
    with receiving() as receiver:
        airflow.add_connection(RECEIVER, "apprise", config=receiver.config())
        _shoot_approval(airflow, sandbox, studio)
        accounts.write_text(yaml.safe_dump(accounts_file()), encoding="utf-8")
        airflow.parse(FORM)
        runs = {alias: _first_run(airflow, alias) for alias in (*ALIASES, FAILING)}
        for alias, run in runs.items():
            wanted = "failed" if alias == FAILING else "success"
            if (state := airflow.wait(run, timeout_seconds=RUN_SECONDS)) != wanted:
                problem = f"the run {run.run_id!r} of {run.dag_id} is {state!r}, not {wanted!r}"
                raise SandboxError(f"{problem}\n{failures(airflow, run)}")
            _say(f"{run.dag_id}: {state}")
        # The pages keep what they have read for 15 seconds.
        time.sleep(20)
        for name, path in pages(runs).items():
            studio.shoot(name, path)
        studio.shoot("state-page-in-airflow", up.PAGE, wait_for="iframe[title=CloudTrail]")
        _shoot_alerts(receiver, studio)


def _shoot_approval(airflow: AirflowClient, sandbox: Sandbox, studio: Studio) -> None:
    """Start a set-up, draw the page that asks for approval, and reject the plan."""
    token = Secrets.of(sandbox).databricks_token
    setup.connect(airflow, sandbox.aws_url, sandbox.databricks_url, token)
    permissions.allow_setup(sandbox.aws_url, setup.params())
    airflow.wait_for_dag(setup.DAG)
    run = airflow.trigger(setup.DAG, setup.params())
    task = f"/dags/{run.dag_id}/runs/{quote(run.run_id, safe='')}/tasks/{setup.APPROVAL}"

    def shoot(_: Mapping[str, Any]) -> None:
        studio.shoot("approval", f"{task}/required_actions", wait_for=APPROVE_BUTTON)

    setup.answer(airflow, run, setup.REJECT, on_question=shoot)


def accounts_file() -> dict[str, Any]:
    """Return the content of accounts.yaml: the sandbox's bucket, with tables and folders for each account.

    The last entry has a bucket that does not exist.
    """
    defaults = {
        "schedule": "hourly",
        "bucket": LOGS_BUCKET,
        "region": REGION,
        "target_root": "s3://cloudtrail-lake/delta/{alias}",
        "checkpoint_root": "s3://cloudtrail-lake/checkpoints/{alias}",
        "code_root": "s3://cloudtrail-lake/code",
        "kinds": ["events", "insights"],
        "compute": "existing_cluster",
        "cluster_id": "sandbox-cluster",
        "warehouse_id": "sandbox-warehouse",
        "reader_role_arn": f"arn:aws:iam::{ACCOUNT}:role/cloudtrail-reader",
        "max_concurrent_runs": 1,
        "share_run": True,
        "alert_topic_arn": ALERT_TOPIC,
        "alert_conn_ids": [RECEIVER],
    } | {f"{kind}_table": f"{kind}_{{alias}}" for kind in KINDS}
    entries = [{"alias": alias, "account": account} for alias, account in ALIASES.items()]
    failing = {
        "alias": FAILING,
        "account": "999900001111",
        "bucket": "example-legacy-logs",
        "kinds": ["events"],
    }
    return {"defaults": defaults, "accounts": [*entries, failing]}


def _first_run(airflow: AirflowClient, alias: str) -> Run:
    """Wait for the first scheduled run of an account's DAG."""
    dag_id = f"{FORM}__{alias}"
    airflow.wait_for_dag(dag_id)
    deadline = time.monotonic() + RUN_SECONDS
    while not (runs := airflow.runs(dag_id)):
        if time.monotonic() > deadline:
            raise SandboxError(f"{dag_id} was not scheduled within {RUN_SECONDS} s")
        time.sleep(1)
    return runs[0]


def pages(runs: Mapping[str, Run]) -> dict[str, str]:
    """Return the path of every page, by the name of its picture."""
    good, bad = runs["payments"], runs[FAILING]

    def of_task(page: str, run: Run, task: str) -> str:
        query = {"dag_id": run.dag_id, "run_id": run.run_id, "task_id": task}
        return f"/cloudtrail/{page}?{urlencode(query)}"

    def of_table(run: Run, **query: str) -> str:
        return f"/cloudtrail/account?{urlencode({'dag_id': run.dag_id, **query})}"

    return {
        "state-page": "/cloudtrail/overview",
        "state-page-no-match": "/cloudtrail/overview?q=nothing-like-this",
        "table-page": of_table(good, kind="events"),
        "table-page-insights": of_table(good, kind="insights"),
        "table-page-failed": of_table(bad),
        "table-page-missing": of_table(Run(f"{FORM}__unknown", "")),
        "findings": of_task("preflight", good, "preflight"),
        "findings-failed": of_task("preflight", bad, "preflight"),
        "findings-none": of_task("preflight", good, "resolve"),
        "what-to-do": of_task("what-to-do", bad, "preflight"),
        "what-to-do-ok": of_task("what-to-do", good, "events.validate_rows"),
    }


def _shoot_alerts(receiver: Receiver, studio: Studio) -> None:
    """Draw each alert as a topic, Slack and an e-mail have it."""
    for number, sent in enumerate(receiver.messages, 1):
        message = Message(title=sent["title"], body=sent["message"], level=sent["type"])
        name = f"alert-{number}"
        text = f"{message.title}\n\n{message.body}\n"
        (studio.folder / f"{name}.txt").write_text(text, encoding="utf-8")
        forms = {"text": f"<pre>{escape(text)}</pre>", "slack": slack(message), "email": email(message)}
        for form, body in forms.items():
            html = FRAME.format(title=name, color="#b3261e", body=body)
            studio.draw(f"{name}-{form}", html)


def slack(message: Message) -> str:
    """Return what Slack is sent, as HTML: the title in bold, the text, the bar at the side."""
    service = apprise.Apprise.instantiate(SLACK)
    answer = mock.Mock(status_code=200, content=b"ok", text="ok")
    with mock.patch("apprise.plugins.slack.requests.request", return_value=answer) as request:
        send_to_service(service, message)
    payload = json.loads(request.call_args.kwargs["data"])
    (attachment,) = payload["attachments"]
    text = f"<b>{attachment['title']}</b><pre>{attachment['text']}</pre>"
    return f'<div class="slack">{text}</div>'


def email(message: Message) -> str:
    """Return the text of the e-mail that Apprise sends, as HTML, below its subject."""
    service = apprise.Apprise.instantiate(EMAIL)
    with mock.patch("smtplib.SMTP") as smtp, mock.patch("smtplib.SMTP_SSL", smtp):
        smtp.return_value.sendmail.return_value = {}
        send_to_service(service, message)
    sent = message_from_string(smtp.return_value.sendmail.call_args.args[2], policy=policy.default)
    body = sent.get_body(("html", "plain"))
    if body is None:
        raise SandboxError("the e-mail has no text")
    content = body.get_content()
    shown = content if body.get_content_type() == "text/html" else f"<pre>{escape(content)}</pre>"
    return f"<p><b>Subject: {escape(str(sent['Subject']))}</b></p>{shown}"


def _publish(folder: Path) -> list[Path]:
    """Move every picture to where it is kept, and copy those of documents."""
    shutil.rmtree(EVERYTHING, ignore_errors=True)
    shutil.copytree(folder, EVERYTHING)
    for name in PUBLISHED:
        shutil.copy(EVERYTHING / f"{name}.png", IMAGES)
    return [IMAGES / f"{name}.png" for name in PUBLISHED]


def _say(text: str) -> None:
    print(text, flush=True)
