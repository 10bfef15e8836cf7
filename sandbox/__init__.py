"""The laptop cloud: stand-ins for AWS and Databricks, with a real Spark and a real Airflow.

Only tests import it.
"""
