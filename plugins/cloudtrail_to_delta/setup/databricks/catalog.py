"""The Unity Catalog alternative to an instance profile: a storage credential, and external locations.

Source: Databricks REST, Unity Catalog API 2.1; "Create a storage credential for connecting to AWS S3": the
credential is made first, its external id goes into the role's trust policy, then locations can be made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from cloudtrail_to_delta.errors import FatalError
from cloudtrail_to_delta.hooks.databricks import api_path
from cloudtrail_to_delta.setup.databricks.calls import NOT_YET, look_up, send
from cloudtrail_to_delta.setup.databricks.markers import marked, owner_of
from cloudtrail_to_delta.setup.documents import sid
from cloudtrail_to_delta.setup.facts import place_of
from cloudtrail_to_delta.setup.resources import Clouds, Document, Found, Resource

CREDENTIALS = "2.1/unity-catalog/storage-credentials"
LOCATIONS = "2.1/unity-catalog/external-locations"
WORDS = "Reads CloudTrail logs, writes their tables"


class LocationConflictError(FatalError):
    """An external location is in the way: it lies inside the one that is wanted, or has its name."""


@dataclass(frozen=True, kw_only=True)
class StorageCredential(Resource):
    """A credential for the reader role, known by its name, ours by its comment.

    Its facts are what the role's trust policy needs: `external_id` and `unity_catalog_iam_arn`.
    """

    action = "databricks"
    not_yet: ClassVar[frozenset[str]] = frozenset({NOT_YET})
    setup: str
    credential: str
    role_arn: str

    @property
    def name(self) -> str:  # type: ignore[override] # a name made of the fields
        """`storage credential cloudtrail`."""
        return f"storage credential {self.credential}"

    def trust(self) -> dict[str, Document]:
        """The statements of its role's trust policy by their ids, with places for what the credential says.

        Source: Databricks, the same page, "Step 3: Update the IAM role trust relationship policy". One for
        each principal: policies are compared with their lists sorted, and where a place sorts says nothing of
        where its value does.
        """
        principals = {"UnityCatalog": place_of(self.name, "unity_catalog_iam_arn"), "Itself": self.role_arn}
        return {
            sid(self.setup, purpose): {
                "Effect": "Allow",
                "Principal": {"AWS": principal},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": place_of(self.name, "external_id")}},
            }
            for purpose, principal in principals.items()
        }

    def read(self, clouds: Clouds) -> Found | None:
        """GET of the credential."""
        one = look_up(clouds, api_path(CREDENTIALS, self.credential))
        if one is None:
            return None
        role = one.get("aws_iam_role") or {}
        return Found(
            document={"role_arn": role.get("role_arn", ""), "read_only": bool(one.get("read_only"))},
            owner=owner_of(one.get("comment")),
            facts={key: role[key] for key in ("external_id", "unity_catalog_iam_arn") if role.get(key)},
        )

    def wanted(self, found: Found | None) -> Document:  # noqa: ARG002 - the protocol's signature
        """The role, to read and to write with: each location says for itself."""
        return {"role_arn": self.role_arn, "read_only": False}

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:
        """POST with the mark, or PATCH; the role need not trust Databricks yet."""
        body = {"aws_iam_role": {"role_arn": after["role_arn"]}, "read_only": after["read_only"]}
        if found is None:
            made = {"name": self.credential, "comment": marked(WORDS, self.setup)}
            send(clouds, "POST", CREDENTIALS, made | body)
        else:
            send(clouds, "PATCH", api_path(CREDENTIALS, self.credential), body)

    def remove(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - the protocol's signature
        """DELETE, which Unity Catalog refuses while somebody else's location uses it."""
        send(clouds, "DELETE", api_path(CREDENTIALS, self.credential))


