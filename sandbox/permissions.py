"""Airflow's AWS connections of the sandbox that may do what docs/permissions.md says, and nothing else.

Each connection assumes a role. The product's command `cloudtrail-to-delta permissions` writes the policies
for the params of a run, and they are attached as managed policies, as an operator would do it. The sandbox's
AWS judges each request and refuses the rest.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sandbox.airflow import inherited
from sandbox.airflow_client import AirflowClient
from sandbox.aws.seed import ACCOUNT, REGION
from sandbox.databricks.aws import account_client
from sandbox.errors import SandboxError
from sandbox.settings import ROOT

# The roles that the connections assume, and the connections that have a fixed name.
SETUP_ROLE, INGEST_ROLE, COMPLETENESS_ROLE = "CloudTrailSetup", "CloudTrailIngest", "CloudTrailCompleteness"
INGEST, COMPLETENESS = "aws_ingest", "aws_completeness"
_TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})

Document = dict[str, Any]


def connect(airflow: AirflowClient, aws_url: str, conn_id: str, role: str, *, account: str = ACCOUNT) -> None:
    """Add a connection that assumes a role, which may do nothing yet."""
    arn = arn_of(role, account)
    iam = account_client("iam", aws_url, arn)
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=_TRUST)
    airflow.add_connection(
        conn_id,
        "aws",
        # Airflow masks a password in everything it prints, so it must not be a part of any name.
        login="sandbox",
        password="any-key-will-do",  # noqa: S106 - the sandbox accepts every key, and limits the role's
        endpoint_url=aws_url,
        region_name=REGION,
        role_arn=arn,
        service_config={"sts": {"endpoint_url": aws_url}},
    )


def connect_ingest(airflow: AirflowClient, aws_url: str) -> None:
    """Add the connections of ingest and completeness, which may do nothing until `allow_ingest`."""
    connect(airflow, aws_url, INGEST, INGEST_ROLE)
    connect(airflow, aws_url, COMPLETENESS, COMPLETENESS_ROLE)


def arn_of(role: str, account: str = ACCOUNT) -> str:
    """Return the ARN of a role."""
    return f"arn:aws:iam::{account}:role/{role}"


def allow_setup(aws_url: str, params: Mapping[str, Any]) -> dict[str, Document]:
    """Let the set-up's connections make and remove what the params say; return the policies by name."""
    made = documents("--setup", params)
    for account in params["accounts"]:
        own = [f"airflow-setup-{account}"]
        # It has the bucket and the reader role. See "Who runs the set-up" in docs/permissions.md.
        own += ["airflow-setup-preflight"] * (account == ACCOUNT)
        for name in own:
            attach(aws_url, arn_of(SETUP_ROLE, account), made[name], name=f"{params['bucket']}-{name}")
    return made


def allow_ingest(aws_url: str, params: Mapping[str, Any], *keys: str) -> dict[str, Document]:
    """Let the connections of ingest and completeness run with these params; return the policies by name.

    `keys` are the command's options for KMS keys.
    """
    made = documents("--ingest", params, *keys)
    for role, name in ((INGEST_ROLE, "airflow-ingest"), (COMPLETENESS_ROLE, "airflow-completeness")):
        attach(aws_url, arn_of(role), made[name], name=f"{params['bucket']}-{name}")
    return made


def documents(option: str, params: Mapping[str, Any], *more: str) -> dict[str, Document]:
    """Return the policies that `cloudtrail-to-delta permissions` writes for these params, by name.

    Raises:
        SandboxError: if the command refuses the params.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder, "params.json"), Path(folder, "made")
        given.write_text(json.dumps(params))
        words = ["permissions", option, str(given), "--documents", str(made), *more]
        done = subprocess.run(
            [sys.executable, "-m", "cloudtrail_to_delta", *words],
            env=inherited({"PYTHONPATH": str(ROOT / "plugins"), "AIRFLOW_HOME": folder}),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SandboxError(f"no policies were made for {params}:\n{done.stderr}")
        return {path.stem: json.loads(path.read_text()) for path in sorted(made.iterdir())}


def attach(aws_url: str, role: str, document: Document, *, name: str) -> None:
    """Attach a document to a role, given by its ARN, as a managed policy; replace one with this name."""
    iam = account_client("iam", aws_url, role)
    text = json.dumps(document)
    arn = f"{role.partition(':role/')[0]}:policy/{name}"
    try:
        iam.create_policy(PolicyName=name, PolicyDocument=text)
    except iam.exceptions.EntityAlreadyExistsException:
        # A policy has at most five versions.
        for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)
    iam.attach_role_policy(RoleName=role.rpartition("/")[2], PolicyArn=arn)
