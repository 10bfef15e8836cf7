"""The text of a message: what happened, since when, what it means, what to do, where to read more.

Each line begins with a fixed label. Text from other sources (errors, findings, log fields, run ids) is
reduced to one line, so that it cannot forge a labeled line. `alerts.markup` makes sure that it is not read as
markup.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cloudtrail_to_delta.alerts.redaction import one_line, redact
from cloudtrail_to_delta.records.alert_events import EVENTS, Event
from cloudtrail_to_delta.records.cause import Cause

# How many events one message lists.
SHOWN = 20
# How many tasks the title of a recovery message names.
NAMED = 3
# The heading that alerts link to, in every page of docs/operations.
ANCHOR = "how-to-fix-it"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The DAG run that the events come from.

    Attributes:
        dag_id: the DAG.
        run_id: its run.
        account: the name of the entry, the account (or organization) and its bucket, in words.
        docs_url: the URL of the folder docs/. If it is empty, links are relative to the repository.
        title: the beginning of every message's title.
    """

    dag_id: str
    run_id: str
    account: str
    docs_url: str = ""
    title: str = "CloudTrail ingest"

    def page(self, name: str) -> str:
        """Return the link to a page of docs/operations."""
        return f"{self.docs_url.rstrip('/') or 'docs'}/operations/{name}.md#{ANCHOR}"


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message to a target: a title and a body, which may be Markdown. `level` is the type in Apprise."""

    title: str
    body: str
    level: str = "warning"
    is_markdown: bool = False


@dataclass(frozen=True, kw_only=True)
class Told:
    """An event with its recorded cause: since when, and how often."""

    event: Event
    record: Cause


def account_name(params: Mapping[str, Any], alias: str = "") -> str:
    """Return the account (or organization) and bucket of a DAG run, after the alias if it has one."""
    who = params.get("organization") or params.get("account")
    name = "every account" if who in ("*", None, "") else one_line(str(who))
    if alias and alias != name:
        name = f"{alias} ({name})"
    return f"{name} in bucket {params['bucket']!r}" if params.get("bucket") else name


def compose(group: Sequence[Told], scene: Scene) -> Message:
    """Write one message about events with the same name and subject."""
    event, kind = group[0].event, group[0].event.kind
    first = min(told.record.first for told in group)
    count = max(told.record.count for told in group)
    since = f"{first:%Y-%m-%d %H:%M} UTC"
    lines = [
        *_where(scene, event.subject),
        *listed("Why:", [redact(told.event.what) for told in group]),
        _line("Since:", since + (f" ({count} times)" if count > 1 else "")),
        _line("Meaning:", event.meaning or kind.meaning),
        _line("What to do:", event.remedy or kind.remedy),
        _line("More:", scene.page(event.page or event.name)),
        _line("Databricks:", event.run_url or _no_run(event)),
        _line("Task log:", event.task_url or "see the Airflow UI"),
    ]
    what = event.subject if event.name == "task_failed" else kind.title
    failed = " failed" if event.name == "task_failed" else ""
    again = " (repeated)" if count > 1 else ""
    return Message(
        title=one_line(f"{scene.title}{again}: {what}{failed} for {scene.account}"),
        body="\n".join(lines),
        level="failure" if kind.urgent else "warning",
    )


def compose_recovery(
    ended: Sequence[tuple[Cause, str]],
    scene: Scene,
    *,
    now: datetime,
    failed: Sequence[str] = (),
    task_url: str = "",
) -> Message:
    """Write the recovery message: which reported problems have ended, by task and event, after how long.

    Args:
        ended: each cause, and how it ended.
        scene: the DAG run that found the end.
        now: the current time.
        failed: the tasks that failed in this run. The message names them, because not everything is well.
        task_url: the task in Airflow's UI.
    """
    lasted = duration(now - min(record.first for record, _ in ended))
    groups: dict[tuple[str, str, str], list[Cause]] = {}
    for record, how in ended:
        groups.setdefault((how, record.subject, record.name), []).append(record)
    lines = _where(scene)
    for (how, subject, name), records in groups.items():
        first, last = min(record.first for record in records), max(record.last for record in records)
        times = max(record.count for record in records)
        lines.append(
            _line(
                f"{how.capitalize()}:",
                f"{subject or 'the run'}: {EVENTS[name].title}, from {first:%Y-%m-%d %H:%M} to "
                f"{last:%Y-%m-%d %H:%M} UTC, seen {times} {'time' if times == 1 else 'times'}",
            )
        )
        lines += listed("", [f"- {record.what}" for record in records if record.what])
    if failed:
        lines.append(_line("Failed:", f"{_some(failed)} in this run. A separate alert reports it."))
    lines += [
        _line("Meaning:", EVENTS["recovered"].meaning),
        _line("What to do:", EVENTS["recovered"].remedy),
        _line("More:", scene.page("recovered")),
        _line("Task log:", task_url or "see the Airflow UI"),
    ]
    subjects = _some(list(dict.fromkeys(record.subject or "the run" for record, _ in ended)))
    hows = " and ".join(dict.fromkeys(how for how, *_ in groups))
    return Message(
        title=one_line(f"{scene.title}: {hows} after {lasted}: {subjects} for {scene.account}"),
        body="\n".join(lines),
        level="warning" if failed else "success",
    )


def compose_test(scene: Scene, *, task_url: str = "") -> Message:
    """Write the message that `test_alert` sends."""
    lines = [
        *_where(scene),
        _line("Meaning:", EVENTS["test"].meaning),
        _line("More:", scene.page("test")),
        _line("Task log:", task_url or "see the Airflow UI"),
    ]
    return Message(
        title=one_line(f"{scene.title}: a test alert for {scene.account}"),
        body="\n".join(lines),
        level="info",
    )


def listed(label: str, texts: Sequence[str]) -> list[str]:
    """Return one line per text, under one label. Of many texts only the first ones are listed."""
    shown = list(texts[:SHOWN])
    if len(texts) > SHOWN:
        shown.append(f"… and {len(texts) - SHOWN} more")
    return [_line("" if number else label, text) for number, text in enumerate(shown)]


def _no_run(event: Event) -> str:
    """Return the text for a message without a link to Databricks. A whole DAG run may have several."""
    return "no run was submitted" if event.subject else "see the tasks of the DAG run"


def _where(scene: Scene, subject: str = "") -> list[str]:
    """Return the lines that say which account and which task a message concerns."""
    task = ".".join(filter(None, (scene.dag_id, subject)))
    return [_line("Account:", scene.account), _line("Task:", f"{task} (DAG run {scene.run_id})")]


def _line(label: str, text: str) -> str:
    return f"{label:12} {one_line(text)}"


def _some(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def duration(time: timedelta) -> str:
    """Format a duration in the largest unit that is at least one."""
    minutes = int(time.total_seconds() // 60)
    for unit, size in (("d", 24 * 60), ("h", 60)):
        if minutes >= size:
            return f"{minutes // size} {unit}"
    return f"{minutes} min"
