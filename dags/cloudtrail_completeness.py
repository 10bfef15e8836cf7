"""The CloudTrail completeness check: what S3 lists against what the tables hold.

`cloudtrail_completeness` is triggered with its form. Each account in accounts.yaml has a DAG that runs every
day, `cloudtrail_completeness__<alias>`. Their tasks are in `cloudtrail_to_delta/dags/completeness.py`.
"""

# Airflow reads a file of the DAGs folder only when it has the words "airflow" and "dag".
from cloudtrail_to_delta.dags.factory import build_completeness

build_completeness(globals(), __file__)
