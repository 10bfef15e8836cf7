"""What an acceptance run makes in a workspace and in S3: its code, its log files, its runs, its tables.

Everything is below three folders that only this run uses, or has its name, and `remove` removes it all.
"""

import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.databricks.hooks.databricks import RunState

from cloudtrail_to_delta.acceptance.planted import logs_path
from cloudtrail_to_delta.errors import CloudTrailError, DatabricksRunError
from cloudtrail_to_delta.hooks.databricks import IngestHook, Row, result_rows
from cloudtrail_to_delta.params.locations import S3Location
from cloudtrail_to_delta.params.request import IngestRequest, code_root, resolve_requests
from cloudtrail_to_delta.runs.disks import volumes_for
from cloudtrail_to_delta.runs.payload import node_type_of, submit_payload, version_of
from cloudtrail_to_delta.runs.wheel import place_of
from cloudtrail_to_delta.tables.sql import quote_name

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ENTRY_POINT = "cloudtrail-acceptance"
NAME = "acceptance_"
# Deleted at once. Source: Amazon S3 API Reference, DeleteObjects.
_DELETED = 1000


@dataclass(kw_only=True)
class Workspace:
    """The workspace, and what this run has made in it.

    Attributes:
        hook: the calls of Databricks.
        s3: a client in the region of the lake's bucket.
        params: the ingest's params, with places of this run.
        mark: the id of this run, part of every name.
        poll_seconds: the time between two looks at a run or a statement.
    """

    hook: IngestHook
    s3: "S3Client"
    params: Mapping[str, Any]
    mark: str
    poll_seconds: float = 10.0
    runs: list[int] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    @property
    def request(self) -> IngestRequest:
        """The request of the ingest that this run tries."""
        return resolve_requests(self.params)["events"]

    @property
    def code(self) -> str:
        """The folder for the wheels."""
        return f"{code_root(self.params)}/{NAME}{self.mark}"

    @property
    def folders(self) -> list[str]:
        """The folders in S3 that only this run uses."""
        above = [self.request.delta_path.rpartition("/")[0], self.request.checkpoint_path]
        return [one for one in (*above, self.code) if one.startswith("s3://")]

    def put(self, place: str, content: bytes) -> None:
        """Write a file into S3 or into a volume; `remove` removes it."""
        self.files.append(place)
        if place.startswith("/Volumes/"):
            self.hook.put_volume_file(place, content)
            return
        bucket, _, key = place.removeprefix("s3://").partition("/")
        self.s3.put_object(Bucket=bucket, Key=key, Body=content)

    def put_wheel(self, wheel: Path) -> str:
        """Upload a wheel and return its place."""
        place = place_of(wheel, self.code)
        self.put(place, wheel.read_bytes())
        return place

    def probe(self, wheel: str, scratch: str) -> str:
        """Run the job that asks this compute and then ingests, and return its output.

        Raises:
            DatabricksRunError: if it ended without success.
        """
        payload = self._payload(wheel)
        task = payload["tasks"][0]["python_wheel_task"]
        task["entry_point"] = ENTRY_POINT
        task["named_parameters"] = {"scratch": scratch} | task["named_parameters"]
        run = self._run(payload)
        output = self.hook.get_run_output(run["tasks"][0]["run_id"])
        return str(output.get("logs") or "")

    def ingest(self, wheel: str) -> None:
        """Run the ingest.

        Raises:
            DatabricksRunError: if it ended without success.
        """
        self._run(self._payload(wheel))

    def sql(self, statement: str) -> list[Row]:
        """Run a SQL statement on the warehouse and return its rows.

        Raises:
            CloudTrailError: if it fails.
        """
        answer = self.hook.start_statement(statement, warehouse_id=self.params["warehouse_id"])
        while answer["status"]["state"] in ("PENDING", "RUNNING"):
            time.sleep(self.poll_seconds)
            answer = self.hook.get_statement(answer["statement_id"])
        if answer["status"]["state"] != "SUCCEEDED":
            error = answer["status"].get("error", {})
            raise CloudTrailError(f"{error.get('error_code', '')} {error.get('message', '')}".strip())
        return result_rows(answer)

    def remove(self) -> list[str]:
        """Cancel runs, drop tables, delete files; return what could not be removed, each with the reason."""
        calls: dict[str, Callable[[], Any]] = {}
        for run in self.runs:
            calls[f"run {run}"] = partial(self._end, run)
        if self.runs:
            for name in self.request.tables:
                statement = f"DROP TABLE IF EXISTS {quote_name(name)}"
                calls[statement] = partial(self.sql, statement)
        for file in self.files:
            if file.startswith("/Volumes/"):
                calls[file] = partial(self.hook.delete_from_volume, file)
        for place in self._volume_folders():
            calls[place] = partial(self.hook.delete_from_volume, place, folder=True)
        for folder in self.folders if self.files else ():
            calls[f"aws s3 rm --recursive {folder}"] = partial(self._empty, folder)
        return [problem for what, call in calls.items() if (problem := _tried(what, call))]

    def _payload(self, wheel: str) -> dict[str, Any]:
        node = node_type_of(self.params)
        return submit_payload(
            [self.request],
            self.params,
            wheel=wheel,
            name=f"cloudtrail acceptance {self.mark}",
            run=f"(acceptance, {self.mark})",
            volumes=volumes_for(self.hook, node) if node else {},
        )

    def _run(self, payload: dict[str, Any]) -> dict[str, Any]:
        run_id = int(self.hook.submit_run(payload))
        self.runs.append(run_id)
        while not RunState(**(run := self.hook.get_run(run_id))["state"]).is_terminal:
            time.sleep(self.poll_seconds)
        if failure := self.hook.run_failure(run):
            raise DatabricksRunError(failure)
        return run

    def _end(self, run_id: int) -> None:
        """Cancel a run that is active, and wait for its end."""
        if RunState(**self.hook.get_run(run_id)["state"]).is_terminal:
            return
        self.hook.cancel_run(run_id)
        while not RunState(**self.hook.get_run(run_id)["state"]).is_terminal:
            time.sleep(self.poll_seconds)

    def _volume_folders(self) -> list[str]:
        """Return the folders of this run in a volume, those below first: only an empty one can be deleted."""
        found = [file.rpartition("/")[0] for file in self.files if file.startswith("/Volumes/")]
        return list(dict.fromkeys([*found, self.code])) if found else []

    def _empty(self, folder: str) -> None:
        where = S3Location.parse(folder)
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=where.bucket, Prefix=where.prefix, PaginationConfig={"PageSize": _DELETED}
        )
        for page in pages:
            keys: list[Any] = [{"Key": one["Key"]} for one in page.get("Contents", [])]
            if keys:
                answer = self.s3.delete_objects(Bucket=where.bucket, Delete={"Objects": keys, "Quiet": True})
                if errors := answer.get("Errors"):
                    raise CloudTrailError(f"{len(errors)} objects: {errors[0].get('Code')}")


