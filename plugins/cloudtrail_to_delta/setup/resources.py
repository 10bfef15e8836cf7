"""The interface of a resource: an object in AWS or Databricks that the set-up creates, changes and removes.

A document holds the settings that the set-up manages: setting → JSON value, for example a policy. It leaves
out settings that only the service manages. Each task builds the resources from the request, without any call.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

    from cloudtrail_to_delta.hooks.databricks import IngestHook
    from cloudtrail_to_delta.setup.aws.clients import AccountClients

Document = dict[str, Any]

# Everything that the set-up creates carries this tag. Its value is the name of the set-up.
TAG = "cloudtrail-setup"


@dataclass(frozen=True, kw_only=True)
class Found:
    """The current state of a resource.

    Attributes:
        document: setting → value, for the settings that the set-up manages.
        owner: the value of its tag `cloudtrail-setup`; empty if it has no such tag or cannot have one.
        facts: values that the service has assigned (`arn`, `external_id`): see `setup.facts`.
        kept_because: why the set-up must not delete it although it owns it ("it holds objects"); else empty.
        relying: for a policy, the ARNs of the trails that still need the set-up's statements after the plan.
    """

    document: Document
    owner: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    kept_because: str = ""
    relying: tuple[str, ...] = ()


@dataclass(frozen=True)
class Clouds:
    """The clients that read and write resources; each is created when it is first used.

    `connections` is account → Airflow connection. `assume_role` is the name of a role that the connection
    assumes in each account; empty for none.
    """

    connections: Mapping[str, str]
    region: str
    databricks_conn_id: str = "databricks_default"
    assume_role: str = ""
    #: All AWS calls so far, as `service:Operation`, in order.
    calls: list[str] = field(default_factory=list, compare=False, repr=False)
    #: The same, only the calls that AWS has answered without an error.
    answered: list[str] = field(default_factory=list, compare=False, repr=False)
    _accounts: dict[str, "AccountClients"] = field(default_factory=dict, compare=False, repr=False)

    def aws(self, account: str, service: str, region: str = "") -> Any:
        """Return a boto3 client for a service in an account, in another region if one is given.

        Raises:
            WrongAccountError: if the connection belongs to another account.
        """
        return self._of(account).client(service, region)

    def s3(self, account: str) -> Any:
        """Return a boto3 client of S3 that reaches only buckets of this account."""
        return self._of(account).client("s3", of_its_own=True)

    def hook(self, account: str) -> "AwsBaseHook":
        """Return the hook of the account's connection, with the role that it assumes there."""
        return self._of(account).hook

    def _of(self, account: str) -> "AccountClients":
        from cloudtrail_to_delta.setup.aws.clients import AccountClients

        if account not in self._accounts:
            self._accounts[account] = AccountClients(
                self.connections[account],
                account=account,
                region=self.region,
                assume_role=self.assume_role,
                note=self.calls.append,
                answered=self.answered.append,
            )
        return self._accounts[account]

    @cached_property
    def databricks(self) -> "IngestHook":
        """The hook of the Databricks connection."""
        from cloudtrail_to_delta.hooks.databricks import IngestHook

        return IngestHook(self.databricks_conn_id)


class Resource(ABC):
    """One resource.

    If `tagged` is true, the resource can carry the set-up's tag. The set-up *adopts* an existing one without
    the tag: it changes it only on request and never removes it. If `tagged` is false, the resource is a part
    of another one, such as a policy in which the set-up owns only its statements. A part is never adopted,
    and `released` returns what a removal leaves of it.
    """

    #: One of `params.setup.ACTIONS`: the task that applies it.
    action: str
    #: Its type and name, unique in a plan: "bucket my-logs".
    name: str
    #: The set-up's name, the value of the tag.
    setup: str
    tagged: ClassVar[bool] = True
    #: Error codes that mean "not yet": another resource has not spread everywhere. The call is retried.
    not_yet: ClassVar[frozenset[str]] = frozenset()
    #: Why this set-up must not change it, although it is a part or `change_adopted` names its action.
    locked: str = ""

    @abstractmethod
    def read(self, clouds: Clouds) -> Found | None:
        """Return the current state, or None if the resource does not exist. Read-only."""

    @abstractmethod
    def wanted(self, found: Found | None) -> Document:
        """Return the wanted document. It keeps the statements and settings of others in `found`."""

    def remark(self, found: Found | None, after: Document | None) -> str:  # noqa: ARG002 - for subclasses
        """Return a remark for the plan, in addition to the difference; empty for none.

        Args:
            found: the current state.
            after: the planned document; None if the resource will be deleted.
        """
        return ""

    def require_possible(self, clouds: Clouds, found: Found | None) -> None:  # noqa: B027 - most have no rule
        """Raise if the service will refuse the planned change. Called when planning.

        Raises:
            ImpossibleChangeError: with the rule or quota, and what to do.
        """

    @abstractmethod
    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:
        """Create it, with its tag in the same call, or change it, so that it matches `after`.

        After an interruption this is called again: it compares with `found` and does only the rest.
        """

    @abstractmethod
    def remove(self, clouds: Clouds, found: Found) -> None:
        """Delete it. Called only if the set-up owns it and may delete it."""

    def released(self, found: Found) -> Document | None:
        """Return what a removal leaves of a part (`tagged` is false); None to delete it."""
        raise NotImplementedError(f"{type(self).__name__} is a part and must define `released`")

    def release(self, clouds: Clouds, found: Found) -> None:
        """Remove the set-up's tag from a resource that must not be deleted (`Found.kept_because`)."""
        raise NotImplementedError(f"{type(self).__name__} cannot be released")

    def initial(self) -> Document:
        """Return the settings that the service gives a new one: an interruption may leave them."""
        return {}
