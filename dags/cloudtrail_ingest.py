"""The CloudTrail ingest: log files in S3 to validated Delta tables on Databricks.

`cloudtrail_ingest` is triggered with its form. Each account in accounts.yaml has a scheduled DAG,
`cloudtrail_ingest__<alias>`. Their tasks are in `cloudtrail_to_delta/dags/ingest.py`.
"""

# Airflow reads a file of the DAGs folder only when it has the words "airflow" and "dag".
from cloudtrail_to_delta.dags.factory import build_ingest

build_ingest(globals(), __file__)
