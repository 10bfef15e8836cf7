r"""The views `<table>_flat` and `<table>_unique`: who did what, from where and on what.

The expressions work in ANSI mode, in which a cast of text that is not a number, or an element that an array
does not have, fails the whole query. They read only a row's own columns, except `is_repeat`, which is a
window over one event. Spark leaves a window out of a query that does not name its column, so that filters
still skip files. Source: docs/adr/0028-flat-views.md.

Sources of the rules: AWS CloudTrail User Guide, "CloudTrail userIdentity element", "CloudTrail record
contents for management, data, and network activity events", "AWS Management Console sign-in events".
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.tables.sql import quote_name, text_literal

_IDENTITY = "userIdentity"
_SESSION = "userIdentity.sessionContext"
_ISSUER = "userIdentity.sessionContext.sessionIssuer"
# `arn:aws:sts::<account>:assumed-role/<role>/<session>`; REGEXP_EXTRACT returns '' for no match.
_ROLE_OF_ARN = f"NULLIF(REGEXP_EXTRACT({_IDENTITY}.arn, ':assumed-role/([^/]+)/', 1), '')"
_IS_ADDRESS = "sourceIPAddress RLIKE '^[0-9a-fA-F.:]+$' AND sourceIPAddress RLIKE '[.:]'"
_SIGN_IN = "eventType = 'AwsConsoleSignIn' AND responseElements[eventName] = 'Failure'"
_INSTANCE = "\\\\bi-[0-9a-fA-F]{8}(?:[0-9a-fA-F]{9})?\\\\b"
_NAMING_INSTANCES = ", ".join(
    [
        *(
            f"TRY_ELEMENT_AT(requestParameters, '{name}')"
            for name in ("instanceId", "instanceIds", "instancesSet", "target", "resourceId")
        ),
        "TRY_ELEMENT_AT(responseElements, 'instancesSet')",
    ]
)
# The rank of a record among the deliveries of its event. The text is part of it: one event id can have two
# texts, and then both records count.
_NTH = (
    "ROW_NUMBER() OVER (PARTITION BY `date`, recipientAccountId, eventID, SHA2(raw, 256) "
    "ORDER BY delivered_at, log_file, record_index)"
)


@dataclass(frozen=True)
class FlatColumn:
    """A column of the view: its name, its expression over the table's columns, and what it means."""

    name: str
    expression: str
    comment: str


def _last_part(text: str) -> str:
    """Return the expression for what follows the last slash or colon."""
    return f"REGEXP_EXTRACT({text}, '([^/:]+)$', 1)"


