"""The text of a message: what happened, since when, what it means, what to do, where to look.

Each line begins with a label of ours. What comes from elsewhere (errors, findings, fields of logs, run ids)
is one line, so that it cannot forge another; `alerts.markup` keeps it from being read as markup.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cloudtrail_to_delta.alerts.redaction import one_line, redact
from cloudtrail_to_delta.records.alert_events import EVENTS, Event
from cloudtrail_to_delta.records.cause import Cause

# How many events one message spells out.
SHOWN = 20
# How many tasks the title of a recovery names.
NAMED = 3
# The heading in every page of docs/operations that an alert links to.
ANCHOR = "how-to-fix-it"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Where the events come from.

    Attributes:
        dag_id: the DAG.
        run_id: its run.
        account: the entry's name, the account (or organization) and its bucket, as a person would say it.
        docs_url: where the folder docs/ can be read; a link is relative to the repository without it.
        title: how every message begins.
    """

    dag_id: str
    run_id: str
    account: str
    docs_url: str = ""
    title: str = "CloudTrail ingest"

    def page(self, name: str) -> str:
        """The link to a page of docs/operations."""
        return f"{self.docs_url.rstrip('/') or 'docs'}/operations/{name}.md#{ANCHOR}"


@dataclass(frozen=True, kw_only=True)
class Message:
    """What a target gets: a line and a text; `is_markdown` when the text is; `level` is Apprise's type."""

    title: str
    body: str
    level: str = "warning"
    is_markdown: bool = False


@dataclass(frozen=True, kw_only=True)
class Told:
    """An event with what is remembered of it, since when and how often."""

    event: Event
    record: Cause


def account_name(params: Mapping[str, Any], alias: str = "") -> str:
    """The account (or organization) and bucket that a DAG run is about, behind its alias when it has one."""
    who = params.get("organization") or params.get("account")
    name = "every account" if who in ("*", None, "") else one_line(str(who))
    if alias and alias != name:
        name = f"{alias} ({name})"
    return f"{name} in bucket {params['bucket']!r}" if params.get("bucket") else name


def compose(group: Sequence[Told], scene: Scene) -> Message:
    """One message about events of one name and subject."""
    event, kind = group[0].event, group[0].event.kind
    first = min(told.record.first for told in group)
    count = max(told.record.count for told in group)
    since = f"{first:%Y-%m-%d %H:%M} UTC"
    lines = [
        *_where(scene, event.subject),
        *listed("Why:", [redact(told.event.what) for told in group]),
        _line("Since:", since + (f" ({count} times)" if count > 1 else "")),
        _line("It means:", event.meaning or kind.meaning),
        _line("What to do:", event.remedy or kind.remedy),
        _line("More:", scene.page(event.page or event.name)),
        _line("Databricks:", event.run_url or "no run was submitted"),
        _line("Task log:", event.task_url or "see the Airflow UI"),
    ]
    what = event.subject if event.name == "task_failed" else kind.title
    failed = " failed" if event.name == "task_failed" else ""
    again = " still" if count > 1 else ""
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
    """What is over that earlier messages were about, by task and event, and for how long it was there.

    Args:
        ended: each record, and in what way it is over.
        scene: the DAG run that found it.
        now: the time.
        failed: the tasks that failed in this run: the message must not read as if all were well.
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
                f"{last:%Y-%m-%d %H:%M} UTC, seen {times} times",
            )
        )
        lines += listed("", [f"- {record.what}" for record in records if record.what])
    if failed:
        lines.append(_line("Failed:", f"{_some(failed)} in this same run; that is an alert of its own."))
    lines += [
        _line("It means:", EVENTS["recovered"].meaning),
        _line("What to do:", "Nothing about these." if failed else "Nothing."),
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
    """The message of `test_alert`."""
    lines = [
        *_where(scene),
        _line("It means:", EVENTS["test"].meaning),
        _line("More:", scene.page("test")),
        _line("Task log:", task_url or "see the Airflow UI"),
    ]
    return Message(
        title=one_line(f"{scene.title}: a test alert for {scene.account}"),
        body="\n".join(lines),
        level="info",
    )


def listed(label: str, texts: Sequence[str]) -> list[str]:
    """One line for each text, under one label; only the first ones of many."""
    shown = list(texts[:SHOWN])
    if len(texts) > SHOWN:
        shown.append(f"… and {len(texts) - SHOWN} more")
    return [_line("" if number else label, text) for number, text in enumerate(shown)]


def _where(scene: Scene, subject: str = "") -> list[str]:
    """Whose it is, and where in Airflow."""
    task = ".".join(filter(None, (scene.dag_id, subject)))
    return [_line("Account:", scene.account), _line("Task:", f"{task} (DAG run {scene.run_id})")]


def _line(label: str, text: str) -> str:
    return f"{label:12} {one_line(text)}"


def _some(names: Sequence[str]) -> str:
    """The first names of many, in words."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def duration(time: timedelta) -> str:
    """About how long, in the largest unit that is at least one."""
    minutes = int(time.total_seconds() // 60)
    for unit, size in (("d", 24 * 60), ("h", 60)):
        if minutes >= size:
            return f"{minutes // size} {unit}"
    return f"{minutes} min"
