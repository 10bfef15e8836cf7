"""Auto Loader's orphaned topics and queues: removed with the set-up, and only those for our logs."""

from types import SimpleNamespace

import pytest

from cloudtrail_to_delta.runs.names import run_name
from cloudtrail_to_delta.setup.aws.auto_ingest import StreamActiveError
from cloudtrail_to_delta.setup.deployment_role import named, named_for_databricks
from cloudtrail_to_delta.setup.refusals import SetupFailedError, permission_for
from tests.integration.plugins.cloudtrail_to_delta.setup.conftest import BUCKET, LOGS
from tests.integration.sandbox.databricks import probe

REMOVE = {"actions": ["databricks"], "databricks_compute": "none", "mode": "remove"}
OWN = "databricks-auto-ingest"
DAG_RUN = {"dag_run": SimpleNamespace(dag_id="cloudtrail_ingest", run_id="manual__1")}


class Streams:
    """What Auto Loader makes for a stream: a topic, a queue that hears of it, the bucket's notification."""

    def __init__(self, world):
        self.sns, self.sqs, self.s3 = (world.client(service) for service in ("sns", "sqs", "s3"))
        self.notifications = []

    def add(self, name, prefix):
        topic = self.sns.create_topic(Name=name)["TopicArn"]
        queue = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = topic.replace(":sns:", ":sqs:")
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        rules = [{"Name": "prefix", "Value": prefix}]
        self.notifications.append(
            {
                "Id": name,
                "TopicArn": topic,
                "Events": ["s3:ObjectCreated:*"],
                "Filter": {"Key": {"FilterRules": rules}},
            }
        )
        self.s3.put_bucket_notification_configuration(
            Bucket=BUCKET, NotificationConfiguration={"TopicConfigurations": self.notifications}
        )
        return topic, queue

    def left(self):
        topics = [one["TopicArn"].rpartition(":")[2] for one in self.sns.list_topics()["Topics"]]
        queues = [url.rpartition("/")[2] for url in self.sqs.list_queues().get("QueueUrls", [])]
        answer = self.s3.get_bucket_notification_configuration(Bucket=BUCKET)
        return sorted(topics), sorted(queues), [one["Id"] for one in answer.get("TopicConfigurations", [])]


@pytest.fixture
def streams(workspace):
    return Streams(workspace.world)


def test_those_for_our_logs_are_in_the_plan_and_removed_and_no_others(workspace, streams):
    streams.add(f"{OWN}-ours", "AWSLogs/")
    streams.add(f"{OWN}-other-folder", "exports/")
    streams.add("somebody-else", "AWSLogs/222233334444/")
    request = workspace.request(**REMOVE)
    plan = workspace.plan(request)
    (change,) = plan.writes
    assert change.verb == "delete"
    assert [key.split()[0] for key in change.before] == ["notification", "topic", "queue"]
    assert f"{OWN}-ours" in plan.render()
    workspace.apply(request, plan)
    kept = sorted([f"{OWN}-other-folder", "somebody-else"])
    assert streams.left() == (kept, kept, [f"{OWN}-other-folder", "somebody-else"])
    assert not workspace.plan(request).writes
    called = {permission_for(*call.split(":")) for call in workspace.clouds.calls}
    # Source: AWS STS API, GetCallerIdentity: no permissions are required.
    assert called - named() - {"sts:GetCallerIdentity"} <= named_for_databricks()
    assert {"sqs:DeleteQueue", "sns:Unsubscribe", "s3:PutBucketNotification"} <= called


def test_a_strangers_dead_function_does_not_block_a_removal(workspace, streams):
    streams.add(f"{OWN}-ours", "AWSLogs/")
    dead = {
        "LambdaFunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:deleted",
        "Events": ["s3:ObjectCreated:*"],
    }
    configuration = {"TopicConfigurations": streams.notifications, "LambdaFunctionConfigurations": [dead]}
    with pytest.raises(streams.s3.exceptions.ClientError, match="Unable to validate"):
        streams.s3.put_bucket_notification_configuration(
            Bucket=BUCKET, NotificationConfiguration=configuration
        )
    streams.s3.put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration=configuration, SkipDestinationValidation=True
    )
    request = workspace.request(**REMOVE)
    workspace.apply(request, workspace.plan(request))
    left = streams.s3.get_bucket_notification_configuration(Bucket=BUCKET)
    assert "TopicConfigurations" not in left
    (kept,) = left["LambdaFunctionConfigurations"]
    assert kept["LambdaFunctionArn"] == dead["LambdaFunctionArn"]


def test_a_notification_that_somebody_adds_during_a_removal_stays(workspace, streams):
    streams.add(f"{OWN}-ours", "AWSLogs/")
    request = workspace.request(**REMOVE)
    plan = workspace.plan(request)

    def add(**_):
        streams.add("theirs", "exports/")

    workspace.clouds.aws(LOGS, "sns").meta.events.register("before-call.sns.DeleteTopic", add)
    workspace.apply(request, plan)
    assert streams.left() == (["theirs"], ["theirs"], ["theirs"])


def test_setting_up_makes_no_plan_about_them(workspace, streams):
    streams.add(f"{OWN}-ours", "AWSLogs/")
    plan = workspace.plan(workspace.request(actions=["databricks"], databricks_compute="none"))
    assert OWN not in plan.render()


def test_a_removal_that_was_interrupted_is_finished_by_the_next_try(workspace, streams, aws):
    streams.add(f"{OWN}-a", "AWSLogs/111122223333/")
    streams.add(f"{OWN}-b", "AWSLogs/222233334444/")
    request = workspace.request(**REMOVE)
    plan = workspace.plan(request)
    calls = {"DeleteQueue": "sqs", "DeleteTopic": "sns", "PutBucketNotificationConfiguration": "s3"}
    for action, service in calls.items():
        aws.fault(service=service, action=action, code="InternalError", status=400, times=1)
        with pytest.raises(SetupFailedError, match=action):
            workspace.apply(request, plan)
    workspace.apply(request, plan)
    assert streams.left() == ([], [], [])


@pytest.fixture
def refused_while_it_runs(workspace, streams, databricks, probe_wheel, tmp_path):
    """A removal is refused while a run on these requests is active; the queue is there afterwards."""

    def refused(request, requests):
        streams.add(f"{OWN}-ours", "AWSLogs/")
        location = databricks.upload(probe_wheel)
        hold = probe.task(location, "probe-hold", str(tmp_path / "here"), str(tmp_path / "go"))
        databricks.submit(hold, run_name=run_name(requests, DAG_RUN))
        try:
            with pytest.raises(StreamActiveError, match="uses these notifications: cancel it"):
                workspace.apply(request)
        finally:
            databricks.cancel_all()
        assert streams.left()[0] == [f"{OWN}-ours"]

    return refused


def test_a_stream_that_runs_keeps_its_notifications(workspace, streams, refused_while_it_runs):
    request = workspace.request(**REMOVE)
    (events, *_) = request.requests.values()
    refused_while_it_runs(request, [events])
    workspace.apply(request)
    assert streams.left() == ([], [], [])


def test_a_stream_that_shares_its_run_keeps_its_notifications(workspace, refused_while_it_runs):
    request = workspace.request(**REMOVE)
    refused_while_it_runs(request, list(request.requests.values())[::-1])


@pytest.fixture
def probe_wheel(tmp_path):
    return probe.wheel(tmp_path)
