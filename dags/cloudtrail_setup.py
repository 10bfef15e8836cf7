"""The CloudTrail set-up: trails, log bucket, reader role and Databricks, as one plan that a person approves.

`cloudtrail_setup` is triggered with its form. Each account in accounts.yaml with a block `setup` has a DAG,
`cloudtrail_setup__<alias>`. Their tasks are in `cloudtrail_to_delta/dags/setup.py`.
"""

# Airflow reads a file of the DAGs folder only when it has the words "airflow" and "dag".
from cloudtrail_to_delta.dags.factory import build_setup

build_setup(globals(), __file__)
