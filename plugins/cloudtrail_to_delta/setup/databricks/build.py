"""The resources in Databricks: instance profile, compute, and the Unity Catalog alternative."""

from typing import Any

from cloudtrail_to_delta.iam.reader import listing_prefix
from cloudtrail_to_delta.setup.aws.auto_ingest import AutoIngestLeftovers
from cloudtrail_to_delta.setup.aws.roles import RoleTrust
from cloudtrail_to_delta.setup.databricks.catalog import ExternalLocation, StorageCredential
from cloudtrail_to_delta.setup.databricks.cluster_policies import ClusterPolicy
from cloudtrail_to_delta.setup.databricks.clusters import Cluster
from cloudtrail_to_delta.setup.databricks.instance_profiles import ProfileRegistration
from cloudtrail_to_delta.setup.databricks.locations import places
from cloudtrail_to_delta.setup.request import SetupRequest
from cloudtrail_to_delta.setup.resources import Resource


def databricks_resources(request: SetupRequest) -> list[Resource]:
    """Return the resources of the action `databricks`, in the order in which they are applied."""
    leftovers = _leftovers(request) if request.mode == "remove" else []
    return [*leftovers, *_workspace(request)]


def _leftovers(request: SetupRequest) -> list[Resource]:
    """Return what Auto Loader created for the set-up's streams, regardless of the current discovery mode."""
    requests = request.requests.values()
    return [
        AutoIngestLeftovers(
            setup=request.name,
            account=request.bucket_account,
            bucket=request.bucket,
            prefixes=tuple(dict.fromkeys(listing_prefix(one.logs) for one in requests)),
            requests=tuple(requests),
        )
    ]


def _workspace(request: SetupRequest) -> list[Resource]:
    if request.reader == "storage_credential":
        return [*_catalog(request), *_compute(request, profile="")]
    registration = ProfileRegistration(
        setup=request.name,
        arn=request.instance_profile_arn,
        skip_validation=request.skip_profile_validation,
    )
    return [registration, *_compute(request, profile=request.instance_profile_arn)]


def _compute(request: SetupRequest, *, profile: str) -> list[Resource]:
    shared: dict[str, Any] = {
        "setup": request.name,
        "instance_profile_arn": profile,
        "spark_version": request.spark_version,
        "node_type_id": request.node_type_id,
        "max_workers": request.max_workers,
        "access_mode": request.access_mode,
        "principal": request.ingest_principal,
        "autotermination_minutes": request.autotermination_minutes,
    }
    name = request.cluster_name or request.name
    match request.databricks_compute:
        case "cluster":
            least = request.min_workers
            return [Cluster(**shared, cluster=name, min_workers=least, only_ours=request.mode == "remove")]
        case "cluster_policy":
            return [ClusterPolicy(**shared, policy=name)]
        case _:
            return []


def _catalog(request: SetupRequest) -> list[Resource]:
    """Return the credential, the trust policy of its role (it needs the external id), then the locations."""
    name = request.storage_credential or request.name
    credential = StorageCredential(setup=request.name, credential=name, role_arn=request.reader_role_arn)
    trust = RoleTrust(
        setup=request.name,
        action="databricks",
        account=request.reader_account,
        role=request.reader_role,
        ours=credential.trust(),
        locked=request.locked_roles.get(request.reader_role_arn, ""),
    )
    locations = [
        ExternalLocation(
            setup=request.name,
            location=f"{request.name}_{place.purpose}",
            url=place.where.uri,
            credential=name,
            read_only=place.read_only,
            file_events=place.purpose == "logs" and request.discovery == "file_events",
            only_ours=request.mode == "remove",
        )
        for place in places(request)
    ]
    return [credential, trust, *locations]
