"""The Airflow plugin of this package. It contains wiring only.

The distribution's entry point `airflow.plugins` names this class. A copied `plugins/` folder has
`cloudtrail_plugin.py`, which imports it. If both exist, Airflow loads one and skips the other.
"""

from airflow.plugins_manager import AirflowPlugin

from cloudtrail_to_delta.alerts import renewal
from cloudtrail_to_delta.runs import pools
from cloudtrail_to_delta.ui import HOME, PREFIX, LazyApp
from cloudtrail_to_delta.ui.links import GuidanceLink


class CloudTrailPlugin(AirflowPlugin):
    """The project's pages, the links from its tasks to them, its pool, and the deadlines of its runs.

    Operators and triggers are not part of the plugin; they are imported from the package.
    """

    name = "cloudtrail"
    # Airflow only reads this list, and declares it as an attribute of the instance.
    external_views = [  # noqa: RUF012 - as below
        {
            "name": "CloudTrail",
            # Relative to Airflow's address, which may have a path.
            "href": f"{PREFIX.lstrip('/')}{HOME}",
            "destination": "nav",
            "url_route": "cloudtrail",
            "nav_top_level": True,
        }
    ]
    fastapi_apps = [{"name": "CloudTrail", "url_prefix": PREFIX, "app": LazyApp()}]  # noqa: RUF012 - as above
    operator_extra_links = [GuidanceLink()]  # noqa: RUF012 - as above
    listeners = [pools, renewal]  # noqa: RUF012 - as above
