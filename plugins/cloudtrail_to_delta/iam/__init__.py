"""What IAM must allow the reader role, Airflow's AWS connection, and discovery by file notifications."""
