"""The resources in Databricks: instance profile, compute, and the Unity Catalog alternative."""

from cloudtrail.setup.request import SetupRequest
from cloudtrail.setup.resources import Resource


def databricks_resources(request: SetupRequest) -> list[Resource]:  # noqa: ARG001 - its resources come next
    """What the action `databricks` makes, in the order in which it is applied."""
    return []
