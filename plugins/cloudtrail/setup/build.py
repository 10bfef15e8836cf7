"""Request → resources, in the order in which they are applied: each after what it needs."""

from cloudtrail.setup.databricks.build import databricks_resources
from cloudtrail.setup.request import SetupRequest
from cloudtrail.setup.resources import Resource


def build_resources(request: SetupRequest) -> list[Resource]:
    """The resources of the actions that are chosen."""
    chosen = [*databricks_resources(request)]
    return [resource for resource in chosen if resource.action in request["actions"]]
