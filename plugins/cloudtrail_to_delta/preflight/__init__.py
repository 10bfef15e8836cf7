"""Preflight: every reason why an ingest would fail, found before it costs anything, each with its remedy.

A check is a pure decision (`decide_…`) on facts that a thin client fetched (`fetch_…`), and yields findings.
`run_preflight` runs them all, side by side and read-only; one that cannot be made is a failed finding.

    buckets      the buckets are there and can be listed
    logs         log files of each kind exist, and when the newest was delivered
    digests      the trail writes digest files
    targets      the tables' folders are empty or Delta tables
    checkpoints  the checkpoints are new or belong to this logs path and table
    tables       the names of tables and views are free or ours, and their schema is there
    encryption   which KMS keys the role needs, by a log file and by the buckets of the tables
    resource_policies  what the policies of the buckets and keys add to the role's
    simulation   the reader role may do what the requests need
    notifications  no other notification of the log bucket is in Auto Loader's way
    external_locations  for file events, Unity Catalog announces new files of the logs path
    profiles     the cluster's instance profile is registered, and of the reader role
    workspace    cluster or its parts, warehouse and connection fit, and no other run has the checkpoint
"""

from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.preflight.report import PreflightReport, run_preflight

__all__ = ["Finding", "PreflightReport", "run_preflight"]
