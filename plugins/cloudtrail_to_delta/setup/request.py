"""The request of a set-up: its checked params, from which its resources are built."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Literal, Self

from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.params.declaration import check_choices, check_params
from cloudtrail_to_delta.params.request import IngestRequest, resolve_requests
from cloudtrail_to_delta.params.request import code_root as code_root_of
from cloudtrail_to_delta.params.setup import NEW_KEY, SETUP_CHOICES, SETUP_PARAMS
from cloudtrail_to_delta.params.values import partitions_by_region
from cloudtrail_to_delta.setup.allowed import locked_roles, require_connections
from cloudtrail_to_delta.setup.aws.bucket import bucket_owner
from cloudtrail_to_delta.setup.aws.roles import get_profile, get_role
from cloudtrail_to_delta.setup.aws.tags import tag_value
from cloudtrail_to_delta.setup.facts import place_of
from cloudtrail_to_delta.setup.refusals import refused_calls
from cloudtrail_to_delta.setup.resources import Clouds

Mode = Literal["apply", "remove"]
Action = Literal["bucket", "role", "bucket_policy", "trail", "databricks"]
ManagementEvents = Literal["all", "read", "write", "none"]
Reader = Literal["instance_profile", "storage_credential"]
Discovery = Literal["listing", "notifications", "file_events"]
Compute = Literal["cluster", "cluster_policy", "existing_cluster", "none"]

# The ingest's contract requires these. The set-up makes the compute; the others are given later.
_LATER = {"policy_id": "made-by-the-set-up", "warehouse_id": "given-later", "iam_simulation": "off"}
_SHARED = (
    *("kinds", "bucket", "prefix", "organization", "account", "regions", "region", "target_root"),
    *("checkpoint_root", "code_root", "discovery"),
)


@dataclass(frozen=True, kw_only=True)
class SetupRequest:
    """The checked params of a set-up and what follows from them.

    A field has the name and the value of its param, except for the fields that are described here.

    Attributes:
        bucket_account: the account of the log bucket: as given, or the only one in `accounts`.
        trail_accounts: the accounts that get a trail: as given, or all; one for an organization trail.
        reader_account: the account of the reader role: as given, or the bucket's.
        tables: kind → the name of its table.
        given_code_root: `code_root` as given; empty for the default.
        existing_role_arn: the reader role's ARN in IAM; empty until `located`, or when there is no such role.
        existing_profile_arn: the same for its instance profile.
        own_bucket: whether the log bucket is the set-up's, or will be; unknown, and false, until `located`.
        locked_roles: the existing roles that the set-up must not change, by ARN, with the reason.
    """

    mode: Mode
    name: str
    actions: tuple[Action, ...]
    change_adopted: tuple[Action, ...]

    accounts: Mapping[str, str]
    assume_role: str
    bucket: str
    bucket_account: str
    region: str
    prefix: str
    versioning: bool
    expire_days: int
    kms_key: str
    object_lock_days: int
    object_lock_mode: Literal["governance", "compliance"]
    tags: Mapping[str, str]

    trail: str
    trail_accounts: tuple[str, ...]
    organization: str
    management_account: str
    multi_region: bool
    management_events: ManagementEvents
    exclude_kms_events: bool
    exclude_rds_data_events: bool
    s3_data_events: tuple[str, ...]
    lambda_data_events: tuple[str, ...]
    network_activity_sources: tuple[str, ...]
    insights: tuple[str, ...]
    log_file_validation: bool
    sns_topic: str

    reader: Reader
    reader_role: str
    reader_account: str
    role_path: str
    permissions_boundary: str
    deployment_role_arn: str
    discovery: Discovery
    tables_kms_key: str
    code_kms_key: str
    iam_simulation: Literal["require", "warn", "off"]
    kinds: tuple[str, ...]
    account: str
    regions: tuple[str, ...]

    target_root: str
    checkpoint_root: str
    given_code_root: str
    tables: Mapping[str, str]

    databricks_conn_id: str
    ingest_principal: str
    databricks_compute: Compute
    cluster_name: str
    cluster_id: str
    access_mode: Literal["SINGLE_USER", "USER_ISOLATION"]
    spark_version: str
    node_type_id: str
    min_workers: int
    max_workers: int
    autotermination_minutes: int
    storage_credential: str
    warehouse_id: str
    verify_timeout_minutes: int
    skip_profile_validation: bool

    alert_topic_arn: str
    alert_conn_ids: tuple[str, ...]

    existing_role_arn: str = ""
    existing_profile_arn: str = ""
    own_bucket: bool = False
    locked_roles: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make the request from params that the contract has accepted; the reverse of `to_dict`."""
        names = {field.name for field in fields(cls)}
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list | tuple) else value
            for name, value in values.items()
            if name in names
        }
        bucket_account = given["bucket_account"] or next(iter(given["accounts"]))
        return cls(
            **given
            | {
                "bucket_account": bucket_account,
                "trail_accounts": given["trail_accounts"] or tuple(given["accounts"]),
                "reader_account": given["reader_account"] or bucket_account,
                "given_code_root": values["code_root"],
                "tables": {kind: values[f"{kind}_table"] for kind in KINDS},
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the params as an XCom holds them. Each task looks up the ARNs in IAM again."""
        own = {"given_code_root", "tables", "existing_role_arn", "existing_profile_arn", "own_bucket"}
        own |= {"locked_roles"}
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in own}
        values |= {
            "accounts": dict(self.accounts),
            "tags": dict(self.tags),
            "code_root": self.given_code_root,
        }
        values |= {f"{kind}_table": table for kind, table in self.tables.items()}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def located(self, clouds: Clouds) -> Self:
        """Return the request with the ARNs of an existing role and profile, and whose the bucket is.

        Adopted roles and profiles may have another path.

        Raises:
            SetupRefusedError: if AWS refuses to show them.
        """
        name = self.reader_role
        with refused_calls(f"role {name} in {self.reader_account}", clouds):
            iam = clouds.aws(self.reader_account, "iam")
            role = get_role(iam, name)
            profile = get_profile(iam, name) if self.reader == "instance_profile" else None
        own_bucket = False
        if "bucket" in self.actions:
            with refused_calls(f"bucket {self.bucket}", clouds):
                own_bucket = bucket_owner(clouds.s3(self.bucket_account), self.bucket) in (None, self.name)
        others = [str(role["Arn"])] if role and tag_value(role.get("Tags", [])) != self.name else []
        return replace(
            self,
            locked_roles=locked_roles([*others, *filter(None, [self.deployment_role_arn])]),
            existing_role_arn=str(role["Arn"]) if role else "",
            existing_profile_arn=str(profile["Arn"]) if profile else "",
            own_bucket=own_bucket,
        )

    @property
    def partition(self) -> str:
        """The AWS partition of the region."""
        return partitions_by_region()[self.region]

    @property
    def reader_role_arn(self) -> str:
        """The reader role's ARN in IAM, or the one that a new role gets."""
        new = f"arn:{self.partition}:iam::{self.reader_account}:role{self.role_path}{self.reader_role}"
        return self.existing_role_arn or new

    @property
    def instance_profile_arn(self) -> str:
        """The same for its instance profile, which has the role's name."""
        place = f"arn:{self.partition}:iam::{self.reader_account}"
        new = f"{place}:instance-profile{self.role_path}{self.reader_role}"
        return self.existing_profile_arn or new

    @property
    def trail_owners(self) -> tuple[str, ...]:
        """The account in each trail's ARN; that of a delegated administrator's is the management account.

        Source: AWS CloudTrail User Guide, "Organization delegated administrator".
        """
        return (self.management_account,) if self.management_account else self.trail_accounts

    @property
    def trail_arns(self) -> list[str]:
        """The ARN of each account's trail, also of a trail that does not exist yet."""
        place = f"arn:{self.partition}:cloudtrail:{self.region}"
        return [f"{place}:{account}:trail/{self.trail}" for account in self.trail_owners]

    @property
    def key_name(self) -> str:
        """The name of the key's resource."""
        return f"key alias/{self.name}-logs in {self.bucket_account}"

    @property
    def key_arn(self) -> str:
        """The ARN of the log files' key: as given, a placeholder for a new key, or empty for none."""
        return place_of(self.key_name, "arn") if self.kms_key == NEW_KEY else self.kms_key

    @property
    def topic_arn(self) -> str:
        """The ARN of the topic that is notified of new log files; empty for none."""
        topic = self.sns_topic
        return f"arn:{self.partition}:sns:{self.region}:{self.bucket_account}:{topic}" if topic else ""

    @property
    def code_root(self) -> str:
        """The folder below which the job wheel lies: as given, or `code` next to the checkpoints."""
        return code_root_of({"code_root": self.given_code_root, "checkpoint_root": self.checkpoint_root})

    @cached_property
    def requests(self) -> dict[str, IngestRequest]:
        """Kind → the request of the ingest that uses the reader role."""
        return resolve_requests(_ingest_params(self.to_dict()))

    def clouds(self) -> Clouds:
        """Return the clients that read and write its resources.

        Raises:
            NotAllowedError: if an operator's list does not name one of its connections.
        """
        require_connections([*self.accounts.values(), self.databricks_conn_id])
        return Clouds(
            self.accounts,
            region=self.region,
            databricks_conn_id=self.databricks_conn_id,
            assume_role=self.assume_role,
        )


def resolve_setup(params: Mapping[str, Any]) -> SetupRequest:
    """Check the whole contract.

    Raises:
        InvalidRequestError: with every violation, not only the first.
    """
    values, violations = check_params(params, SETUP_PARAMS)
    violations += check_choices(values, SETUP_CHOICES)
    if not violations:
        try:
            resolve_requests(_ingest_params(values))
        except InvalidRequestError as error:
            violations += error.violations
    if violations:
        raise InvalidRequestError(violations)
    return SetupRequest.from_dict(values)


def _ingest_params(values: Mapping[str, Any]) -> dict[str, Any]:
    tables = {name: value for name, value in values.items() if name.endswith("_table")}
    return {name: values[name] for name in _SHARED} | tables | _LATER
