"""Delivers messages to an SNS topic and to any Apprise target, through Airflow connections of type `apprise`.

An unreachable target is a result, never an exception: alerts must not fail an ingest. Apprise URLs hold
tokens, so they stay in the connection, masked in logs and removed from every error. A topic is always a
standard topic: the contract refuses FIFO topics, because they deliver to no person.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloudtrail_to_delta.alerts.compose import Message
from cloudtrail_to_delta.alerts.markup import READ_MARKDOWN, as_markdown
from cloudtrail_to_delta.alerts.redaction import redact

# SNS: a subject has at most 100 printable ASCII characters, a message at most 256 kB.
SUBJECT_LIMIT = 100
ERROR_LIMIT = 300
_HOST = re.compile(r"localhost|[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """The delivery of one message to one target. `error` is empty if the target accepted it."""

    target: str
    error: str = ""

    @property
    def ok(self) -> bool:
        """Whether the target accepted the message."""
        return not self.error


class TargetError(Exception):
    """A target did not accept the message. The text of the error has no secret."""


def targets_of(params: Mapping[str, Any]) -> list[str]:
    """Return the targets in the params, each once: the ARN of a topic, ids of connections."""
    named = (params.get("alert_topic_arn"), *(params.get("alert_conn_ids") or ()))
    return list(dict.fromkeys(name for name in named if name))


def deliver(message: Message, params: Mapping[str, Any]) -> list[Delivery]:
    """Send the message to every target in the params."""
    return [_deliver_to(target, message, params) for target in targets_of(params)]


def _deliver_to(target: str, message: Message, params: Mapping[str, Any]) -> Delivery:
    try:
        if target.startswith("arn:"):
            _publish(target, message, str(params.get("aws_conn_id") or "aws_default"))
        else:
            _notify(target, message)
    except Exception as error:  # noqa: BLE001 - an error of one target must not affect the others
        text = str(error) if isinstance(error, TargetError) else f"{type(error).__name__}: {error}"
        return Delivery(target=target, error=redact(text, limit=ERROR_LIMIT) or type(error).__name__)
    return Delivery(target=target)


def _publish(topic: str, message: Message, aws_conn_id: str) -> None:
    from airflow.providers.amazon.aws.hooks.sns import SnsHook

    subject = re.sub(r"[^ -~]+", " ", message.title)[:SUBJECT_LIMIT]
    hook = SnsHook(aws_conn_id=aws_conn_id, region_name=topic.split(":")[3])
    hook.publish_to_target(target_arn=topic, message=message.body, subject=subject)


def _notify(conn_id: str, message: Message) -> None:
    import apprise
    from airflow.providers.apprise.hooks.apprise import AppriseHook
    from airflow.sdk.log import mask_secret

    hook = AppriseHook(conn_id)
    connection = hook.get_connection(conn_id)
    if connection.conn_type != hook.conn_type:
        raise TargetError(f"the connection has type {connection.conn_type!r}, not {hook.conn_type!r}")
    urls = configured_urls(connection.extra_dejson.get("config"), hook, connection)
    for secret in secrets_of(urls):
        mask_secret(secret)
    app = apprise.Apprise()
    # Apprise's messages about failures name hosts and sometimes whole URLs. They stay in this function.
    with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as captured:
        hook.set_config_from_conn(connection, app)
        if not len(app):
            raise TargetError("Apprise accepts none of the URLs in the connection's field config")
        answers = [send_to_service(service, message) for service in app.find(tag="all")]
        taken = bool(answers) and all(answers)
        said = captured.getvalue().strip().splitlines() if not taken else []
    if not taken:
        raise TargetError(redact("; ".join(said) or "Apprise gave no reason", secrets_of(urls)))


def send_to_service(service: Any, message: Message) -> bool:
    """Send the message to one Apprise service, in the format that the service reads."""
    import apprise

    form = apprise.NotifyFormat.MARKDOWN if message.is_markdown else apprise.NotifyFormat.TEXT
    title, body = message.title, message.body
    is_read = (
        service.service_name in READ_MARKDOWN and service.resolve_format(form) == apprise.NotifyFormat.TEXT
    )
    if is_read and not message.is_markdown:
        title, body = as_markdown(title), as_markdown(body)
    alone = apprise.Apprise()
    alone.add(service)
    kind = apprise.NotifyType(message.level)
    return bool(alone.notify(body=body, title=title, notify_type=kind, body_format=form, tag="all"))


def configured_urls(config: Any, hook: Any, connection: Any) -> list[str]:
    """Return the URLs in the connection's field config: a dict with `path`, or a list of such dicts."""
    if not config:
        raise TargetError('the field config is empty: enter {"path": "the Apprise URL of the service"}')
    found = hook.get_config_from_conn(connection)
    try:
        return [str(one["path"]) for one in (found if isinstance(found, list) else [found])]
    except (KeyError, TypeError):
        raise TargetError('the field config has no "path" with an Apprise URL') from None


def secrets_of(urls: list[str]) -> list[str]:
    """Return what must stay hidden: each URL as a whole, and its parts that may be tokens."""
    parts = {part for url in urls for part in re.split(r"[/:@?&=]+", url.partition("://")[2])}
    return [*urls, *(part for part in parts if len(part) >= 8 and not _HOST.fullmatch(part))]