@dataclass(frozen=True, kw_only=True)
class ExternalLocation(Resource):
    """A location, known by its name, ours by its comment; or somebody's that holds the same place.

    Unity Catalog has at most one location for a place: another one's that holds `url` is adopted, whatever
    its name and credential are.
    """

    action = "databricks"
    not_yet: ClassVar[frozenset[str]] = frozenset({NOT_YET})
    setup: str
    location: str
    url: str
    credential: str
    read_only: bool
    file_events: bool = False
    #: For a removal: somebody else's location that holds the place is none, and none is in the way.
    only_ours: bool = False

    @property
    def name(self) -> str:  # type: ignore[override] # a name made of the fields
        """`external location cloudtrail_logs`."""
        return f"external location {self.location}"

    def read(self, clouds: Clouds) -> Found | None:
        """The location of ours, or anybody's that holds the url.

        Raises:
            LocationConflictError: when one lies inside the url, or has the name and lies elsewhere.
        """
        locations = list(clouds.databricks.pages(LOCATIONS, "external_locations"))
        named = next((one for one in locations if one["name"] == self.location), None)
        if named and owner_of(named.get("comment")) == self.setup:
            one: Mapping[str, Any] | None = named
        else:
            one = None if self.only_ours else self._around(locations)
        if one is None and named and not self.only_ours:
            raise LocationConflictError(
                f"the name of {self.name} is taken by somebody's location for {named['url']}: rename that "
                "one, or give the set-up another name."
            )
        if one is None:
            return None
        events = one.get("effective_enable_file_events", one.get("enable_file_events"))
        return Found(
            document={
                "url": str(one["url"]).rstrip("/"),
                "credential_name": one.get("credential_name", ""),
                "read_only": bool(one.get("read_only")),
                "file_events": bool(events),
            },
            owner=owner_of(one.get("comment")),
            facts={"name": str(one["name"])},
        )

    def wanted(self, found: Found | None) -> Document:
        """The place, the credential, and what it is for; of somebody else's, only what it is for."""
        document = {
            "url": self.url,
            "credential_name": self.credential,
            "read_only": self.read_only,
            "file_events": self.file_events,
        }
        if found is None or found.owner == self.setup:
            return document
        enough = {
            "read_only": bool(found.document["read_only"]) and self.read_only,
            "file_events": bool(found.document["file_events"]) or self.file_events,
        }
        return document | found.document | enough

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:
        """POST with the mark, or PATCH; Unity Catalog tries it out."""
        events: dict[str, Any] = {"enable_file_events": after["file_events"]}
        if after["file_events"]:
            events["file_event_queue"] = {"managed_sqs": {}}
        body = {key: value for key, value in after.items() if key != "file_events"} | events
        if found is None:
            made = {"name": self.location, "comment": marked(WORDS, self.setup)}
            send(clouds, "POST", LOCATIONS, made | body)
        else:
            send(clouds, "PATCH", api_path(LOCATIONS, found.facts["name"]), body)

    def remove(self, clouds: Clouds, found: Found) -> None:
        """DELETE, which Unity Catalog refuses while a table lies in it; no file is touched."""
        send(clouds, "DELETE", api_path(LOCATIONS, found.facts["name"]))

    def _around(self, locations: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
        """The location that holds the url; the innermost, where old ones lie in each other."""
        around = [one for one in locations if _holds(str(one["url"]), self.url)]
        inside = [one for one in locations if one not in around and _holds(self.url, str(one["url"]))]
        if inside and not around:
            named = ", ".join(f"{one['name']!r} ({one['url']})" for one in inside)
            raise LocationConflictError(
                f"{self.name} cannot be made for {self.url}: {named} lies inside it, and Unity Catalog takes "
                "no two that overlap. Delete it, or give a root that does not hold it."
            )
        return max(around, key=lambda one: len(str(one["url"]).rstrip("/")), default=None)


def _holds(outer: str, inner: str) -> bool:
    return f"{inner.rstrip('/')}/".startswith(f"{outer.rstrip('/')}/")
