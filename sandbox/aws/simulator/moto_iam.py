"""The simulator as an additional operation of moto's IAM service, on the policies that moto holds."""

import contextlib
from collections.abc import Callable

from moto.core.exceptions import AccessDeniedError
from moto.core.responses import ActionResult
from moto.iam import urls
from moto.iam.exceptions import IAMException, NoSuchEntity
from moto.iam.models import Group, IAMBackend, ManagedPolicy, Role, User
from moto.iam.responses import IamResponse

from sandbox.aws.rules import RULES
from sandbox.aws.simulator.documents import PolicyDocument, parse
from sandbox.aws.simulator.errors import SimulationError
from sandbox.aws.simulator.organization import control_levels
from sandbox.aws.simulator.principals import Principal, principal_from_arn
from sandbox.aws.simulator.simulation import Attached, simulate


class SimulatingIamResponse(IamResponse):
    """moto's IAM with SimulatePrincipalPolicy; moto finds an operation by the name of its method."""

    def simulate_principal_policy(self) -> ActionResult:
        """Answer one SimulatePrincipalPolicy call; errors have their IAM code."""
        try:
            source = principal_from_arn(self._get_param("PolicySourceArn"))
            if source.account != self.current_account:
                raise AccessDeniedError(
                    user_arn=f"arn:aws:iam::{self.current_account}:root",
                    action=f"iam:SimulatePrincipalPolicy on resource: {source.arn}",
                )
            if RULES.unknown_callers and (caller := self._get_param("CallerArn")):
                _require_entity(caller, self.backend)
            return ActionResult(simulate(self.params, source, policies_of(source, self.backend)))
        except SimulationError as error:
            raise IAMException(error.code, str(error)) from error


def register() -> None:
    """Route moto's IAM through `SimulatingIamResponse`; call this before the server's first IAM request."""
    urls.url_paths["{0}/$"] = SimulatingIamResponse.dispatch


def policies_of(principal: Principal, backend: IAMBackend) -> Attached:
    """Return every policy of `principal` in IAM: inline, attached, of its groups, and its boundary.

    Raises:
        NoSuchEntity: moto's error, if the user, group or role does not exist.
    """
    entity = _entity(principal, backend)
    identity = _own_policies(principal.kind, entity)
    if principal.kind == "user":
        for group in backend.get_groups_for_user(principal.name):
            identity += _own_policies("group", group)
    boundary = getattr(entity, "permissions_boundary_arn", None)
    return Attached(
        identity=tuple(identity),
        boundary=_managed(backend.get_policy(boundary)) if boundary else None,
        organization=control_levels(principal.account),
    )


def _require_entity(arn: str, backend: IAMBackend) -> None:
    with contextlib.suppress(SimulationError):  # `simulate` refuses such an ARN in other words
        _entity(principal_from_arn(arn), backend)


def _entity(principal: Principal, backend: IAMBackend) -> User | Group | Role:
    finders: dict[str, Callable[[str], User | Group | Role]] = {
        "user": backend.get_user,
        "group": backend.get_group,
        "role": backend.get_role,
    }
    unknown = NoSuchEntity(f"The {principal.kind} with name {principal.name} cannot be found.")
    try:
        entity = finders[principal.kind](principal.name)
    except IAMException as error:
        raise unknown from error
    if entity.arn != principal.arn:  # the same name under another path
        raise unknown
    return entity


def _own_policies(kind: str, entity: User | Group | Role) -> list[PolicyDocument]:
    inline = [
        parse(text, source_id=f"{kind}_{entity.name}_{name}", source_type="IAM Policy")
        for name, text in entity.policies.items()
    ]
    return inline + [_managed(policy) for policy in entity.managed_policies.values()]


def _managed(policy: ManagedPolicy) -> PolicyDocument:
    default = next(version for version in policy.versions if version.version_id == policy.default_version_id)
    return parse(default.document, source_id=policy.name, source_type="IAM Policy")
