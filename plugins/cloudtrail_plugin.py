"""Wiring only: what Airflow's plugin loader has to know of this project."""

from airflow.plugins_manager import AirflowPlugin

from cloudtrail import pools
from cloudtrail.ui import PREFIX, LazyApp


class CloudTrailPlugin(AirflowPlugin):
    """The project's pages and its pool; its operators and triggers are imported from `cloudtrail`."""

    name = "cloudtrail"
    # A list that Airflow reads and nobody changes; it declares it as an attribute of the instance.
    fastapi_apps = [{"name": "CloudTrail", "url_prefix": PREFIX, "app": LazyApp()}]  # noqa: RUF012
    listeners = [pools]  # noqa: RUF012 - as above
