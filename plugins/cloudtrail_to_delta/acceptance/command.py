"""`cloudtrail-to-delta acceptance aws` and `databricks`: the runs on the command line.

Both use the environment of the AWS SDK (`AWS_PROFILE`, `AWS_ENDPOINT_URL`, …) and of the Databricks CLI. With
`--airflow`, the second uses the Airflow connections that the params name.
"""

import json
import os
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from airflow.providers.common.compat.sdk import AirflowException

from cloudtrail_to_delta.acceptance import databricks
from cloudtrail_to_delta.acceptance.aws import probe_aws
from cloudtrail_to_delta.acceptance.report import report_of, text_of
from cloudtrail_to_delta.acceptance.steps import Answer, failed, not_asked
from cloudtrail_to_delta.acceptance.workspace import Workspace, places
from cloudtrail_to_delta.errors import FatalError, InvalidRequestError
from cloudtrail_to_delta.hooks.bucket_regions import bucket_region
from cloudtrail_to_delta.hooks.databricks import IngestHook
from cloudtrail_to_delta.params.declaration import check_params
from cloudtrail_to_delta.params.ingest import PARAMS
from cloudtrail_to_delta.params.locations import S3Location
from cloudtrail_to_delta.params.request import resolve_requests

# The connection that this command makes of the environment of the Databricks CLI.
_CONNECTION = "cloudtrail_acceptance"


def run_aws(*, bucket: str, role: str, region: str) -> int:
    """Ask AWS and print the redacted answers as JSON.

    Args:
        bucket: the log bucket.
        role: the reader role's ARN; empty to simulate nothing.
        region: the region of the bucket and the trails.

    Returns:
        0 if AWS answered any call, 2 if it answered none.
    """
    import boto3

    session = boto3.Session(region_name=region)
    entries = probe_aws(cache(session.client), bucket=bucket, role=role)
    json.dump(entries, sys.stdout, indent=1)
    sys.stdout.write("\n")
    if any(entry["status"] for entry in entries):
        return 0
    sys.stderr.write("AWS answered no call. Check credentials, region and network.\n")
    return 2


