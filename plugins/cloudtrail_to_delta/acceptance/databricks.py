"""The acceptance run of Databricks: a user's first real run, in named steps.

It reads first. Then, if a person agrees, it plants log files below the lake, runs a job that asks the compute
what the ingest relies on, names a table, upgrades the wheel, ingests again, counts, and removes what it made.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from airflow.providers.common.compat.sdk import AirflowException

from cloudtrail_to_delta.acceptance import planted
from cloudtrail_to_delta.acceptance.steps import Answer, Step, failed, not_asked, passed, run_steps
from cloudtrail_to_delta.acceptance.workspace import Workspace, upgraded
from cloudtrail_to_delta.iam.catalog import LEGACY, ROOT
from cloudtrail_to_delta.operators.tables import create_table_statement, repair_statement
from cloudtrail_to_delta.params.request import IngestRequest, resolve_requests
from cloudtrail_to_delta.preflight import catalog, external_locations
from cloudtrail_to_delta.preflight import workspace as compute
from cloudtrail_to_delta.preflight.catalog import Catalogs
from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.runs.payload import version_of
from cloudtrail_to_delta.runs.wheel import find_wheel
from cloudtrail_to_delta.tables.sql import quote_name

# What the job's questions are about, unless the words of an answer say another rule.
_PROBED = {
    "runtime": "",
    "accelerators": "D10",
    "imports": "D18",
    "path_ddl": "D16",
    "append": "D16",
    "optimize": "D16",
    "ingest": "D18",
}
_HASH = re.compile(r"\+h[0-9a-f]{12}(\.|$)")
_COLUMN = "acceptance"
_STATUS = {"failed": failed, "ok": passed, "skipped": not_asked}


def reads(there: Workspace, params: Mapping[str, Any], iam: Any) -> Iterator[Answer]:
    """Yield the answers to what only reads: compute, permissions, privileges, locations, names.

    Args:
        there: the workspace.
        params: the ingest's params, with the user's own places.
        iam: a client of IAM; it reads the role of an instance profile.
    """
    requests = list(resolve_requests(params).values())
    before = there.hook.get(f"2.0/sql/warehouses/{params['warehouse_id']}").get("state")
    key = str(params.get("cluster_id") or params["compute"])

    def check(name: str, rule: str, look: Callable[[], list[Finding]]) -> Step:
        return Step(
            name=name,
            rule=rule,
            ask=lambda: [_answer(name, rule, one) for one in compute.guarded(look, name)],
        )

    yield from run_steps(
        [
            Step(name="identity", ask=lambda: [_identity(there)], rule="D3"),
            check("compute", "", lambda: compute.check_compute(there.hook, iam, params)),
            check(
                "privileges",
                "D3",
                lambda: catalog.check_catalog(
                    there.hook,
                    requests,
                    params,
                    has_profile=lambda: compute.has_profile(there.hook, params),
                    compute=f"compute {key}",
                ),
            ),
            check("names", "D14", lambda: external_locations.check_names(requests, params)),
            check("file events", "D9", lambda: _file_events(there, requests, params)),
            check("warehouse", "", lambda: [compute.check_warehouse(there.hook, params["warehouse_id"])]),
            Step(name="quiet", rule="D11", ask=lambda: [_quiet(there, params["warehouse_id"], before)]),
        ]
    )


def writes(there: Workspace, *, large_bytes: int = planted.LARGE_BYTES) -> Iterator[Answer]:
    """Yield the answers to what writes. Everything that it makes is in `there`, and is not removed here."""
    trial = _Trial(there, large_bytes)
    ingested = ("probe", "probe: ingest")
    yield from run_steps(
        [
            Step(name="wheel", ask=trial.stage, rule="D3"),
            Step(name="log files", ask=trial.plant, needs=("wheel",), rule="D3"),
            Step(name="probe", ask=trial.probe, needs=("wheel", "log files")),
            Step(name="table", ask=trial.name, needs=ingested, rule="D1"),
            Step(name="columns", ask=trial.columns, needs=("table",), rule="D15"),
            Step(name="upgrade", ask=trial.upgrade, needs=ingested, rule="D2"),
            Step(name="rows", ask=trial.rows, needs=("table", "upgrade"), rule="D7"),
            Step(name="cost", ask=trial.cost, needs=("probe",)),
        ]
    )


def remove(there: Workspace) -> Answer:
    """Remove everything, and return the answer to whether something is left."""
    left = there.remove()
    if left:
        return failed("remove", f"left, remove it by hand: {'; '.join(left)}")
    return passed("remove", "nothing is left but the runs, which Databricks deletes after 60 days")


def _file_events(
    there: Workspace, requests: Sequence[IngestRequest], params: Mapping[str, Any]
) -> list[Finding]:
    if params["discovery"] != "file_events":
        return []
    return external_locations.check_locations(there.hook, requests)


def _answer(name: str, rule: str, finding: Finding) -> Answer:
    words = f"{finding.subject} {finding.detail}"
    if finding.status == "failed":
        return failed(name, f"{words}. {finding.remedy}".strip(), rule=rule)
    if finding.status == "skipped":
        return not_asked(name, words)
    return passed(name, words)


def _identity(there: Workspace) -> Answer:
    me = there.hook.get("2.0/preview/scim/v2/Me")
    assigned = catalog.look_up(there.hook, f"{ROOT}/current-metastore-assignment") or {}
    kind = "user" if "@" in str(me.get("userName")) else "service principal"
    facts = {
        "principal": kind,
        "groups": len(me.get("groups", [])),
        "unity_catalog": bool(assigned),
        "legacy_access": _legacy_access(there),
        "legacy_default": assigned.get("default_catalog_name") == LEGACY,
    }
    return passed("identity", f"the connection is a {kind}", **facts)


def _legacy_access(there: Workspace) -> str:
    """Return whether legacy access is on; admins alone may read it. Source: Settings API."""
    try:
        found = there.hook.get("2.0/settings/types/disable_legacy_access/names/default")
    except AirflowException:
        return "unknown"
    return "off" if found.get("disable_legacy_access", {}).get("value") else "on"


def _quiet(there: Workspace, warehouse_id: str, before: Any) -> Answer:
    after = there.hook.get(f"2.0/sql/warehouses/{warehouse_id}").get("state")
    if before in ("STOPPED", "STOPPING", "DELETED") and after in ("STARTING", "RUNNING"):
        return failed("quiet", f"the warehouse was {before}, and reading has started it", rule="D11")
    return passed("quiet", f"the warehouse was {before} before and is {after} after", before=before)


class _Trial:
    """The steps that write, with what one leaves for the next."""

    def __init__(self, there: Workspace, large_bytes: int) -> None:
        self.there = there
        self.lake = there.request.delta_path.rpartition("/")[0]
        today = datetime.now(UTC).date()
        self.first = planted.first_delivery(today, large_bytes)
        self.second = planted.second_delivery(today)
        self.wheel = ""

    def stage(self) -> Sequence[Answer]:
        wheel = find_wheel()
        version = version_of(wheel.name)
        if not _HASH.search(version):
            words = f"the wheel's version {version} has no hash of its content"
            return [failed("wheel", words, rule="D2", version=version)]
        self.wheel = self.there.put_wheel(wheel)
        return [passed("wheel", f"version {version}", version=version)]

    def plant(self) -> Sequence[Answer]:
        for key, content in self.first.objects.items():
            self.there.put(f"{self.lake}/logs/{key}", content)
        return [passed("log files", f"{len(self.first.objects)} objects", objects=len(self.first.objects))]

    def probe(self) -> Sequence[Answer]:
        output = self.there.probe(self.wheel, f"{self.lake}/probe")
        return answers_in(output, rows=self.first.rows)

    def name(self) -> Sequence[Answer]:
        for name, path in self.there.request.tables.items():
            self.there.sql(create_table_statement(name, path))
        return [passed("table")]

    def columns(self) -> Sequence[Answer]:
        request, catalogs = self.there.request, Catalogs(self.there.hook)
        if catalogs.is_legacy(request.table):
            return [not_asked("columns", "the table is in hive_metastore, which has no entry of columns")]
        self.there.sql(f"ALTER TABLE delta.`{request.delta_path}` ADD COLUMNS ({_COLUMN} STRING)")
        self.there.sql(repair_statement(request.table))
        entry = catalogs.entry(request.table)
        if entry is None or _COLUMN not in entry.columns:
            return [
                failed("columns", "Unity Catalog does not show a column that was added by path", rule="D15")
            ]
        return [passed("columns")]

    def upgrade(self) -> Sequence[Answer]:
        with TemporaryDirectory() as folder:
            wheel = upgraded(find_wheel(), Path(folder))
            place = self.there.put_wheel(wheel)
        for key, content in self.second.objects.items():
            self.there.put(f"{self.lake}/logs/{key}", content)
        self.there.ingest(place)
        wanted = version_of(place)
        history = self.there.sql(f"DESCRIBE HISTORY delta.`{self.there.request.delta_path}` LIMIT 5")
        marks = [json.loads(row["userMetadata"] or "null") or {} for row in history]
        ran = next((one["version"] for one in marks if one.get("version")), "none")
        if ran != wanted:
            words = f"after the upgrade to {wanted}, {ran} wrote the newest commit"
            return [failed("upgrade", words, rule="D2", wanted=wanted, ran=ran)]
        return [passed("upgrade", f"{ran} wrote the newest commit", ran=ran)]

    def rows(self) -> Sequence[Answer]:
        table = quote_name(self.there.request.table)
        (row,) = self.there.sql(
            f"SELECT COUNT(*) AS found, UNIX_SECONDS(MIN(timestamp)) AS earliest FROM {table}"  # noqa: S608 - quoted
        )
        wanted = self.first.rows + self.second.rows
        answers = [passed("rows", f"{wanted} rows, as planted", rows=wanted)]
        if int(row["found"] or 0) != wanted:
            answers = [failed("rows", f"{row['found']} rows, expected {wanted}", rule="D7")]
        moment = int(datetime.fromisoformat(planted.EVENT_TIME).timestamp())
        if row["earliest"] is not None and int(row["earliest"]) != moment:
            words = f"an event of {moment} seconds since 1970 has {row['earliest']}"
            answers.append(failed("times", words, rule="D21"))
        return answers

    def cost(self) -> Sequence[Answer]:
        runs = ", ".join(f"'{run}'" for run in self.there.runs)
        statement = (
            "SELECT SUM(usage_quantity) AS dbus FROM system.billing.usage "  # noqa: S608 - numbers
            f"WHERE usage_metadata.job_run_id IN ({runs})"
        )
        try:
            (row,) = self.there.sql(statement)
        except Exception as refused:  # noqa: BLE001 - the system tables need a grant of their own
            return [not_asked("cost", f"system.billing.usage cannot be read: {refused}")]
        if row["dbus"] is None:
            return [not_asked("cost", f"usage is there after some hours: {statement}")]
        return [passed("cost", f"{row['dbus']} DBUs", dbus=row["dbus"])]


def answers_in(output: str, *, rows: int) -> list[Answer]:
    """Return the answers of the job in its output, among other lines; `rows` are expected of the ingest."""
    found = {one["question"]: one for line in output.splitlines() if (one := _answered(line))}
    return [_probed(name, found.get(name), rows) for name in _PROBED]


def _answered(line: str) -> dict[str, Any] | None:
    try:
        said = json.loads(line)
    except ValueError:
        return None
    return said if isinstance(said, dict) and said.get("step") == "acceptance" else None


def _probed(name: str, found: Mapping[str, Any] | None, rows: int) -> Answer:
    question, rule = f"probe: {name}", _PROBED[name]
    if found is None:
        return failed(question, "the run's output has no answer", rule=rule)
    facts = found["facts"]
    if found["problem"]:
        return failed(question, found["problem"], rule=rule, **facts)
    if name != "ingest":
        return passed(question, **facts)
    if facts["of_organizations"]:
        words = f"{facts['of_organizations']} rows are from an organization's folder"
        return failed(question, words, rule="D7", **facts)
    if facts["rows"] != rows:
        return failed(question, f"{facts['rows']} rows, expected {rows}", rule="D7", **facts)
    return passed(question, f"{facts['rows']} rows, as planted", **facts)
