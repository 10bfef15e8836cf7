"""Cluster policies through the SDK: made, edited, listed, deleted, and what they make of clusters."""

import json

import pytest
from databricks.sdk.errors import InvalidParameterValue, ResourceDoesNotExist

from tests.integration.sandbox.databricks.test_clusters import PROFILE, RUNTIME, SINGLE, clusters  # noqa: F401

RULES = {
    "aws_attributes.instance_profile_arn": {"type": "fixed", "value": PROFILE},
    "spark_version": {"type": "regex", "pattern": r"17\..*"},
    "autotermination_minutes": {"type": "range", "minValue": 10, "maxValue": 60, "defaultValue": 20},
    "node_type_id": {"type": "allowlist", "values": ["m6id.large"]},
    "spark_conf.spark.master": {"type": "forbidden"},
    "custom_tags.team": {"type": "fixed", "value": "security"},
    "cluster_type": {"type": "fixed", "value": "job"},
}


@pytest.fixture
def policies(databricks):
    """The policies of the session's stand-in, without those that the test made."""
    api = databricks.sdk().cluster_policies
    yield api
    for policy in api.list():
        api.delete(policy.policy_id)


def test_a_policy_is_made_read_edited_listed_and_deleted(policies):
    policy_id = policies.create(name="reader", definition=json.dumps(RULES), description="d").policy_id
    found = policies.get(policy_id)
    assert (found.name, found.description, json.loads(found.definition)) == ("reader", "d", RULES)
    policies.edit(policy_id, name="renamed", definition="{}")
    edited = policies.get(policy_id)
    assert (edited.name, edited.definition, edited.description) == ("renamed", "{}", None)
    assert [one.policy_id for one in policies.list()] == [policy_id]
    policies.delete(policy_id)
    for call in (policies.get, policies.delete):
        with pytest.raises(ResourceDoesNotExist, match=f"Can't find a cluster policy with id: {policy_id}"):
            call(policy_id)


def test_names_are_unique_and_definitions_well_formed(policies):
    policies.create(name="reader", definition="{}")
    refused = {
        "already exists": {"name": "reader", "definition": "{}"},
        "must be JSON": {"name": "other", "definition": "{"},
        "must have a type": {"name": "other", "definition": '{"spark_version": {"type": "wish"}}'},
        "1 to 100 characters": {"definition": "{}"},
    }
    for words, settings in refused.items():
        with pytest.raises(InvalidParameterValue, match=words):
            policies.create(**settings)


def test_a_cluster_gets_the_policys_values_and_is_held_to_its_rules(policies, clusters):  # noqa: F811
    policy_id = policies.create(name="reader", definition=json.dumps(RULES)).policy_id
    settings = SINGLE | {"policy_id": policy_id, "apply_policy_default_values": True}
    cluster = clusters.get(clusters.create(RUNTIME, **settings).cluster_id)
    assert cluster.aws_attributes.instance_profile_arn == PROFILE
    assert (cluster.custom_tags, cluster.autotermination_minutes) == ({"team": "security"}, 20)
    broken = settings | {"autotermination_minutes": 90, "node_type_id": "m6id.xlarge"}
    with pytest.raises(InvalidParameterValue) as refused:
        clusters.create(RUNTIME, **broken, spark_conf={"spark.master": "local[*]"})
    for path in ("autotermination_minutes", "node_type_id", "spark_conf.spark.master"):
        assert f"Validation failed for {path}, the value must" in str(refused.value)
