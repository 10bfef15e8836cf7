"""A cluster policy, for ingests that start a cluster for each run.

Source: Databricks REST, Cluster Policies API 2.0; "Compute policy reference" for the rules.
"""

import json
from dataclasses import dataclass
from typing import Any

from cloudtrail_to_delta.setup.databricks.calls import send
from cloudtrail_to_delta.setup.databricks.markers import marked, owner_of
from cloudtrail_to_delta.setup.databricks.principals import POLICIES, USE, grant, has_level
from cloudtrail_to_delta.setup.resources import Clouds, Document, Found, Resource

WORDS = "Clusters that ingest CloudTrail logs"
# Fields that an edit replaces but the set-up does not manage.
# In the document: whether the ingest's principal may use the policy.
_PERMISSION = "ingest_principal_can_use"
_KEPT = ("description", "max_clusters_per_user", "libraries")


@dataclass(frozen=True, kw_only=True)
class ClusterPolicy(Resource):
    """A policy. Its name identifies it, and its description says who owns it."""

    action = "databricks"
    setup: str
    policy: str
    spark_version: str
    node_type_id: str
    max_workers: int
    access_mode: str
    autotermination_minutes: int
    instance_profile_arn: str = ""
    #: Who runs the ingest, if it is not the set-up's principal.
    principal: str = ""

    @property
    def name(self) -> str:  # type: ignore[override] # built from the fields
        """The name, such as `cluster policy cloudtrail`."""
        return f"cluster policy {self.policy}"

    def read(self, clouds: Clouds) -> Found | None:
        """Read `policies/clusters/list`."""
        one = self._named(clouds)
        if one is None:
            return None
        key = str(one["policy_id"])
        document: Document = {"definition": json.loads(one.get("definition") or "{}")}
        if self.principal:
            document[_PERMISSION] = has_level(clouds, POLICIES, key, self.principal, USE)
        return Found(document=document, owner=owner_of(one.get("description")), facts={"policy_id": key})

    def wanted(self, found: Found | None) -> Document:  # noqa: ARG002 - the protocol's signature
        """Return the rules: runtime, node type, size, access mode, auto-termination and instance profile."""
        rules: dict[str, Any] = {
            "spark_version": _fixed(self.spark_version),
            "node_type_id": _fixed(self.node_type_id),
            "data_security_mode": _fixed(self.access_mode),
            # No default values: a job's cluster has no auto-termination (Jobs API, `new_cluster`), and it may
            # have only one of the two sizes.
            "autotermination_minutes": _at_most(self.autotermination_minutes, least=10),
            "num_workers": _at_most(self.max_workers),
            "autoscale.max_workers": _at_most(self.max_workers),
        }
        if self.instance_profile_arn:
            rules["aws_attributes.instance_profile_arn"] = _fixed(self.instance_profile_arn)
        return {"definition": rules} | ({_PERMISSION: True} if self.principal else {})

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:
        """Create the policy with the mark, or edit it."""
        body: dict[str, Any] = {"name": self.policy, "definition": json.dumps(after["definition"])}
        if found is None:
            made = {"description": marked(WORDS, self.setup)}
            key = str(send(clouds, "POST", "2.0/policies/clusters/create", body | made)["policy_id"])
            self._permit(clouds, key, after)
            return
        self._permit(clouds, found.facts["policy_id"], after)
        now = self._named(clouds) or {}
        kept = {key: now[key] for key in _KEPT if now.get(key) is not None}
        own = {"policy_id": found.facts["policy_id"]}
        send(clouds, "POST", "2.0/policies/clusters/edit", kept | body | own)

    def _permit(self, clouds: Clouds, policy_id: str, after: Document) -> None:
        if after.get(_PERMISSION):
            grant(clouds, POLICIES, policy_id, self.principal, USE)

    def remove(self, clouds: Clouds, found: Found) -> None:
        """Delete the policy. Its clusters keep running."""
        body = {"policy_id": found.facts["policy_id"]}
        send(clouds, "POST", "2.0/policies/clusters/delete", body)

    def _named(self, clouds: Clouds) -> dict[str, Any] | None:
        policies = clouds.databricks.get("2.0/policies/clusters/list").get("policies", [])
        return next((one for one in policies if one.get("name") == self.policy), None)


def _fixed(value: str) -> dict[str, Any]:
    return {"type": "fixed", "value": value}


def _at_most(most: int, *, least: int = 0) -> dict[str, Any]:
    return {"type": "range", "minValue": least, "maxValue": most, "isOptional": True}
