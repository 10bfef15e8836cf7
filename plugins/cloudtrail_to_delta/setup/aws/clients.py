"""AWS clients for an account: through its Airflow connection and, if given, a role that it assumes there."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cloudtrail_to_delta.errors import FatalError
from cloudtrail_to_delta.hooks.aws_errors import BAD_CREDENTIALS, error_code
from cloudtrail_to_delta.params.values import partitions_by_region

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

# No other partition has regions that an account must enable.
_ALWAYS_ENABLED = "us-east-1"


class WrongAccountError(FatalError):
    """A connection that belongs to another account than `accounts` says."""


class RegionNotEnabledError(FatalError):
    """An account that knows the connection's credentials, but not in the set-up's region."""


class AccountClients:
    """The clients for one account. They share one session, so the role is assumed only once."""

    def __init__(
        self,
        aws_conn_id: str,
        *,
        account: str,
        region: str,
        assume_role: str,
        note: Callable[[str], None],
        answered: Callable[[str], None],
    ) -> None:
        """Create the object without any call.

        Args:
            aws_conn_id: the Airflow connection.
            account: the account that the connection must reach.
            region: the AWS region.
            assume_role: the name of a role in that account that the connection assumes first; empty for none.
            note: receives every call, as `service:Operation`.
            answered: the same, only for a call that AWS answers without an error.
        """
        self._connection = aws_conn_id
        self._account = account
        self._region = region
        self._assume_role = assume_role
        self._note = note
        self._answered = answered
        self._made: dict[tuple[str, str, bool], Any] = {}

    def client(self, service: str, region: str = "", *, of_its_own: bool = False) -> Any:
        """Return the client of a service, in another region if one is given. It retries when throttled.

        With `of_its_own`, S3 refuses every bucket that belongs to another account. Source: Amazon S3 User
        Guide, "Verifying bucket ownership with bucket owner condition".

        Raises:
            WrongAccountError: if the connection belongs to another account.
            RegionNotEnabledError: if the account has not enabled the region.
        """
        if not self._made:
            self._require_account()
        return self._make(service, region, of_its_own=of_its_own)

    def _require_account(self) -> None:
        """Raise unless the region knows the credentials, and they belong to the account.

        A region that is not enabled in an account does not know its credentials. STS needs no permission to
        say so. Sources: IAM User Guide, "Manage AWS STS in an AWS Region"; AWS STS API Reference,
        GetCallerIdentity.
        """
        from botocore.exceptions import ClientError

        try:
            require_account(self._make("sts"), self._account, connection=self._connection)
        except ClientError as error:
            if error_code(error) not in BAD_CREDENTIALS or not self._is_known_in(_ALWAYS_ENABLED):
                raise
            raise RegionNotEnabledError(
                f"account {self._account} has not enabled region {self._region}: AWS accepts the credentials "
                f"of AWS connection {self._connection!r} in {_ALWAYS_ENABLED}, but not there. Run in that "
                f"account: aws account enable-region --region-name {self._region}. Wait some minutes, then "
                "clear this task. If the region is enabled, the connection's session token is of STS's "
                "global endpoint: it is only valid in regions that are enabled by default."
            ) from error

    def _is_known_in(self, region: str) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        if region == self._region or partitions_by_region()[region] != partitions_by_region()[self._region]:
            return False
        elsewhere = AccountClients(
            self._connection,
            account=self._account,
            region=region,
            assume_role=self._assume_role,
            note=self._note,
            answered=self._answered,
        )
        try:
            return bool(elsewhere._make("sts").get_caller_identity())
        except (BotoCoreError, ClientError):
            return False

    def _make(self, service: str, region: str = "", *, of_its_own: bool = False) -> Any:
        from botocore.config import Config

        if (service, region, of_its_own) not in self._made:
            settings = self.hook.conn_config
            # The connection's own retry settings take precedence.
            patient = Config(retries={"mode": "standard", "total_max_attempts": 8})
            client: Any = self._session.client(
                service,
                region_name=region or self._region,
                endpoint_url=settings.get_service_endpoint_url(service_name=service),
                config=patient.merge(settings.botocore_config or Config()),
                verify=self.hook.verify,
            )
            client.meta.events.register("before-call.*.*", self._call)
            client.meta.events.register("after-call.*.*", self._answer)
            if of_its_own:
                client.meta.events.register("provide-client-params.s3.*", self._expect_owner)
            self._made[service, region, of_its_own] = client
        return self._made[service, region, of_its_own]

    def _expect_owner(self, params: dict[str, Any], model: Any, **_: Any) -> dict[str, Any]:
        known = model.input_shape is not None and "ExpectedBucketOwner" in model.input_shape.members
        return params | ({"ExpectedBucketOwner": self._account} if known else {})

    def _call(self, model: Any, **_: Any) -> None:
        self._note(f"{model.service_model.service_name}:{model.name}")

    def _answer(self, http_response: Any, model: Any, **_: Any) -> None:
        if http_response.status_code < 300:
            self._answered(f"{model.service_model.service_name}:{model.name}")

    @cached_property
    def hook(self) -> "AwsBaseHook":
        """The connection's hook, which assumes the role if one is given."""
        from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

        hook: AwsBaseHook = AwsBaseHook(self._connection, client_type="s3", region_name=self._region)
        if self._assume_role:
            partition = partitions_by_region()[self._region]
            hook.conn_config.role_arn = f"arn:{partition}:iam::{self._account}:role/{self._assume_role}"
            hook.conn_config.assume_role_method = "assume_role"
        return hook

    @cached_property
    def _session(self) -> Any:
        return self.hook.get_session(region_name=self._region)


def require_account(sts: Any, account: str, *, connection: str) -> None:
    """Check that a connection's client belongs to the account.

    Raises:
        WrongAccountError: if it belongs to another account.
    """
    found = sts.get_caller_identity()["Account"]
    if found != account:
        raise WrongAccountError(
            f"accounts: AWS connection {connection!r} belongs to account {found}, not {account}: correct "
            "`accounts`, or set `assume_role` to a role that the connection may assume in that account."
        )
