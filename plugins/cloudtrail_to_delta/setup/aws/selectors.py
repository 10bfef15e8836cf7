"""The events that a trail records, as advanced event selectors.

Source: AWS CloudTrail API Reference, AdvancedEventSelector and AdvancedFieldSelector; User Guide, "Logging
management events" (exclusion of AWS KMS and Amazon RDS Data API events), "Logging data events", "Logging
network activity events".
"""

from collections.abc import Sequence

from cloudtrail_to_delta.params.setup import pipeline_objects
from cloudtrail_to_delta.setup.request import SetupRequest
from cloudtrail_to_delta.setup.resources import Document

READ_ONLY = {"read": "true", "write": "false"}
# The default of a trail: all management events.
DEFAULT_BASIC: Document = {
    "ReadWriteType": "All",
    "IncludeManagementEvents": True,
    "DataResources": [],
    "ExcludeManagementEventSources": [],
}


def advanced_selectors(request: SetupRequest) -> list[Document]:
    """Return the selectors of a trail in their normalized form."""
    selectors = [*_management(request)]
    if objects := list(request.s3_data_events):
        selectors.append(_objects(request, objects))
    if functions := list(request.lambda_data_events):
        fields = [] if functions == ["*"] else [_field("resources.ARN", "Equals", functions)]
        selectors.append(_data("Lambda data events", "AWS::Lambda::Function", fields))
    for source in request.network_activity_sources:
        fields = [_equals("eventCategory", "NetworkActivity"), _equals("eventSource", source)]
        selectors.append(_selector(f"Network activity of {source}", fields))
    return in_one_form(selectors)


def in_one_form(selectors: Sequence[Document]) -> list[Document]:
    """Return the selectors with sorted fields and values, because the order has no meaning.

    Operators without values are left out: CloudTrail returns every operator, and empty lists for unused ones.
    """
    return [
        {
            "Name": selector.get("Name", ""),
            "FieldSelectors": sorted(
                (
                    {
                        name: sorted(value) if isinstance(value, list) else value
                        for name, value in field.items()
                        if value != []
                    }
                    for field in selector["FieldSelectors"]
                ),
                key=lambda field: str(field["Field"]),
            ),
        }
        for selector in selectors
    ]


def _management(request: SetupRequest) -> list[Document]:
    events = request.management_events
    if events == "none":
        return []
    fields = [_equals("eventCategory", "Management")]
    if events in READ_ONLY:
        fields.append(_equals("readOnly", READ_ONLY[events]))
    excluded = ["kms.amazonaws.com"] * request.exclude_kms_events
    excluded += ["rdsdata.amazonaws.com"] * request.exclude_rds_data_events
    if excluded:
        fields.append(_field("eventSource", "NotEquals", excluded))
    return [_selector("Management events", fields)]


def _objects(request: SetupRequest, objects: list[str]) -> Document:
    """Select S3 objects. `*` excludes the pipeline's: each delivery and each run would cause new events."""
    if objects != ["*"]:
        fields = [_field("resources.ARN", "StartsWith", objects)]
    else:
        mine = pipeline_objects(request.bucket, _roots(request))
        fields = [_field("resources.ARN", "NotStartsWith", [_with(request.partition, one) for one in mine])]
    return _data("S3 data events", "AWS::S3::Object", fields)


def _roots(request: SetupRequest) -> tuple[str, ...]:
    return (request.target_root, request.checkpoint_root, request.code_root)


def _with(partition: str, arn: str) -> str:
    return arn.replace("arn:aws:", f"arn:{partition}:", 1)


def _data(name: str, kind: str, fields: list[Document]) -> Document:
    return _selector(name, [_equals("eventCategory", "Data"), _equals("resources.type", kind), *fields])


def _selector(name: str, fields: list[Document]) -> Document:
    return {"Name": name, "FieldSelectors": fields}


def _equals(field: str, value: str) -> Document:
    return _field(field, "Equals", [value])


def _field(field: str, operator: str, values: list[str]) -> Document:
    return {"Field": field, operator: values}
