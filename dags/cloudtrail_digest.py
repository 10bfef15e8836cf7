"""The CloudTrail digest: once a day, what a security team reads about the day before.

`cloudtrail_digest` is paused until somebody wants it. Its task is in `cloudtrail_to_delta/dags/digest.py`.
"""

# Airflow reads a file of the DAGs folder only when it has the words "airflow" and "dag".
from cloudtrail_to_delta.dags.factory import build_digest

build_digest(globals(), __file__)
