"""The laptop cloud: stand-ins for AWS and Databricks, a real Spark, a real Airflow. Only tests import it."""
