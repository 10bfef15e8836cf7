"""What a resource is: something in AWS or Databricks that the set-up reads, compares, makes and takes away.

A document is what the set-up manages of it: setting → JSON value, a policy among them. What a service sets by
itself and the set-up does not manage is in no document. Resources are made from the request alone, without a
call; every task makes them anew.
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

# Whatever the set-up makes carries this tag; its value is the name of the set-up.
TAG = "cloudtrail-setup"


@dataclass(frozen=True, kw_only=True)
class Found:
    """A resource as it is.

    Attributes:
        document: setting → value, of those that the set-up manages.
        owner: the value of its tag `cloudtrail-setup`; empty when it has none, or cannot have one.
        facts: what exists only since it is there (`arn`, `external_id`): see `setup.facts`.
        kept_because: why it must not be deleted even when it is ours ("it holds objects"); empty when it may.
    """

    document: Document
    owner: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    kept_because: str = ""


@dataclass(frozen=True)
class Clouds:
    """The clients that resources read and write with; made when first asked for.

    `connections` is account → Airflow connection, `assume_role` the name of a role that each of them assumes
    in the account, or nothing.
    """

    connections: Mapping[str, str]
    region: str
    databricks_conn_id: str = "databricks_default"
    assume_role: str = ""
    #: Every call of AWS that was made, as `service:Operation`, in order.
    calls: list[str] = field(default_factory=list, compare=False, repr=False)
    _accounts: dict[str, "AccountClients"] = field(default_factory=dict, compare=False, repr=False)

    def aws(self, account: str, service: str) -> Any:
        """A boto3 client of a service in an account.

        Raises:
            WrongAccountError: when the account's connection is of another account.
        """
        return self._of(account).client(service)

    def hook(self, account: str) -> "AwsBaseHook":
        """The hook of an account's connection, of the role that is assumed there."""
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
            )
        return self._accounts[account]

    @cached_property
    def databricks(self) -> "IngestHook":
        """The hook of the Databricks connection."""
        from cloudtrail_to_delta.hooks.databricks import IngestHook

        return IngestHook(self.databricks_conn_id)


class Resource(ABC):
    """One resource.

    A resource whose `tagged` is true can carry our tag: one that is there without it is *adopted*, changed
    only where that is asked for and never removed. One whose `tagged` is false is a part of another resource
    (a policy, of which only our statements are ours): it is never adopted, and `released` says what is left.
    """

    #: Of `params.setup.ACTIONS`: the task group that applies it.
    action: str
    #: What and which, in words; unique in a plan: "bucket my-logs".
    name: str
    #: The set-up's name, the value of the tag.
    setup: str
    tagged: ClassVar[bool] = True
    #: Codes of errors that mean "not yet": another resource is not seen everywhere. Tried again, bounded.
    not_yet: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def read(self, clouds: Clouds) -> Found | None:
        """What is there, or None when nothing is. Read-only."""

    @abstractmethod
    def wanted(self, found: Found | None) -> Document:
        """What should be there; statements and settings of others in `found` are kept."""

    def remark(self, found: Found | None) -> str:  # noqa: ARG002 - for those that have one
        """What a person should know of it beside the difference, for the plan; empty for nothing."""
        return ""

    @abstractmethod
    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:
        """Make it (tagged in the same call) or change it, until it is as `after` says.

        Called again after an interruption: each call compares with `found` and does what is left to do.
        """

    @abstractmethod
    def remove(self, clouds: Clouds, found: Found) -> None:
        """Delete it. Called only for what is ours and may be deleted."""

    def released(self, found: Found) -> Document | None:
        """What a removal leaves of a part (`tagged` false); None to delete it."""
        raise NotImplementedError(f"{type(self).__name__} is a part and has to say what is left of it")

    def release(self, clouds: Clouds, found: Found) -> None:
        """Take our tag off something of ours that must not be deleted (`Found.kept_because`)."""
        raise NotImplementedError(f"{type(self).__name__} cannot be kept without its tag")

    def initial(self) -> Document:
        """The settings that a new one has before they are set: what an interruption may leave."""
        return {}
