"""moto's Organizations, with one ID for every organization, so that params and keys of log files can name it.

Also what CloudTrail asks it before it makes an organization trail. Sources: AWS CloudTrail API Reference,
CreateTrail, errors; User Guide, "Organization delegated administrator": the trail belongs to the management
account, and the administrator names it by that ARN.
"""

from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.organizations import utils
from moto.organizations.exceptions import AWSOrganizationsNotInUseException
from moto.organizations.models import (
    FakeDelegatedAdministrator,
    OrganizationsBackend,
    organizations_backends,
)

from sandbox.aws.rules import RULES

ORGANIZATION = "o-a1b2c3d4e5"
CLOUDTRAIL = "cloudtrail.amazonaws.com"
_PARTITION = "aws"


def register() -> None:
    """Give organizations their ID; call this before the server's first request."""
    utils.make_random_org_id = lambda: ORGANIZATION
    if CLOUDTRAIL not in FakeDelegatedAdministrator.SUPPORTED_SERVICES:
        FakeDelegatedAdministrator.SUPPORTED_SERVICES.append(CLOUDTRAIL)
    OrganizationsBackend.list_aws_service_access_for_organization = _service_access  # type: ignore[method-assign]
    OrganizationsBackend.list_delegated_administrators = _administrators  # type: ignore[method-assign]


_of_own_services = OrganizationsBackend.list_aws_service_access_for_organization
_of_own_administrators = OrganizationsBackend.list_delegated_administrators


def _service_access(self: OrganizationsBackend) -> dict[str, Any]:
    return _of_own_services(_administered(self))


def _administrators(self: OrganizationsBackend, **kwargs: str) -> dict[str, Any]:
    return _of_own_administrators(_administered(self), **kwargs)


def _administered(own: OrganizationsBackend) -> OrganizationsBackend:
    """Return the organization that an account administers; other members are refused.

    Source: AWS Organizations API Reference: "You can only call this operation from the management account or
    a member account that is a delegated administrator."
    """
    found = organization_of(own.account_id)
    if found is None:
        raise AWSOrganizationsNotInUseException
    if own.account_id not in (found.account_id, *(one.account.id for one in found.admins)):
        message = "You don't have permissions to access this resource."
        raise JsonRESTError("AccessDeniedException", message)
    return found


def organization_of(account: str) -> OrganizationsBackend | None:
    """Return the backend of the organization of an account; None if it is in none."""
    if account in organizations_backends.master_accounts:
        owner, partition = organizations_backends.master_accounts[account]
        return organizations_backends[owner][partition]
    if account not in organizations_backends:
        return None
    own = organizations_backends[account][_PARTITION]
    return own if own.org else None


def trail_owner(account: str) -> str:
    """Return the account whose organization trails an account makes and changes; its own if it may not."""
    found = organization_of(account)
    if found is None:
        return account
    delegated = RULES.delegated_trails and any(
        one.account.id == account and CLOUDTRAIL in one.services for one in found.admins
    )
    return str(found.account_id) if delegated else account


def refusal(account: str) -> str:
    """Return the code with which CloudTrail refuses an organization trail to an account; empty for none."""
    found = organization_of(account)
    if found is None or found.org is None:
        return "OrganizationsNotInUseException"
    if found.org.feature_set != "ALL":
        return "OrganizationNotInAllFeaturesModeException"
    if trail_owner(account) != found.account_id:
        return "NotOrganizationMasterAccountException"
    enabled = {one["ServicePrincipal"] for one in found.services}
    return "" if CLOUDTRAIL in enabled or not RULES.trusted_access else "CloudTrailAccessNotEnabledException"
