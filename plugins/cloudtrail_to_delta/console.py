"""The command `cloudtrail-to-delta`, which works without a running Airflow.

check-accounts [FILE]  lists every problem of an accounts.yaml, with its line and field
accounts-schema        prints the JSON Schema of accounts.yaml, for editors
permissions            prints the minimum permissions of each identity, as Markdown
params [ingest|setup]  prints every param of both forms or of one of them, as Markdown
metrics                prints every metric, as Markdown
queries PAGE FOLDER    writes saved queries and a dashboard for Databricks, from docs/queries.md
audit LOGS TABLE       checks a period of log files against CloudTrail's signed digests
acceptance aws         asks an AWS account read-only and prints the redacted answers, as JSON
acceptance databricks  tries a workspace with the params of an ingest, and writes a redacted report
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from cloudtrail_to_delta import __version__

PROGRAM = "cloudtrail-to-delta"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; exit codes: 0 done, 1 problems found, 2 wrong arguments."""
    chosen = _parser().parse_args(arguments)
    return int(chosen.run(chosen))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="CloudTrail to Delta, for Apache Airflow.")
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check-accounts", help="list every problem of an accounts.yaml")
    check.add_argument("file", nargs="?", type=Path, help="default: accounts.yaml in the DAGs folder")
    check.set_defaults(run=_check_accounts)
    schema = commands.add_parser("accounts-schema", help="print the JSON Schema of accounts.yaml")
    schema.set_defaults(run=_accounts_schema)
    permissions = commands.add_parser("permissions", help="print the minimum permissions of each identity")
    permissions.add_argument(
        "--documents", type=Path, metavar="FOLDER", help="also write each policy there, as a JSON file"
    )
    yours = permissions.add_mutually_exclusive_group()
    yours.add_argument(
        "--ingest", type=Path, metavar="FILE", help="write the policies for these params, a JSON object"
    )
    yours.add_argument("--setup", type=Path, metavar="FILE", help="the same for the params of a set-up")
    permissions.add_argument(
        "--logs-key", default="", metavar="ARN", help="the KMS key of the log files, with --ingest"
    )
    permissions.add_argument(
        "--tables-key", default="", metavar="ARN", help="the KMS key of the tables' bucket, with --ingest"
    )
    permissions.set_defaults(run=_permissions)
    params = commands.add_parser("params", help="print every param with its default and help")
    params.add_argument("dag", nargs="?", choices=("ingest", "setup"), help="default: both")
    params.set_defaults(run=_params)
    metrics = commands.add_parser("metrics", help="print every metric with its unit and meaning")
    metrics.set_defaults(run=_metrics)
    queries = commands.add_parser("queries", help="write saved queries and a dashboard for Databricks")
    queries.add_argument("page", type=Path, help="the document with the statements: docs/queries.md")
    queries.add_argument("folder", type=Path, help="where to write the files")
    queries.add_argument(
        "--table", default="cloudtrail_events", help="the table of events: catalog.schema.table, or less"
    )
    queries.add_argument("--days", type=int, default=30, help="how many days the dashboard reads (30)")
    queries.set_defaults(run=_queries)
    audit = commands.add_parser(
        "audit",
        help="check a period against CloudTrail's signed digests",
        description="Checks a period against CloudTrail's signed digests, without Spark and Databricks. "
        "Exit codes: 0 complete, 1 not complete, 2 it could not be checked.",
    )
    audit.add_argument("logs_path", help="like events_logs_path: s3://my-logs/AWSLogs/*/CloudTrail/*/*")
    audit.add_argument("delta_path", help="like events_delta_path: s3://my-lake/delta/cloudtrail_events")
    audit.add_argument("--from", dest="first", required=True, metavar="DAY", help="first delivery day, UTC")
    audit.add_argument("--until", dest="last", required=True, metavar="DAY", help="last delivery day, UTC")
    audit.add_argument("--json", dest="as_json", action="store_true", help="print everything, as JSON")
    audit.add_argument(
        "--read-files", dest="reads_files", action="store_true", help="read the log files of the bucket, too"
    )
    audit.set_defaults(run=_audit)
    _add_acceptance(commands.add_parser("acceptance", help="try real services"))
    return parser


