"""The views of events in the Open Cybersecurity Schema Framework (OCSF): one per class.

`_CLASS` puts each record into exactly one class. Sources:

- The classes Authentication, Account Change and API Activity, and the attributes: ocsf/examples,
  mappings/markdown/AWS/v1.5.0/CloudTrail. The names of their events:
  mappings/bloblang/AWS/CloudTrail/v1.1.0/cloudtrail.yml.
- OCSF has no published mapping of CloudTrail to Entity Management. The rule is ours: a change of an entity of
  identity or of the organization that is not a user, role or group.
- ocsf/ocsf-schema, tag 1.5.0: required attributes and values. A test compares the views with it.

Why: docs/adr/0043-ocsf.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cloudtrail_to_delta.tables.sql import quote_name, text_literal

# The version of the schema that the views follow: the newest with a published mapping of CloudTrail.
VERSION = "1.5.0"

_AUTHENTICATION = (
    "ConsoleLogin",
    "ExternalIdPDirectoryLogin",
    "CheckMfa",
    "CredentialChallenge",
    "CredentialVerification",
    "UserAuthentication",
    "AssumeRole",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
)
# The services whose users, roles and groups are those of AWS. Others have a CreateUser of their own.
_IDENTITY_SERVICES = ("iam", "signin", "account", "sso", "sso-directory", "identitystore")
_ENTITY_SERVICES = (*_IDENTITY_SERVICES, "organizations")
_ACCOUNT_CHANGE = (
    "AccountNameUpdated AddRoleToInstanceProfile AddUserToGroup AttachGroupPolicy AttachRolePolicy "
    "AttachUserPolicy ChangePassword CreateAccessKey CreateAccountAlias CreateGroup CreateInstanceProfile "
    "CreateLoginProfile CreateRole CreateServiceLinkedRole CreateUser CreateVirtualMFADevice "
    "DeactivateMFADevice DeleteAccessKey DeleteAccountAlias DeleteAccountPasswordPolicy DeleteGroup "
    "DeleteGroupPolicy DeleteInstanceProfile DeleteLoginProfile DeletePolicy DeleteRole "
    "DeleteRolePermissionsBoundary DeleteRolePolicy DeleteServiceLinkedRole DeleteUser "
    "DeleteUserPermissionsBoundary DeleteUserPolicy DeleteVirtualMFADevice DetachGroupPolicy "
    "DetachRolePolicy DetachUserPolicy EmailUpdated EnableMFADevice FinalizeSmsMfaRegistration "
    "PasswordUpdated PutGroupPolicy PutRolePermissionsBoundary PutRolePolicy PutUserPermissionsBoundary "
    "PutUserPolicy RemoveRoleFromInstanceProfile RemoveUserFromGroup RequestSmsMfaRegistration "
    "ResyncMFADevice TagInstanceProfile TagRole TagUser UntagInstanceProfile UntagRole UntagUser "
    "UpdateAccessKey UpdateAccountEmailAddress UpdateAccountName UpdateAccountPasswordPolicy "
    "UpdateAssumeRolePolicy UpdateGroup UpdateLoginProfile UpdateRole UpdateRoleDescription UpdateUser"
)


def _one_of(column: str, values: tuple[str, ...] | list[str]) -> str:
    return f"{column} IN ({', '.join(map(text_literal, values))})"


# A null in a condition is not true, so a record without a name or service is API Activity.
_CLASS = (
    f"CASE WHEN {_one_of('event', _AUTHENTICATION)} THEN 3002 "
    f"WHEN {_one_of('service', _IDENTITY_SERVICES)} "
    f"AND {_one_of('event', _ACCOUNT_CHANGE.split())} THEN 3001 "
    f"WHEN {_one_of('service', _ENTITY_SERVICES)} AND NOT is_read_only THEN 3004 ELSE 6003 END"
)
# The first word of a call's name says what it does. Update comes last: its words are the most general.
_VERBS = (
    "WHEN event RLIKE '^(Batch)?(Create|Run|Generate|Register|Allocate|Import|Upload)' THEN 1 "
    "WHEN event RLIKE '^(Batch)?(Delete|Terminate|Deregister|Release)' THEN 4 "
    "WHEN event RLIKE '^(Batch)?(Update|Put|Modify|Set|Add|Remove|Start|Stop|Attach|Detach|Associate|"
    "Disassociate|Tag|Untag|Enable|Disable|Replace|Authorize|Revoke|Reboot|Change)' THEN 3 "
)


@dataclass(frozen=True)
class OcsfClass:
    """A class of OCSF: its number and names, its activities, and its own attributes.

    Attributes:
        activity: the expression of the activity's number.
        activities: the number of each activity that the expression gives → its caption in the schema.
        own: attribute → expression, besides those of every class.
    """

    uid: int
    caption: str
    category: str
    activity: str
    activities: Mapping[int, str]
    own: Mapping[str, str]


def _struct(parts: Mapping[str, str]) -> str:
    fields = ", ".join(f"{text_literal(name)}, {value}" for name, value in parts.items())
    return f"NAMED_STRUCT({fields})"


def _if_any(parts: Mapping[str, str]) -> str:
    """Return a struct that is null if all its parts are."""
    some = " OR ".join(f"{value} IS NOT NULL" for value in parts.values())
    return f"CASE WHEN {some} THEN {_struct(parts)} END"


def _named(value: str) -> str:
    return _if_any({"name": value})


def _with_uid(value: str) -> str:
    return _if_any({"uid": value})


def _request(name: str) -> str:
    return f"TRY_ELEMENT_AT(requestParameters, '{name}')"


def _response(path: str) -> str:
    """Return what the response has at a path; null if it is not JSON."""
    first, _, rest = path.partition(".")
    return f"GET_JSON_OBJECT(TRY_ELEMENT_AT(responseElements, '{first}'), '$.{rest}')"


_SESSION = "userIdentity.sessionContext"
_ACTOR_USER = _struct(
    {
        # The schema requires an actor. 'Unknown' is its word for what a source lacks.
        "name": "COALESCE(principal, 'Unknown')",
        "type": "principal_type",
        "uid": "userIdentity.arn",
        "uid_alt": "COALESCE(userIdentity.principalId, userIdentity.onBehalfOf.userId)",
        "credential_uid": "COALESCE(access_key, userIdentity.credentialId)",
        "account": _if_any({"uid": "principal_account", "name": "principal_account_alias"}),
    }
)
_COMMON = {
    "time": "UNIX_MILLIS(time)",
    "time_dt": "time",
    "status_id": "IF(is_failed, 2, 1)",
    "status": "IF(is_failed, 'Failure', 'Success')",
    "status_code": "errorCode",
    "status_detail": "failure",
    "severity_id": "1",
    "severity": "'Informational'",
    "metadata": _struct(
        {
            "version": f"'{VERSION}'",
            "product": _struct(
                {
                    "name": "'CloudTrail'",
                    "vendor_name": "'AWS'",
                    "version": "eventVersion",
                    "feature": _named("eventCategory"),
                }
            ),
            "profiles": "ARRAY('cloud', 'datetime')",
            "uid": "eventID",
            "event_code": "eventType",
            "original_time": "eventTime",
        }
    ),
    "cloud": _struct(
        {
            "provider": "'AWS'",
            "region": "region",
            "account": _if_any({"uid": "account", "name": "account_alias"}),
        }
    ),
    "actor": _struct(
        {
            "user": _ACTOR_USER,
            "session": _if_any(
                {
                    "issuer": f"{_SESSION}.sessionIssuer.arn",
                    "is_mfa": f"TRY_CAST({_SESSION}.attributes.mfaAuthenticated AS BOOLEAN)",
                    "created_time_dt": f"TRY_CAST({_SESSION}.attributes.creationDate AS TIMESTAMP)",
                }
            ),
            "invoked_by": "userIdentity.invokedBy",
            "idp": _if_any(
                {
                    "name": "COALESCE(userIdentity.identityProvider, "
                    f"{_SESSION}.webIdFederationData.federatedProvider)",
                    "uid": "userIdentity.onBehalfOf.identityStoreArn",
                }
            ),
        }
    ),
    "api": _struct(
        {
            "operation": "COALESCE(event, 'Unknown')",
            "version": "apiVersion",
            "service": _named("eventSource"),
            "request": f"CASE WHEN requestID IS NOT NULL THEN "
            f"{_struct({'uid': 'requestID', 'data': 'TO_JSON(requestParameters)'})} END",
            "response": _if_any(
                {"error": "errorCode", "error_message": "errorMessage", "data": "TO_JSON(responseElements)"}
            ),
        }
    ),
    "src_endpoint": _struct(
        {
            "ip": "source_ip",
            "domain": "source_service",
            "uid": "vpc_endpoint",
            "name": "CASE WHEN COALESCE(sourceIPAddress, vpc_endpoint) IS NULL THEN 'Unknown' END",
        }
    ),
    "http_request": _if_any({"user_agent": "userAgent"}),
    "raw_data": "raw",
}
_TARGET_USER = _struct(
    {
        "name": f"COALESCE(target_user, target_role, {_request('groupName')}, "
        f"{_request('instanceProfileName')}, {_request('serialNumber')}, "
        f" {_request('policyArn')}, principal, 'Unknown')",
        "uid": f"COALESCE({_response('user.userId')}, {_response('role.roleId')})",
    }
)
CLASSES = {
    "api_activity": OcsfClass(
        6003,
        "API Activity",
        "Application Activity",
        "CASE WHEN is_read_only OR event RLIKE '^(Get|List|Describe|Search|Lookup)' THEN 2 "
        f"{_VERBS}ELSE 99 END",
        {1: "Create", 2: "Read", 3: "Update", 4: "Delete"},
        {
            "resources": "TRANSFORM(FILTER(resources, r -> "
            "COALESCE(TRY_ELEMENT_AT(r, 'ARN'), TRY_ELEMENT_AT(r, 'arn')) IS NOT NULL), r -> "
            + _struct(
                {
                    "uid": "COALESCE(TRY_ELEMENT_AT(r, 'ARN'), TRY_ELEMENT_AT(r, 'arn'))",
                    "type": "TRY_ELEMENT_AT(r, 'type')",
                    "owner": _if_any({"account": _with_uid("TRY_ELEMENT_AT(r, 'accountId')")}),
                }
            )
            + ")"
        },
    ),
    "authentication": OcsfClass(
        3002,
        "Authentication",
        "Identity & Access Management",
        "CASE WHEN event RLIKE '^(ConsoleLogin|ExternalIdPDirectoryLogin|UserAuthentication|AssumeRole)' "
        "THEN 1 ELSE 99 END",
        {1: "Logon"},
        {
            "user": _struct(
                {
                    "name": f"COALESCE({_request('roleSessionName')}, principal, 'Unknown')",
                    "uid": f"COALESCE({_request('roleArn')}, userIdentity.arn)",
                    "uid_alt": "userIdentity.principalId",
                }
            ),
            "is_mfa": "has_mfa",
            "service": _named("COALESCE(eventSource, 'Unknown')"),
            "dst_endpoint": _if_any({"svc_name": "TRY_ELEMENT_AT(additionalEventData, 'LoginTo')"}),
            "session": _if_any(
                {
                    "uid": _response("assumedRoleUser.arn"),
                    "uid_alt": _response("assumedRoleUser.assumedRoleId"),
                    "credential_uid": _response("credentials.accessKeyId"),
                }
            ),
        },
    ),
    "account_change": OcsfClass(
        3001,
        "Account Change",
        "Identity & Access Management",
        "CASE WHEN event IN ('ChangePassword', 'PasswordUpdated', 'UpdateLoginProfile') THEN 3 "
        "WHEN event = 'EnableMFADevice' THEN 10 WHEN event = 'DeactivateMFADevice' THEN 11 "
        "WHEN event RLIKE '^(Attach|Put)' OR event = 'AddUserToGroup' THEN 7 "
        "WHEN event RLIKE '^(Detach|Remove)' OR event RLIKE '^Delete(User|Role|Group)(Policy|Permissions)' "
        "THEN 8 WHEN event RLIKE '^Create(User|Role|ServiceLinkedRole|Group)$' THEN 1 "
        "WHEN event RLIKE '^Delete(User|Role|ServiceLinkedRole|Group)$' THEN 6 ELSE 99 END",
        {
            1: "Create",
            3: "Password Change",
            6: "Delete",
            7: "Attach Policy",
            8: "Detach Policy",
            10: "MFA Factor Enable",
            11: "MFA Factor Disable",
        },
        {
            "user": _TARGET_USER,
            "policy": _if_any({"uid": _request("policyArn"), "name": _request("policyName")}),
        },
    ),
    "entity_management": OcsfClass(
        3004,
        "Entity Management",
        "Identity & Access Management",
        f"CASE {_VERBS}ELSE 99 END",
        {1: "Create", 3: "Update", 4: "Delete"},
        {
            "entity": _struct(
                {
                    "name": f"COALESCE({_request('policyName')}, {_request('name')}, "
                    f"{_request('accountName')}, {_request('serverCertificateName')}, service, 'Unknown')",
                    "uid": f"COALESCE(TRY_ELEMENT_AT(resource_arns, 1), {_request('policyArn')}, "
                    f"{_request('policyId')}, {_request('accountId')}, "
                    f"{_request('openIDConnectProviderArn')}, {_request('sAMLProviderArn')})",
                }
            )
        },
    ),
}
_MEANING = {
    "time": "When the request completed, in milliseconds since 1970",
    "time_dt": "The same as an instant",
    "metadata": f"The schema's version ({VERSION}), the product, and the record's eventID in uid",
    "raw_data": "The record's exact text",
    "date": "Not of OCSF: the table's partition column. A condition on it reads only those days",
}


def ocsf_columns(name: str) -> dict[str, str]:
    """Return the columns of a class's view → their meaning."""
    return {
        column: _MEANING.get(column, f"OCSF {VERSION}: {column}") for column in _expressions(CLASSES[name])
    }