FLAT = (
    FlatColumn("time", "`timestamp`", "When the request completed, as an instant"),
    FlatColumn("account", "recipientAccountId", "The account that the record was delivered to"),
    FlatColumn("account_alias", "own_account.alias", "The account's alias, by accounts.yaml or the form"),
    FlatColumn("account_owner", "own_account.owner", "The account's owner"),
    FlatColumn(
        "account_environment", "own_account.environment", "What the account is for, such as production"
    ),
    FlatColumn("region", "awsRegion", "The region that received the request"),
    FlatColumn(
        "principal",
        "COALESCE("
        f"CASE {_IDENTITY}.type WHEN 'Root' THEN 'root' WHEN 'AWSService' THEN {_IDENTITY}.invokedBy "
        f"WHEN 'FederatedUser' THEN {_last_part(f'{_IDENTITY}.arn')} "
        f"WHEN 'IdentityCenterUser' THEN {_IDENTITY}.onBehalfOf.userId END, "
        f"{_ROLE_OF_ARN}, {_IDENTITY}.userName, {_ISSUER}.userName, "
        f"NULLIF({_last_part(f'{_IDENTITY}.arn')}, ''), {_IDENTITY}.principalId, {_IDENTITY}.invokedBy, "
        f"{_IDENTITY}.accountId)",
        "Who made the request, as a name: the user, the role, root, or the AWS service; for an identity "
        "without a name, its id",
    ),
    FlatColumn(
        "principal_type",
        f"{_IDENTITY}.type",
        "IAMUser, AssumedRole, Root, AWSService, AWSAccount, WebIdentityUser, …; null in some service events",
    ),
    FlatColumn(
        "principal_arn",
        f"COALESCE({_ISSUER}.arn, {_IDENTITY}.arn)",
        "The ARN of the user or role; of a session, the one that issued it, so that it is the same in every "
        "session",
    ),
    FlatColumn(
        "role",
        f"COALESCE({_ROLE_OF_ARN}, CASE WHEN {_ISSUER}.type = 'Role' THEN {_ISSUER}.userName END)",
        "The role of the session; null if the caller has not assumed one",
    ),
    FlatColumn(
        "session",
        f"NULLIF(REGEXP_EXTRACT({_IDENTITY}.arn, ':assumed-role/[^/]+/(.+)$', 1), '')",
        "The name of the role's session: what the caller chose, often a user, a host or a function",
    ),
    FlatColumn("principal_account", f"{_IDENTITY}.accountId", "The account of the caller"),
    FlatColumn(
        "principal_account_alias",
        "caller_account.alias",
        "The alias of the caller's account; null if nobody gave it one",
    ),
    FlatColumn("access_key", f"{_IDENTITY}.accessKeyId", "The id of the access key"),
    FlatColumn(
        "is_root",
        f"COALESCE({_IDENTITY}.type = 'Root', FALSE)",
        "Whether the caller is the account's root user; see is_service for calls that a service made for it",
    ),
    FlatColumn(
        "is_service",
        f"COALESCE({_IDENTITY}.type = 'AWSService' OR {_IDENTITY}.invokedBy IS NOT NULL "
        "OR eventType = 'AwsServiceEvent', FALSE)",
        "Whether an AWS service made the call, for itself or for its caller",
    ),
    FlatColumn(
        "service",
        "REGEXP_REPLACE(eventSource, '[.]amazonaws[.]com([.]cn)?$', '')",
        "The service that was called, such as iam",
    ),
    FlatColumn("event", "eventName", "The API call, such as CreateUser"),
    FlatColumn(
        "is_read_only",
        "COALESCE(readOnly, eventName RLIKE '^(Get|List|Describe|Head|Lookup)[A-Z]')",
        "Whether the call only reads. Where an old record does not say: whether the call's name begins with "
        "Get, List, Describe, Head or Lookup",
    ),
    FlatColumn(
        "is_failed",
        f"errorCode IS NOT NULL OR errorMessage IS NOT NULL OR COALESCE({_SIGN_IN}, FALSE)",
        "Whether the call failed; also true for a failed console sign-in, which has no errorCode",
    ),
    FlatColumn(
        "failure",
        f"COALESCE(errorCode, errorMessage, CASE WHEN {_SIGN_IN} THEN 'Failure' END)",
        "Why it failed: the error code, or else the message; null if it did not fail",
    ),
    FlatColumn(
        "is_denied",
        "COALESCE(errorCode RLIKE "
        "'(?i)accessdenied|unauthorized|notauthorized|authorizationerror|forbidden|optinrequired', FALSE)",
        "Whether the caller was not allowed to make the call",
    ),
    FlatColumn(
        "has_mfa",
        f"COALESCE({_SESSION}.attributes.mfaAuthenticated = 'true', additionalEventData['MFAUsed'] = 'Yes')",
        "Whether the caller signed in with MFA; null if the record does not say",
    ),
    FlatColumn(
        "is_console",
        "COALESCE(sessionCredentialFromConsole = 'true', FALSE) "
        f"OR COALESCE({_SESSION}.attributes.sessionCredentialFromConsole = 'true', FALSE) "
        "OR COALESCE(eventType IN ('AwsConsoleSignIn', 'AwsConsoleAction'), FALSE)",
        "Whether the call came from the AWS console",
    ),
    FlatColumn(
        "source_ip",
        f"CASE WHEN {_IS_ADDRESS} THEN sourceIPAddress END",
        "The caller's address; null if an AWS service called",
    ),
    FlatColumn(
        "source_service",
        f"CASE WHEN NOT ({_IS_ADDRESS}) THEN sourceIPAddress END",
        "The AWS service that called, such as rds.amazonaws.com; null if the caller has an address",
    ),
    FlatColumn("vpc_endpoint", "vpcEndpointId", "The VPC endpoint through which the request passed"),
    FlatColumn("tls_version", "tlsDetails.tlsVersion", "The TLS version of the request"),
    FlatColumn(
        "resource_arns",
        "ARRAY_DISTINCT(FILTER(TRANSFORM(COALESCE(resources, ARRAY()), "
        "r -> COALESCE(TRY_ELEMENT_AT(r, 'ARN'), TRY_ELEMENT_AT(r, 'arn'))), arn -> arn IS NOT NULL))",
        "The ARNs of the resources that the record names; empty if it names none",
    ),
    FlatColumn(
        "bucket",
        "TRY_ELEMENT_AT(requestParameters, 'bucketName')",
        "The S3 bucket of the request",
    ),
    FlatColumn(
        "object_key",
        "CASE WHEN eventSource = 's3.amazonaws.com' THEN TRY_ELEMENT_AT(requestParameters, 'key') END",
        "The key of the S3 object",
    ),
    FlatColumn(
        "instance_ids",
        f"ARRAY_DISTINCT(REGEXP_EXTRACT_ALL(CONCAT_WS(' ', {_NAMING_INSTANCES}), '{_INSTANCE}', 0))",
        "The EC2 instances that the request or its response names; empty if there are none",
    ),
    FlatColumn(
        "target_role",
        "COALESCE(TRY_ELEMENT_AT(requestParameters, 'roleName'), "
        "NULLIF(REGEXP_EXTRACT(TRY_ELEMENT_AT(requestParameters, 'roleArn'), "
        "':role/(?:.*/)?([^/]+)$', 1), ''))",
        "The role that the request names, for example the one to assume",
    ),
    FlatColumn(
        "target_user",
        "TRY_ELEMENT_AT(requestParameters, 'userName')",
        "The user that the request names",
    ),
    FlatColumn(
        "bytes_in",
        "CAST(TRY_CAST(TRY_ELEMENT_AT(additionalEventData, 'bytesTransferredIn') AS DOUBLE) AS BIGINT)",
        "Bytes that the caller sent, in data events of S3",
    ),
    FlatColumn(
        "bytes_out",
        "CAST(TRY_CAST(TRY_ELEMENT_AT(additionalEventData, 'bytesTransferredOut') AS DOUBLE) AS BIGINT)",
        "Bytes that the caller received, in data events of S3",
    ),
    FlatColumn(
        "is_repeat",
        f"eventID IS NOT NULL AND {_NTH} > 1",
        "Whether the table has the same record from an earlier delivery, such as that of a second trail. "
        "Reading this column compares all records of the days that the query reads",
    ),
)


