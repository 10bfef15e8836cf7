"""The listener that makes the pool: loaded by the plugin, and silent where there is no database."""

from cloudtrail_to_delta.runs import pools


class TaskRunnerMarker:
    """What Airflow hands to the listener in a task's process."""


def test_a_task_that_starts_touches_no_database():
    pools.on_starting(TaskRunnerMarker())


def test_the_plugin_brings_the_listener():
    from cloudtrail_plugin import CloudTrailPlugin

    assert pools in CloudTrailPlugin.listeners