def run_databricks(
    params_file: Path,
    *,
    with_airflow: bool = False,
    yes: bool = False,
    report: Path = Path("acceptance-databricks.json"),
    large_mb: int = 200,
    poll_seconds: float = 10.0,
) -> int:
    """Try a workspace, print the redacted report and write it as JSON.

    Args:
        params_file: the ingest's params as YAML or JSON: the fields of an entry of accounts.yaml.
        with_airflow: use the Airflow connections of the params; by default the environment of the AWS SDK
            (`AWS_PROFILE`, …) and of the Databricks CLI (`DATABRICKS_HOST`, `DATABRICKS_TOKEN`).
        yes: do not ask before writing.
        report: the file for the report as JSON.
        large_mb: uncompressed size of the largest planted log file.
        poll_seconds: the time between two looks at a run.

    Returns:
        0 if nothing failed, 1 if something did, 2 if the run did not begin.
    """
    try:
        params = read_params(params_file)
        there, iam = connect(params, with_airflow=with_airflow, poll_seconds=poll_seconds)
        names = names_of(there, params)
    except (AirflowException, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    answers: list[Answer] = []

    def take(found: Iterable[Answer]) -> None:
        for one in found:
            sys.stderr.write(f"{one.status:9}  {one.question}: {one.words}\n")
            answers.append(one)

    take(databricks.reads(there, params, iam))
    if yes or _agreed(there):
        try:
            take(databricks.writes(there, large_bytes=large_mb * 1024 * 1024))
        except KeyboardInterrupt:
            take([failed("writes", "interrupted")])
        finally:
            take([databricks.remove(there)])
    else:
        take([not_asked("writes", "nobody agreed")])
    found = report_of(answers, names=names, compute=str(params["compute"]))
    report.write_text(f"{json.dumps(found, indent=1)}\n")
    sys.stdout.write(f"{text_of(found)}\n")
    sys.stderr.write(f"The report identifies nobody. Read it, then send {report}.\n")
    return 1 if any(one.status == "failed" for one in answers) else 0


def read_params(file: Path) -> dict[str, Any]:
    """Return the ingest's params in a file, with defaults.

    Raises:
        InvalidRequestError: with every violation of the contract.
        FatalError: if the file is not a mapping.
    """
    import yaml

    try:
        given = yaml.safe_load(file.read_text())
    except yaml.YAMLError as error:
        raise FatalError(f"{file} is neither YAML nor JSON: {error}") from error
    if not isinstance(given, Mapping):
        raise FatalError(f"{file} must have params, such as `bucket: my-logs`, one per line.")
    resolve_requests(given)
    values, violations = check_params(given, PARAMS)
    if violations:
        raise InvalidRequestError(violations)
    return values


def connect(params: Mapping[str, Any], *, with_airflow: bool, poll_seconds: float) -> tuple[Workspace, Any]:
    """Return the workspace with the places of this run, and a client of IAM.

    Raises:
        FatalError: if the environment has no credentials of Databricks.
    """
    import boto3

    if with_airflow:
        from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

        session = AwsBaseHook(params["aws_conn_id"], region_name=params["region"]).get_session()
        endpoint = AwsBaseHook(params["aws_conn_id"]).conn_config.endpoint_url
        hook = IngestHook(params["databricks_conn_id"], caller="acceptance")
    else:
        session, endpoint = boto3.Session(region_name=params["region"]), None
        os.environ[f"AIRFLOW_CONN_{_CONNECTION.upper()}"] = databricks_connection(os.environ)
        hook = IngestHook(_CONNECTION, caller="acceptance")
    mark = secrets.token_hex(4)
    s3 = session.client("s3", endpoint_url=endpoint)
    region = bucket_region(s3, S3Location.parse(params["target_root"]).bucket) or params["region"]
    there = Workspace(
        hook=hook,
        s3=session.client("s3", region_name=region, endpoint_url=endpoint),
        params=places(params, mark),
        mark=mark,
        poll_seconds=poll_seconds,
    )
    return there, session.client("iam", endpoint_url=endpoint)


def databricks_connection(environment: Mapping[str, str]) -> str:
    """Return the Airflow connection, as JSON, of what the Databricks CLI reads from the environment.

    Source: Databricks, "Environment variables and fields for Databricks unified authentication".

    Raises:
        FatalError: if something is missing.
    """
    host, token = environment.get("DATABRICKS_HOST", ""), environment.get("DATABRICKS_TOKEN", "")
    client, secret = (environment.get(f"DATABRICKS_CLIENT_{name}", "") for name in ("ID", "SECRET"))
    if not host or not (token or (client and secret)):
        raise FatalError(
            "Set DATABRICKS_HOST, and DATABRICKS_TOKEN or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET. "
            "Or use --airflow, with the connections that the params name."
        )
    where = urlsplit(host if "://" in host else f"https://{host}")
    found: dict[str, Any] = {"conn_type": "databricks", "schema": where.scheme, "host": where.hostname}
    if where.port:
        found["port"] = where.port
    if token:
        return json.dumps(found | {"password": token})
    oauth = {"extra": {"service_principal_oauth": True}}
    return json.dumps(found | {"login": client, "password": secret} | oauth)


def names_of(there: Workspace, params: Mapping[str, Any]) -> list[str]:
    """Return the names that no report may have: of the params, of the principal, and of the workspace."""
    me = there.hook.get("2.0/preview/scim/v2/Me")
    groups = [str(group.get("display")) for group in me.get("groups", [])]
    given = [*_texts(params), *_texts(there.params)]
    return [*given, str(me.get("userName")), *groups, str(there.hook.host)]


def _texts(values: Any) -> Iterator[str]:
    if isinstance(values, str):
        yield values
    elif isinstance(values, Mapping):
        for value in values.values():
            yield from _texts(value)
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _texts(value)


def _agreed(there: Workspace) -> bool:
    """Say what will be written, and ask."""
    request, params = there.request, there.params
    sys.stderr.write(
        "\nSo far nothing was written. The rest of this run\n"
        f"  writes below {', '.join(there.folders)}"
        f"{'' if there.code.startswith('s3://') else f' and {there.code}'}\n"
        f"  starts two Databricks runs on compute {params['compute']}, which are billed\n"
        f"  starts SQL warehouse {params['warehouse_id']}\n"
        f"  creates and drops {' and '.join(request.tables)}\n"
        "  removes all of it at the end, also after a failure.\nContinue? [y/N] "
    )
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