def places(params: Mapping[str, Any], mark: str) -> dict[str, Any]:
    """Return the ingest's params with the places of the run that has this id."""
    lake = f"{params['target_root'].rstrip('/')}/{NAME}{mark}"
    schema = str(params["events_table"]).rpartition(".")[0]
    own = {
        "kinds": ["events"],
        "events_table": f"{schema}.{NAME}{mark}".strip("."),
        "events_logs_path": logs_path(f"{lake}/logs"),
        "events_delta_path": f"{lake}/table",
        "events_checkpoint_path": f"{params['checkpoint_root'].rstrip('/')}/{NAME}{mark}",
        # Only a listing finds log files that are below the lake and not in the log bucket.
        "discovery": "listing",
        "trigger": "available_now",
        "duplicates": "keep",
        "from": "",
        "until": "",
        "read_again": [],
    }
    return dict(params) | own


def upgraded(wheel: Path, folder: Path) -> Path:
    """Write the wheel of another build: the same code, with another content hash in its version.

    Source: Python Packaging User Guide, "Binary distribution format".
    """
    old = version_of(wheel.name)
    release, plus, digits = old.partition("+h")
    new = f"{release}{plus}{digits[::-1]}"
    other = folder / wheel.name.replace(old, new)
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(other, "w") as target:
        names = []
        for name in source.namelist():
            renamed = name.replace(f"-{old}.dist-info", f"-{new}.dist-info")
            content = source.read(name)
            if name.endswith(".dist-info/RECORD"):
                record = renamed
                continue
            if name.endswith(".dist-info/METADATA"):
                content = content.replace(f"Version: {old}\n".encode(), f"Version: {new}\n".encode(), 1)
            target.writestr(renamed, content)
            names.append(renamed)
        target.writestr(record, "".join(f"{name},,\n" for name in [*names, record]))
    return other


def _tried(what: str, call: Callable[[], Any]) -> str:
    """Return what could not be done, with the reason; empty if it was done."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - the rest must be removed all the same
        return f"{what}: {type(error).__name__}: {error}"
    return ""
