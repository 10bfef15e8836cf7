"""Wiring only: what Airflow's plugin loader has to know of this package.

The distribution's entry point `airflow.plugins` names this class; a copied `plugins/` folder has
`cloudtrail_plugin.py`, which imports it. Where both are there Airflow loads the one and skips the other.
"""

from airflow.plugins_manager import AirflowPlugin

from cloudtrail_to_delta.alerts import renewal
from cloudtrail_to_delta.runs import pools
from cloudtrail_to_delta.ui import HOME, PREFIX, LazyApp
from cloudtrail_to_delta.ui.links import GuidanceLink


class CloudTrailPlugin(AirflowPlugin):
    """The project's pages, the links to them from its tasks, its pool, and the deadlines of its runs.

    Its operators and triggers are imported from the package.
    """

    name = "cloudtrail"
    # A list that Airflow reads and nobody changes; it declares it as an attribute of the instance.
    external_views = [  # noqa: RUF012 - as below
        {
            "name": "CloudTrail",
            # Relative to Airflow's own address, which may have a path.
            "href": f"{PREFIX.lstrip('/')}{HOME}",
            "destination": "nav",
            "url_route": "cloudtrail",
            "nav_top_level": True,
        }
    ]
    fastapi_apps = [{"name": "CloudTrail", "url_prefix": PREFIX, "app": LazyApp()}]  # noqa: RUF012 - as above
    operator_extra_links = [GuidanceLink()]  # noqa: RUF012 - as above
    listeners = [pools, renewal]  # noqa: RUF012 - as above
