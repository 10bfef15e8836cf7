"""The CloudTrail digest: a daily summary of the previous day for a security team.

`cloudtrail_digest` is paused by default. Its task is in `cloudtrail_to_delta/dags/digest.py`.
"""

# Airflow reads a file of the DAGs folder only when it has the words "airflow" and "dag".
from cloudtrail_to_delta.dags.factory import build_digest

build_digest(globals(), __file__)