def _add_acceptance(parser: argparse.ArgumentParser) -> None:
    services = parser.add_subparsers(required=True, metavar="SERVICE")
    aws = services.add_parser(
        "aws",
        help="ask an AWS account",
        description="Asks an AWS account, read-only, and prints the answers as JSON. Account ids, names, "
        "ARNs and ids are replaced.",
    )
    aws.add_argument("--bucket", required=True, help="the log bucket")
    aws.add_argument("--region", required=True, help="the region of the bucket and the trails")
    aws.add_argument(
        "--role", default="", metavar="ARN", help="the reader role; without it, none is simulated"
    )
    aws.set_defaults(run=_acceptance_aws)

    databricks = services.add_parser(
        "databricks",
        help="try a Databricks workspace",
        description="Tries a workspace with the params of an ingest: reads first, asks before it writes, "
        "removes what it made, and writes a report that identifies nobody. Exit codes: 0 nothing failed, 1 "
        "something failed, 2 it did not begin.",
    )
    databricks.add_argument("params", type=Path, help="the ingest's params, as YAML or JSON")
    databricks.add_argument("--yes", action="store_true", help="do not ask before writing")
    databricks.add_argument(
        "--airflow",
        action="store_true",
        help="use the Airflow connections of the params; default: DATABRICKS_HOST, AWS_PROFILE and so on",
    )
    databricks.add_argument(
        "--report", type=Path, default=Path("acceptance-databricks.json"), help="the file for the report"
    )
    databricks.add_argument(
        "--large-mb", type=int, default=200, metavar="MB", help="size of the largest log file (200)"
    )
    databricks.set_defaults(run=_acceptance_databricks)


def _acceptance_databricks(chosen: argparse.Namespace) -> int:
    from cloudtrail_to_delta.acceptance.command import run_databricks

    # Airflow, once imported, logs to standard output, which belongs to the report.
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, force=True)
    return run_databricks(
        chosen.params,
        with_airflow=chosen.airflow,
        yes=chosen.yes,
        report=chosen.report,
        large_mb=chosen.large_mb,
    )


def _acceptance_aws(chosen: argparse.Namespace) -> int:
    from cloudtrail_to_delta.acceptance.command import run_aws

    return run_aws(bucket=chosen.bucket, role=chosen.role, region=chosen.region)


def _queries(chosen: argparse.Namespace) -> int:
    from cloudtrail_to_delta.params.values import table
    from cloudtrail_to_delta.reference.queries import files

    if complaint := table(chosen.table):
        sys.stderr.write(f"--table {chosen.table!r}: {complaint}\n")
        return 2
    page = chosen.page.read_text(encoding="utf-8")
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for name, text in files(page, table=chosen.table, days=chosen.days).items():
        (chosen.folder / name).write_text(text, encoding="utf-8")
    return 0


def _audit(chosen: argparse.Namespace) -> int:
    from cloudtrail_to_delta.completeness.command import run_audit

    # Airflow, once imported, logs to standard output, which belongs to the answer.
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, force=True)
    return run_audit(
        chosen.logs_path,
        chosen.delta_path,
        days=(chosen.first, chosen.last),
        as_json=chosen.as_json,
        reads_files=chosen.reads_files,
    )


def _check_accounts(chosen: argparse.Namespace) -> int:
    from cloudtrail_to_delta.accounts.check import check, default_file

    return check(chosen.file or default_file())


def _accounts_schema(_: argparse.Namespace) -> int:
    from cloudtrail_to_delta.accounts.schema import text

    sys.stdout.write(text())
    return 0


def _permissions(chosen: argparse.Namespace) -> int:
    from cloudtrail_to_delta.errors import InvalidRequestError
    from cloudtrail_to_delta.reference.permissions import (
        documents,
        ingest_documents,
        page,
        setup_documents,
        write_documents,
    )

    given = chosen.ingest or chosen.setup
    if given and not chosen.documents:
        sys.stderr.write("--ingest and --setup need --documents FOLDER\n")
        return 2
    try:
        params = json.loads(given.read_text(encoding="utf-8")) if given else {}
        if not isinstance(params, dict):
            raise ValueError("the params are a JSON object")
        if chosen.ingest:
            made = ingest_documents(params, logs_key=chosen.logs_key, tables_key=chosen.tables_key)
        else:
            made = setup_documents(params) if given else documents()
    except (OSError, ValueError, InvalidRequestError) as error:
        sys.stderr.write(f"{given}: {error}\n")
        return 2
    if not given:
        sys.stdout.write(page())
    if chosen.documents:
        write_documents(chosen.documents, made)
    return 0


def _metrics(_: argparse.Namespace) -> int:
    from cloudtrail_to_delta.reference.metrics import page

    sys.stdout.write(page())
    return 0


def _params(chosen: argparse.Namespace) -> int:
    from cloudtrail_to_delta.reference.params import page

    sys.stdout.write(page(chosen.dag))
    return 0
