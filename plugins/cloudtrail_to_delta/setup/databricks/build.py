"""The resources in Databricks: instance profile, compute, and the Unity Catalog alternative."""

from typing import Any

from cloudtrail_to_delta.iam.catalog import (
    CATALOG,
    CREATE_EXTERNAL,
    LOCATION,
    READ_FILES,
    SCHEMA,
    WRITE_FILES,
    Need,
    merged,
    volume_needs,
)
from cloudtrail_to_delta.iam.reader import listing_prefix
from cloudtrail_to_delta.setup.aws.auto_ingest import AutoIngestLeftovers
from cloudtrail_to_delta.setup.aws.roles import RoleTrust
from cloudtrail_to_delta.setup.databricks.catalog import ExternalLocation, StorageCredential
from cloudtrail_to_delta.setup.databricks.cluster_policies import ClusterPolicy
from cloudtrail_to_delta.setup.databricks.clusters import Cluster
from cloudtrail_to_delta.setup.databricks.grants import WAREHOUSE, Grant
from cloudtrail_to_delta.setup.databricks.instance_profiles import ProfileRegistration
from cloudtrail_to_delta.setup.databricks.locations import places
from cloudtrail_to_delta.setup.databricks.principals import USE
from cloudtrail_to_delta.setup.request import SetupRequest
from cloudtrail_to_delta.setup.resources import Resource


def databricks_resources(request: SetupRequest) -> list[Resource]:
    """Return the resources of the action `databricks`, in the order in which they are applied."""
    leftovers = _leftovers(request) if request.mode == "remove" else []
    resources = _workspace(request)
    grants = _grants(request, resources) if request.mode == "apply" and request.ingest_principal else []
    return [*leftovers, *resources, *grants]


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


# What the ingest may do in each location of a set-up.
_IN_PLACES = {
    "logs": (READ_FILES,),
    "tables": (READ_FILES, WRITE_FILES, CREATE_EXTERNAL),
    "code": (READ_FILES,),
}
_PURPOSES = {
    "logs": "read the log files",
    "tables": "create, read and write the tables",
    "code": "read the code",
}


def _grants(request: SetupRequest, resources: list[Resource]) -> list[Resource]:
    """Return what the ingest's principal gets. A removal takes what is noted instead: see `grants`."""
    needs = [*_table_needs(request), *volume_needs(request.code_root)]
    if request.warehouse_id:
        warehouse = Need(
            securable=WAREHOUSE, name=request.warehouse_id, privileges=(USE,), purpose="run SQL statements"
        )
        needs.append(warehouse)
    credential = next((one.credential for one in resources if isinstance(one, StorageCredential)), "")
    own: dict[str, Any] = {"setup": request.name, "principal": request.ingest_principal}
    grants: list[Resource] = [Grant(**own, credential=credential, need=need) for need in merged(needs)]
    for location in (one for one in resources if isinstance(one, ExternalLocation)):
        purpose = location.location.rpartition("_")[2]
        need = Need(
            securable=LOCATION,
            name=location.location,
            privileges=_IN_PLACES.get(purpose, (READ_FILES, WRITE_FILES)),
            purpose=_PURPOSES.get(purpose, "read and write the checkpoints"),
        )
        grants.append(Grant(**own, credential=credential, need=need, location=location))
    return grants


def _table_needs(request: SetupRequest) -> list[Need]:
    """Return what the tables' schemas take; the workspace's default catalog has an empty name here."""
    purpose, needs = "create the tables and views", []
    for table in (one.table for one in request.requests.values()):
        *catalog, schema = table.split(".")[:-1] or ["default"]
        name = ".".join([*catalog, schema])
        needs += [
            Need(securable=CATALOG, name="".join(catalog), privileges=("USE_CATALOG",), purpose=purpose),
            Need(securable=SCHEMA, name=name, privileges=("USE_SCHEMA", "CREATE_TABLE"), purpose=purpose),
        ]
    return needs


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
