"""What AWS Organizations requires for an organization trail, checked before anything is written.

Without this check, bucket, role and policies would be made before CreateTrail fails. Sources: AWS CloudTrail
User Guide, "Prepare for creating a trail for your organization" and "Organization delegated administrator";
AWS Organizations API Reference, DescribeOrganization, ListAWSServiceAccessForOrganization and
ListDelegatedAdministrators (the last two only for the management account and delegated administrators).
"""

from typing import Any

from cloudtrail_to_delta.hooks.aws_errors import DENIED, error_code
from cloudtrail_to_delta.setup.refusals import ImpossibleChangeError, missing_action

SERVICE = "cloudtrail.amazonaws.com"


def require_organization(client: Any, account: str, *, organization: str, management: str) -> None:
    """Raise if CloudTrail will refuse an organization trail to an account.

    Args:
        client: a client of the account.
        account: the account that makes the trail.
        organization: the organization's ID, as given.
        management: the management account, as given; `account` if it is that account.

    Raises:
        ImpossibleChangeError: with the command or the param that helps.
    """
    from botocore.exceptions import ClientError

    trail = f"an organization trail cannot be created from account {account}"
    try:
        found = client.describe_organization()["Organization"]
    except ClientError as error:
        if error_code(error) != "AWSOrganizationsNotInUseException":
            raise
        raise ImpossibleChangeError(
            f"{trail}: it is in no organization. Leave organization empty, or give the organization's "
            "management account in trail_accounts."
        ) from error
    owner = str(found["MasterAccountId"])
    if found["Id"] != organization:
        raise ImpossibleChangeError(
            f"{trail}: its organization is {found['Id']}. Set organization to that ID."
        )
    if found["FeatureSet"] != "ALL":
        raise ImpossibleChangeError(
            f"{trail}: the organization does not have all features. Run in account {owner}: aws "
            "organizations enable-all-features"
        )
    if owner != management:
        raise ImpossibleChangeError(
            f"{trail} for management account {management}: the organization's is {owner}. Give it in "
            "trail_accounts or, if the account is CloudTrail's delegated administrator, in "
            "management_account."
        )
    if account != owner and not _is_delegated(client, account):
        raise ImpossibleChangeError(
            f"{trail}: it is neither the management account nor CloudTrail's delegated administrator. Run in "
            f"account {owner}: aws cloudtrail register-organization-delegated-admin --member-account-id "
            f"{account}"
        )
    pages = client.get_paginator("list_aws_service_access_for_organization").paginate()
    if SERVICE not in {one["ServicePrincipal"] for page in pages for one in page["EnabledServicePrincipals"]}:
        raise ImpossibleChangeError(
            f"{trail}: CloudTrail has no trusted access to the organization. Run in account {owner}: aws "
            f"organizations enable-aws-service-access --service-principal {SERVICE}"
        )


def _is_delegated(client: Any, account: str) -> bool:
    from botocore.exceptions import ClientError

    pages = client.get_paginator("list_delegated_administrators").paginate(ServicePrincipal=SERVICE)
    try:
        return account in {one["Id"] for page in pages for one in page["DelegatedAdministrators"]}
    except ClientError as error:
        # Organizations denies it to other members. Only a denial by a policy names the action.
        if error_code(error) in DENIED and not missing_action(error):
            return False
        raise
