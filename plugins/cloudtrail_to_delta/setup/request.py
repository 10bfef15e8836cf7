"""Params → one request: what the resources of a set-up are made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.params.declaration import check_choices, check_params
from cloudtrail_to_delta.params.request import IngestRequest, resolve_requests
from cloudtrail_to_delta.params.request import code_root as code_root_of
from cloudtrail_to_delta.params.setup import NEW_KEY, SETUP_CHOICES, SETUP_PARAMS
from cloudtrail_to_delta.params.values import partitions_by_region
from cloudtrail_to_delta.setup.aws.roles import get_profile, get_role
from cloudtrail_to_delta.setup.facts import place_of
from cloudtrail_to_delta.setup.refusals import refused_calls
from cloudtrail_to_delta.setup.resources import Clouds

# What the ingest's contract asks for and the set-up does not know: it is made by the set-up, or given later.
_LATER = {"cluster_id": "made-by-the-set-up", "warehouse_id": "given-later", "iam_simulation": "off"}
_SHARED = (
    *("kinds", "bucket", "prefix", "organization", "account", "regions", "region", "target_root"),
    *("checkpoint_root", "code_root", "discovery"),
)


@dataclass(frozen=True)
class SetupRequest:
    """The set-up's sound params, and what follows from them."""

    values: Mapping[str, Any]
    #: The ARNs of the reader role and of its profile as IAM gives them, once `located`.
    arns: Mapping[str, str] = field(default_factory=dict)

    def located(self, clouds: Clouds) -> Self:
        """The request with the ARNs of the role and the profile that are there: adopted ones may have a path.

        Raises:
            SetupRefusedError: when they may not be read.
        """
        name = self["reader_role"]
        with refused_calls(f"role {name} in {self.reader_account}", clouds):
            iam = clouds.aws(self.reader_account, "iam")
            found = {"role": get_role(iam, name)}
            if self["reader"] == "instance_profile":
                found["profile"] = get_profile(iam, name)
        return replace(self, arns={kind: str(one["Arn"]) for kind, one in found.items() if one})

    def __getitem__(self, param: str) -> Any:
        """The value of a param."""
        return self.values[param]

    @property
    def name(self) -> str:
        """The set-up's name: the value of the tag, a part of statement ids and policy names."""
        return str(self["name"])

    @property
    def partition(self) -> str:
        """The partition that everything is in."""
        return partitions_by_region()[self["region"]]

    @property
    def bucket_account(self) -> str:
        """The account of the log bucket: as given, or the only one of the accounts."""
        return str(self["bucket_account"] or next(iter(self["accounts"])))

    @property
    def reader_account(self) -> str:
        """The account of the reader role: as given, or the bucket's."""
        return str(self["reader_account"] or self.bucket_account)

    @property
    def reader_role_arn(self) -> str:
        """The reader role's ARN: as IAM gives it, or the one that the set-up makes it with."""
        new = f"arn:{self.partition}:iam::{self.reader_account}:role/{self['reader_role']}"
        return self.arns.get("role", new)

    @property
    def instance_profile_arn(self) -> str:
        """The ARN of its instance profile, of the same name: the same."""
        new = f"arn:{self.partition}:iam::{self.reader_account}:instance-profile/{self['reader_role']}"
        return self.arns.get("profile", new)

    @property
    def trail_accounts(self) -> list[str]:
        """The accounts that get a trail: as given, or all; one for an organization trail."""
        return list(self["trail_accounts"] or self["accounts"])

    @property
    def trail_arns(self) -> list[str]:
        """The ARN of each account's trail, known before the trail is there."""
        place = f"arn:{self.partition}:cloudtrail:{self['region']}"
        return [f"{place}:{account}:trail/{self['trail']}" for account in self.trail_accounts]

    @property
    def key_name(self) -> str:
        """The name of the key's resource."""
        return f"key alias/{self.name}-logs in {self.bucket_account}"

    @property
    def key_arn(self) -> str:
        """The ARN of the log files' key: as given, its place for a new one, empty for none."""
        return place_of(self.key_name, "arn") if self["kms_key"] == NEW_KEY else str(self["kms_key"])

    @property
    def topic_arn(self) -> str:
        """The ARN of the topic that hears of new log files; empty for none."""
        topic = self["sns_topic"]
        return f"arn:{self.partition}:sns:{self['region']}:{self.bucket_account}:{topic}" if topic else ""

    @cached_property
    def requests(self) -> dict[str, IngestRequest]:
        """Kind → the request of the ingest that the reader role is for."""
        return resolve_requests(_ingest_params(self.values))

    @property
    def code_root(self) -> str:
        """Where the job wheel will be."""
        return code_root_of(self.values)

    def clouds(self) -> Clouds:
        """The clients for it."""
        return Clouds(
            self["accounts"],
            region=self["region"],
            databricks_conn_id=self["databricks_conn_id"],
            assume_role=self["assume_role"],
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
    return SetupRequest(values)


def _ingest_params(values: Mapping[str, Any]) -> dict[str, Any]:
    tables = {name: value for name, value in values.items() if name.endswith("_table")}
    return {name: values[name] for name in _SHARED} | tables | _LATER
