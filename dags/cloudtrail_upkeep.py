"""The CloudTrail upkeep: retention, erasure and legal hold, with a trace of every deleted record.

`cloudtrail_upkeep` is triggered with its form. Each account in accounts.yaml has a DAG with its values,
`cloudtrail_upkeep__<alias>`. None has a schedule. Their tasks are in `cloudtrail_to_delta/dags/upkeep.py`.
"""

# Airflow reads a file of the DAGs folder only when it has the words "airflow" and "dag".
from cloudtrail_to_delta.dags.factory import build_upkeep

build_upkeep(globals(), __file__)
