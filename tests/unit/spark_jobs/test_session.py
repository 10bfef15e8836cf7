"""Which columns Parquet keeps no dictionary of: what is new in nearly every record, and nothing else."""

from cloudtrail_jobs.session import unrepeated_columns


def test_they_are_texts_ids_and_the_values_of_maps_wherever_those_are():
    found = unrepeated_columns()
    assert {"raw", "eventID", "eventId", "requestID", "digestS3Object"} <= set(found)
    rest = set(found) - {"raw", "eventID", "eventId", "requestID", "digestS3Object"}
    assert all(path.endswith(".key_value.value") for path in rest)
    assert {
        "requestParameters.key_value.value",
        "resources.list.element.key_value.value",
        "userIdentity.sessionContext.webIdFederationData.attributes.key_value.value",
    } <= rest
