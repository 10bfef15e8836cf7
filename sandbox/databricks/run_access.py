"""What the code of a run may reach: its volumes, and S3 by the external locations of its principal.

On compute with an instance profile, S3 is open, as in the rest of the sandbox. Without one, Unity Catalog
hands out credentials for what the principal may read and write. The stand-in makes a role of exactly that
and lets the sandbox's AWS refuse the rest.
"""

import json
import logging
from contextlib import suppress

from botocore.exceptions import BotoCoreError

from sandbox.databricks import catalog
from sandbox.databricks.aws import account_client
from sandbox.databricks.errors import ApiError
from sandbox.databricks.grants import LOCATION, Grants
from sandbox.databricks.objects import Objects
from sandbox.databricks.payloads import Json
from sandbox.databricks.rules import Rule
from sandbox.databricks.settings import USER, Settings

logger = logging.getLogger(__name__)
_TRUST = '{"Version":"2012-10-17","Statement":[]}'
_ACCOUNT = "arn:aws:iam::123456789012:role/"
_READ = ("s3:GetObject",)
_WRITE = ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")


class RunAccess:
    """The access of runs."""

    def __init__(self, objects: Objects, grants: Grants, settings: Settings) -> None:
        self._objects, self._grants, self._settings = objects, grants, settings

    def refused_libraries(self, libraries: list[str], who: str) -> dict[str, str]:
        """Return the libraries in volumes that a principal may not read, with the service's words."""
        refused = {}
        for library in libraries:
            if library.startswith("/Volumes/") and self._settings.enforces(Rule.EXTERNAL_LOCATIONS):
                try:
                    self._grants.require_volume(who, "READ_VOLUME", library)
                except ApiError as error:
                    refused[library] = error.message
        return refused

    def credentials(self, run_id: int, cluster: Json, who: str) -> dict[str, str]:
        """Return a run's environment with keys of AWS; empty for the keys that may do everything."""
        profile = cluster.get("aws_attributes", {}).get("instance_profile_arn")
        if profile or not self._settings.enforces(Rule.PATH_ACCESS):
            return {}
        name = f"unity-catalog-run-{run_id}"
        try:
            return self._credentials(name, who)
        except BotoCoreError as lost:
            # Then the run reaches nothing either.
            logger.warning("run %d: AWS does not answer: %s", run_id, lost)
            return {}

    def _credentials(self, name: str, who: str) -> dict[str, str]:
        iam = account_client("iam", self._settings.aws_endpoint, f"{_ACCOUNT}{name}")
        sts = account_client("sts", self._settings.aws_endpoint, f"{_ACCOUNT}{name}")
        with suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=_TRUST)
        policy = {"Version": "2012-10-17", "Statement": self._statements(who)}
        iam.put_role_policy(RoleName=name, PolicyName="locations", PolicyDocument=json.dumps(policy))
        given = sts.assume_role(RoleArn=f"{_ACCOUNT}{name}", RoleSessionName="run")["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
        }

    def _statements(self, who: str) -> list[Json]:
        nothing: Json = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
        found = [nothing]
        for name, location in self._objects.all(catalog.LOCATION).items():
            bucket, _, key = location["url"].removeprefix("s3://").rstrip("/").partition("/")
            actions: list[str] = []
            if self._grants.has(who, "READ_FILES", LOCATION, name):
                actions += _READ
            if self._grants.has(who, "WRITE_FILES", LOCATION, name) and not location.get("read_only"):
                actions += _WRITE
            if not actions:
                continue
            keys = f"{key}/*" if key else "*"
            listed: Json = {
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": f"arn:aws:s3:::{bucket}",
            }
            # Hadoop's S3 client looks up every folder above one that it writes. The service's own does not.
            if key and not set(_WRITE) & set(actions):
                listed["Condition"] = {"StringLike": {"s3:prefix": [key, keys]}}
            found += [
                listed,
                {"Effect": "Allow", "Action": actions, "Resource": f"arn:aws:s3:::{bucket}/{keys}"},
            ]
        return found


def runs_as(request: Json) -> str:
    """Return the principal of a run."""
    return str(request.get("run_as_user_name", USER))
