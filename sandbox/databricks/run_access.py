"""What the code of a run may reach: its volumes, and S3 by the external locations of its principal.

On compute with an instance profile, code has the keys of the profile's role. Without one, Unity Catalog hands
out credentials of a location's role for what the principal may read and write there. The stand-in hands out
one pair of keys for all locations: a role of exactly that, bounded by the policies of the locations' roles.
The sandbox's AWS refuses the rest.
"""

import json
import logging
import uuid
from contextlib import suppress
from typing import Any

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
# A policy has a statement.
_NOTHING: Json = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
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
        profile = str(cluster.get("aws_attributes", {}).get("instance_profile_arn") or "")
        if not self._settings.enforces(Rule.PROFILE_ACCESS if profile else Rule.PATH_ACCESS):
            return {}
        try:
            return (
                self._of_profile(profile)
                if profile
                else self._of_locations(f"unity-catalog-run-{run_id}", who)
            )
        except BotoCoreError as lost:
            # Then the run reaches nothing either.
            logger.warning("run %d: AWS does not answer: %s", run_id, lost)
            return {}

    def _of_profile(self, profile: str) -> dict[str, str]:
        iam = account_client("iam", self._settings.aws_endpoint, profile)
        try:
            found = iam.get_instance_profile(InstanceProfileName=profile.rpartition("/")[2])[
                "InstanceProfile"
            ]
        except iam.exceptions.NoSuchEntityException:
            logger.warning("%s does not exist: its clusters are not limited", profile)
            return {}
        return self._keys(str(found["Roles"][0]["Arn"])) if found["Roles"] else {}

    def _of_locations(self, name: str, who: str) -> dict[str, str]:
        iam = account_client("iam", self._settings.aws_endpoint, f"{_ACCOUNT}{name}")
        with suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=_TRUST)
        iam.put_role_policy(
            RoleName=name, PolicyName="locations", PolicyDocument=_document(self._statements(who))
        )
        bound = iam.create_policy(
            PolicyName=f"{name}-{uuid.uuid4().hex}", PolicyDocument=_document([_NOTHING, *self._bounds()])
        )
        iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=bound["Policy"]["Arn"])
        return self._keys(f"{_ACCOUNT}{name}")

    def _bounds(self) -> list[Json]:
        """Return every statement of the roles of the locations' credentials."""
        used = {one["credential_name"] for one in self._objects.all(catalog.LOCATION).values()}
        credentials = self._objects.all(catalog.CREDENTIAL)
        roles = sorted(credentials[name]["aws_iam_role"]["role_arn"] for name in used & set(credentials))
        return [one for role in dict.fromkeys(roles) for one in self._statements_of(role)]

    def _statements_of(self, role: str) -> list[Json]:
        iam = account_client("iam", self._settings.aws_endpoint, role)
        name = role.rpartition("/")[2]
        try:
            inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
        except iam.exceptions.NoSuchEntityException:
            logger.warning("%s does not exist: it gives access to nothing", role)
            return []
        found = [iam.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"] for one in inline]
        for one in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            version = iam.get_policy(PolicyArn=one["PolicyArn"])["Policy"]["DefaultVersionId"]
            held = iam.get_policy_version(PolicyArn=one["PolicyArn"], VersionId=version)["PolicyVersion"]
            found.append(held["Document"])
        # Each is unique in its own policy only.
        return [
            {key: value for key, value in statement.items() if key != "Sid"}
            for document in found
            for statement in _listed(document["Statement"])
        ]

    def _keys(self, role: str) -> dict[str, str]:
        sts = account_client("sts", self._settings.aws_endpoint, role)
        given = sts.assume_role(RoleArn=role, RoleSessionName="run")["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
        }

    def _statements(self, who: str) -> list[Json]:
        found = [_NOTHING]
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


def _document(statements: list[Json]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _listed(given: Any) -> list[Json]:
    return given if isinstance(given, list) else [given]
