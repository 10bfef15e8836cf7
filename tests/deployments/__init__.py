"""Deployments of Airflow that people have, tried with the sandbox's stand-ins. Not part of the tests."""
