"""Wiring only: what Airflow's plugin loader has to know of this project."""

from airflow.plugins_manager import AirflowPlugin


class CloudTrailPlugin(AirflowPlugin):
    """Names the plugin in Airflow's list; its operators and triggers are imported from `cloudtrail`."""

    name = "cloudtrail"