def ocsf_query(name: str, flat: str) -> str:
    """Return the query of a class's view: the records of the class, with its attributes as columns.

    Args:
        name: the class.
        flat: the view `<table>_flat`.
    """
    one = CLASSES[name]
    columns = ",\n  ".join(
        f"{value} AS {quote_name(column)}" for column, value in _expressions(one).items() if column != "date"
    )
    return f"SELECT\n  {columns},\n  `date`\nFROM {flat}\nWHERE {_CLASS} = {one.uid}"


def _expressions(one: OcsfClass) -> dict[str, str]:
    names = " ".join(f"WHEN {uid} THEN {text_literal(name)}" for uid, name in one.activities.items())
    captions = f"CASE {one.activity} {names} ELSE {{}} END"
    return {
        "class_uid": str(one.uid),
        "class_name": text_literal(one.caption),
        "category_uid": str(one.uid // 1000),
        "category_name": text_literal(one.category),
        "activity_id": one.activity,
        # The schema wants the source's own word for what none of its activities is.
        "activity_name": captions.format("COALESCE(event, 'Other')"),
        "type_uid": f"{one.uid} * 100 + {one.activity}",
        "type_name": f"CONCAT({text_literal(f'{one.caption}: ')}, {captions.format(text_literal('Other'))})",
        **_COMMON,
        **one.own,
        "date": "`date`",
    }
