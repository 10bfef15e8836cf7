"""The tables' columns: the guide's names and types, and a comment on each."""

import pytest

from cloudtrail_jobs.kinds import KINDS
from cloudtrail_jobs.schemas import QUARANTINE

GUIDE = {
    "events": {
        "eventTime": "STRING",
        "eventVersion": "STRING",
        "eventName": "STRING",
        "eventSource": "STRING",
        "awsRegion": "STRING",
        "sourceIPAddress": "STRING",
        "userAgent": "STRING",
        "errorCode": "STRING",
        "errorMessage": "STRING",
        "requestParameters": "MAP<STRING, STRING>",
        "responseElements": "MAP<STRING, STRING>",
        "additionalEventData": "MAP<STRING, STRING>",
        "requestID": "STRING",
        "eventID": "STRING",
        "readOnly": "BOOLEAN",
        "eventType": "STRING",
        "apiVersion": "STRING",
        "managementEvent": "BOOLEAN",
        "recipientAccountId": "STRING",
        "vpcEndpointId": "STRING",
        "eventCategory": "STRING",
        "serviceEventDetails": "MAP<STRING, STRING>",
        "sharedEventID": "STRING",
        "resources": "ARRAY<MAP<STRING, STRING>>",
        "sessionCredentialFromConsole": "STRING",
        "timestamp": "TIMESTAMP",
        "date": "DATE",
    },
    "insights": {
        "eventVersion": "STRING",
        "eventTime": "STRING",
        "awsRegion": "STRING",
        "eventID": "STRING",
        "eventType": "STRING",
        "recipientAccountId": "STRING",
        "sharedEventID": "STRING",
        "eventCategory": "STRING",
        "timestamp": "TIMESTAMP",
        "date": "DATE",
    },
}


@pytest.mark.parametrize("kind", GUIDE)
def test_the_guides_columns_keep_their_names_and_types(kind):
    types = {column.name: column.type for column in KINDS[kind].table_columns}
    assert GUIDE[kind].items() <= types.items()


@pytest.mark.parametrize("kind", KINDS)
def test_every_column_has_a_comment_and_stands_once(kind):
    columns = KINDS[kind].table_columns
    assert all(column.comment for column in columns)
    assert len({column.name.lower() for column in columns}) == len(columns)


def test_the_guides_two_misplaced_structs_are_where_the_data_is():
    (identity,) = (column for column in KINDS["events"].columns if column.name == "userIdentity")
    context = identity.type.partition("sessionContext: ")[2]
    assert "sessionIssuer" in context
    assert "webIdFederationData" in context


def test_the_quarantine_says_why_and_where():
    assert {"reason", "detail", "raw", "log_file", "record_index"} <= {c.name for c in QUARANTINE}