ACCOUNTS = {
    "id": "The account, 12 digits",
    "alias": "Its alias",
    "owner": "Its owner",
    "environment": "What it is for, such as production",
}


def accounts_query(names: Mapping[str, Mapping[str, str]]) -> str:
    """Return the query of the view `<table>_accounts`: one row per account that has a name.

    The aggregate tells Spark that an account occurs once. Then Spark leaves the join out of a query of the
    flat view that names none of its columns.

    Args:
        names: account → its names, by column.
    """
    # One row without an account gives the columns their type, also if there is no other row.
    rows = [", ".join(["CAST(NULL AS STRING)"] * len(ACCOUNTS))]
    for account in sorted(names):
        known = {"id": account, **names[account]}
        rows.append(", ".join(text_literal(known[one]) if known.get(one) else "NULL" for one in ACCOUNTS))
    given = ",\n  ".join(f"({row})" for row in rows)
    first, *rest = ACCOUNTS
    return (
        f"SELECT {first}, {', '.join(f'FIRST({one}) AS {one}' for one in rest)}\n"
        f"FROM VALUES\n  {given}\nAS given ({', '.join(ACCOUNTS)}) WHERE {first} IS NOT NULL GROUP BY {first}"
    )


def flat_columns(kind: str, *, repeats: bool) -> Mapping[str, str]:
    """Return the columns, name → comment: the flat ones, then the table's.

    Args:
        kind: the kind of the table's records.
        repeats: whether the view has the column `is_repeat`.
    """
    flat = {one.name: one.comment for one in FLAT if repeats or one.name != "is_repeat"}
    return flat | _own_columns(kind)


def _own_columns(kind: str) -> dict[str, str]:
    return dict.fromkeys(KINDS[kind].columns, "The table's column; DESCRIBE TABLE explains it")


def flat_query(kind: str, table: str, accounts: str) -> str:
    """Return the query of the view `<table>_flat`: the flat columns, then the table's.

    Args:
        kind: the kind of the table's records.
        table: the table.
        accounts: the view of the accounts' names, which has an account at most once.
    """
    flat = ",\n  ".join(f"{one.expression} AS {quote_name(one.name)}" for one in FLAT)
    own = ", ".join(quote_name(name) for name in KINDS[kind].columns)
    return (
        f"SELECT\n  {flat},\n  {own}\nFROM {table}\n"
        f"LEFT JOIN {accounts} AS own_account ON own_account.id = recipientAccountId\n"
        f"LEFT JOIN {accounts} AS caller_account ON caller_account.id = {_IDENTITY}.accountId"
    )


def unique_query(kind: str, table: str, accounts: str) -> str:
    """Return the query of the view `<table>_unique`: one row per event, from its first delivery."""
    names = ", ".join(quote_name(name) for name in flat_columns(kind, repeats=False))
    return f"SELECT {names} FROM ({flat_query(kind, table, accounts)}) WHERE NOT is_repeat"


def variant_columns(kind: str) -> dict[str, str]:
    """Return the columns of the view `<table>_variant` → their meaning."""
    return {
        "record": "The whole record; null if its text is not JSON that a VARIANT can hold"
    } | _own_columns(kind)


def variant_query(kind: str, table: str) -> str:
    """Return the query of the view `<table>_variant`, which parses `raw` when a query selects `record`."""
    own = ", ".join(quote_name(name) for name in KINDS[kind].columns)
    return f"SELECT TRY_PARSE_JSON(raw) AS record, {own} FROM {table}"
