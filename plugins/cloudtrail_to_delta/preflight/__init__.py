"""Preflight: find every reason why an ingest would fail before the ingest costs anything.

A check is a pure decision (`decide_…`) on facts that a thin client fetched (`fetch_…`). It returns findings,
each with its remedy. `run_preflight` runs all checks in parallel and only reads. If a check cannot run, the
result is a failed finding.

    buckets      the buckets exist and can be listed
    logs         log files of each kind exist, and when the newest was delivered
    digests      the trail writes digest files
    targets      the tables' folders are empty or hold Delta tables
    checkpoints  the checkpoints are new or belong to this logs path and table
    tables       the names of tables and views are free or ours, and their schema exists
    encryption   which KMS keys the role needs, according to the log files and the buckets
    resource_policies  what the policies of the buckets and keys add to the role's policies
    simulation   the reader role is allowed to do what the requests need
    notifications  no other notification of the log bucket conflicts with Auto Loader's
    external_locations  for file events, Unity Catalog announces new files of the logs path
    compute      the cluster's instance profile is registered and belongs to the reader role
    workspace    the compute, warehouse and connection fit, and no other run uses the checkpoint
"""

from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.preflight.report import PreflightReport, run_preflight

__all__ = ["Finding", "PreflightReport", "run_preflight"]
