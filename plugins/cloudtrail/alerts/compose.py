"""The text of a message: what happened, since when, what it means, what to do, where to look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cloudtrail.alerts.events import EVENTS, Event
from cloudtrail.alerts.grouping import Record
from cloudtrail.alerts.redaction import redact

# How many events one message spells out.
SHOWN = 20
# The heading in every page of docs/operations that an alert links to.
ANCHOR = "how-to-fix-it"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Where the events come from.

    Attributes:
        dag_id: the DAG.
        run_id: its run.
        account: the account (or organization) and its bucket, as a person would say it.
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
    record: Record


def account_name(params: Mapping[str, Any]) -> str:
    """The account (or organization) and bucket that a DAG run is about."""
    who = params.get("organization") or params.get("account")
    name = "every account" if who in ("*", None, "") else str(who)
    return f"{name} in bucket {params['bucket']!r}" if params.get("bucket") else name


def compose(group: Sequence[Told], scene: Scene) -> Message:
    """One message about events of one name and subject."""
    event, kind = group[0].event, group[0].event.kind
    first = min(told.record.first for told in group)
    count = max(told.record.count for told in group)
    since = f"{first:%Y-%m-%d %H:%M} UTC"
    lines = [
        f"Account:     {scene.account}",
        f"Task:        {'.'.join(filter(None, (scene.dag_id, event.subject)))} (DAG run {scene.run_id})",
        *reasons(group),
        f"Since:       {since}" + (f" ({count} times)" if count > 1 else ""),
        f"It means:    {event.meaning or kind.meaning}",
        f"What to do:  {event.remedy or kind.remedy}",
        f"More:        {scene.page(event.page or event.name)}",
        f"Databricks:  {event.run_url or 'no run was submitted'}",
        f"Task log:    {event.task_url or 'see the Airflow UI'}",
    ]
    what = event.subject if event.name == "task_failed" else kind.title
    failed = " failed" if event.name == "task_failed" else ""
    again = " still" if count > 1 else ""
    return Message(
        title=f"{scene.title}{again}: {what}{failed} for {scene.account}",
        body="\n".join(lines),
        level="failure" if kind.urgent else "warning",
    )


def reasons(group: Sequence[Told]) -> list[str]:
    """What happened, one line for each event; only the first ones of many."""
    lines = [redact(told.event.what) for told in group[:SHOWN]]
    if len(group) > SHOWN:
        lines.append(f"… and {len(group) - SHOWN} more")
    return [f"{'' if number else 'Why:':12} {line}" for number, line in enumerate(lines)]


def compose_recovery(
    records: Sequence[Record], scene: Scene, *, now: datetime, task_url: str = ""
) -> Message:
    """What is gone that earlier messages were about, and for how long it was there."""
    lasted = duration(now - min(record.first for record in records))
    lines = [f"Account:     {scene.account}", f"Task:        {scene.dag_id} (DAG run {scene.run_id})"]
    lines += [
        f"Ok again:    {record.subject or 'the run'}: {EVENTS[record.name].title}, from "
        f"{record.first:%Y-%m-%d %H:%M} to {record.last:%Y-%m-%d %H:%M} UTC, seen {record.count} times"
        for record in records
    ]
    lines += [
        f"It means:    {EVENTS['recovered'].meaning}",
        "What to do:  Nothing.",
        f"More:        {scene.page('recovered')}",
        f"Task log:    {task_url or 'see the Airflow UI'}",
    ]
    return Message(
        title=f"{scene.title}: ok again after {lasted} for {scene.account}",
        body="\n".join(lines),
        level="success",
    )


def compose_test(scene: Scene, *, task_url: str = "") -> Message:
    """The message of `test_alert`."""
    lines = [
        f"Account:     {scene.account}",
        f"Task:        {scene.dag_id} (DAG run {scene.run_id})",
        f"It means:    {EVENTS['test'].meaning}",
        f"More:        {scene.page('test')}",
        f"Task log:    {task_url or 'see the Airflow UI'}",
    ]
    return Message(
        title=f"{scene.title}: a test alert for {scene.account}", body="\n".join(lines), level="info"
    )


def duration(time: timedelta) -> str:
    """About how long, in the largest unit that is at least one."""
    minutes = int(time.total_seconds() // 60)
    for unit, size in (("d", 24 * 60), ("h", 60)):
        if minutes >= size:
            return f"{minutes // size} {unit}"
    return f"{minutes} min"
