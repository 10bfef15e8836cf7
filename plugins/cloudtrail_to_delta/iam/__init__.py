"""What IAM must allow: the reader role, Airflow's own connection, and discovery by file notifications."""
