"""moto's Resource Groups Tagging API with trails, which it does not find in moto's CloudTrail.

Source: AWS Resource Groups Tagging API Reference, GetResources.
"""

from collections.abc import Iterator
from typing import Any

from moto.cloudtrail.models import cloudtrail_backends
from moto.core.resource_tagging import TaggedResource, make_tag_matcher, match_resource_type
from moto.resourcegroupstaggingapi.models import ResourceGroupsTaggingAPIBackend

TRAIL = "cloudtrail:trail"

_of_others = ResourceGroupsTaggingAPIBackend._get_resources_generator


def _with_trails(
    self: ResourceGroupsTaggingAPIBackend,
    tag_filters: list[dict[str, Any]] | None = None,
    resource_type_filters: list[str] | None = None,
    resource_arn_list: list[str] | None = None,
) -> Iterator[TaggedResource]:
    yield from _of_others(self, tag_filters, resource_type_filters, resource_arn_list)
    if not match_resource_type(TRAIL, resource_type_filters):
        return
    matches = make_tag_matcher(tag_filters)
    backend = cloudtrail_backends[self.account_id][self.region_name]
    for trail in backend.trails.values():
        tags = backend.tagging_service.get_tag_dict_for_resource(trail.arn)
        if tags and matches(tags) and (not resource_arn_list or trail.arn in resource_arn_list):
            yield TaggedResource(arn=trail.arn, tags=tags, resource_type=TRAIL)


def register() -> None:
    """Make GetResources return trails too; call this before the server's first request."""
    # moto has no registry for this: its method handles each service that it knows.
    ResourceGroupsTaggingAPIBackend._get_resources_generator = _with_trails  # type: ignore[method-assign]
