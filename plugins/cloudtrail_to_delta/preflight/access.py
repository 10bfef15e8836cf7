"""What the reader role needs for a request, and whether it has it.

The order matters: keys, policies, simulation. The keys that are found are part of what the role needs, and
what it needs determines which resource policies apply.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from cloudtrail_to_delta.hooks.aws_errors import no_bucket
from cloudtrail_to_delta.hooks.bucket_regions import bucket_region
from cloudtrail_to_delta.iam.notifications import notification_access
from cloudtrail_to_delta.iam.reader import Access, key_access, required_access, tampering
from cloudtrail_to_delta.params.locations import ANY
from cloudtrail_to_delta.params.request import IngestRequest, code_root
from cloudtrail_to_delta.preflight import encryption, resource_policies, simulation
from cloudtrail_to_delta.preflight.checks import Job, run_part
from cloudtrail_to_delta.preflight.clients import Clients
from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.preflight.principals import NotSimulatedError, resolve_role
from cloudtrail_to_delta.preflight.request_context import Circumstances
from cloudtrail_to_delta.preflight.resource_policies import ResourcePolicy, owner_arn


def access_job(
    requests: Mapping[str, IngestRequest],
    params: Mapping[str, Any],
    clients: Clients,
    missing: set[str],
    connection: str,
    *,
    absent: set[str],
) -> Job:
    """Return one job with all checks of the reader role.

    `missing` are the buckets that could not be listed, `absent` those of them that do not exist. Permissions
    in an absent bucket are not checked: if they are missing, that follows from the missing bucket.
    """
    principal = str(params.get("reader_role_arn") or "")
    deployment = str(params.get("deployment_role_arn") or "")
    mode = str(params.get("iam_simulation") or "require")

    def simulated(subject: str, check: Callable[[], list[Finding]]) -> list[Finding]:
        # Run separately, so that an error of IAM does not lose the findings of the other parts.
        return run_part(simulation.CHECK, subject, lambda: (check(), None), None, connection=connection)[0]

    def run() -> list[Finding]:
        findings, keys = run_part(
            encryption.CHECK,
            "log files and buckets",
            partial(encryption.check_encryption, clients.s3, clients.kms, requests, params, without=missing),
            encryption.Keys(logs={}, buckets={}),
            connection=connection,
        )
        root = code_root(params)
        needed = required_access(requests, code_root=root)
        needed += key_access(requests, logs=keys.logs, buckets=keys.buckets, code_root=root)
        if params.get("discovery") == "notifications" and principal:
            needed += notification_access(requests, account=principal.split(":")[4])
        findings += [
            Finding(
                check=simulation.CHECK,
                subject=f"permissions in bucket {bucket}",
                status="skipped",
                detail=f"not checked: {no_bucket(bucket)}",
            )
            for bucket in sorted(absent)
        ]
        needed = [one for one in needed if owner_arn(one.resource_arn).rpartition(":")[2] not in absent]
        nothing: tuple[str, dict[str, ResourcePolicy]] = (principal, {})
        found, (role, policies) = run_part(
            resource_policies.CHECK,
            "buckets and keys",
            lambda: (
                ([], nothing) if mode == "off" else _role_and_policies(clients, principal, needed, missing)
            ),
            nothing,
            connection=connection,
        )
        findings += found

        def access() -> list[Finding]:
            return simulation.check_access(
                clients.iam,
                role,
                needed,
                mode=mode,
                unwanted=tampering(requests, logs_keys=keys.logs),
                policies=policies,
                known=None if mode == "off" else _circumstances(clients, requests, needed, missing),
            )

        region = Circumstances(region=next(iter(requests.values())).region)
        pass_role = partial(
            simulation.check_pass_role, clients.iam, deployment, role, mode=mode, known=region
        )
        return findings + simulated(role, access) + simulated(deployment, pass_role)

    return Job(check=simulation.CHECK, subject=principal or "reader role", run=run)


def _circumstances(
    clients: Clients, requests: Mapping[str, IngestRequest], needed: list[Access], missing: set[str]
) -> Circumstances:
    """Return what is known about the cluster's requests; makes one request for each bucket."""
    request = next(iter(requests.values()))
    arns = {owner_arn(one.resource_arn) for one in needed if ":s3:::" in one.resource_arn}
    buckets = {arn.rpartition(":")[2] for arn in arns} - missing
    regions = {bucket: bucket_region(clients.s3, bucket) for bucket in sorted(buckets)}
    return Circumstances(
        region=request.region,
        bucket_regions={bucket: region for bucket, region in regions.items() if region},
        organization=request.logs.organization,
        log_account="" if request.logs.account == ANY else request.logs.account,
    )


def _role_and_policies(
    clients: Clients, principal: str, needed: list[Access], missing: set[str]
) -> tuple[list[Finding], tuple[str, dict[str, ResourcePolicy]]]:
    try:
        role = resolve_role(clients.iam, principal)
    except NotSimulatedError:
        return [], (principal, {})  # the simulation reports it
    findings, policies = resource_policies.fetch_policies(
        clients.s3, clients.kms, needed, role=role, without=missing
    )
    return findings, (role, policies)
