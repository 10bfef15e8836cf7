"""The Unity Catalog alternative to an instance profile: a storage credential, and external locations.

Source: Databricks REST, Unity Catalog API 2.1; "Create a storage credential for connecting to AWS S3": create
the credential first, put its external id into the role's trust policy, then create the locations.
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
    """A conflicting external location: it lies inside the wanted one, or it has the same name."""


@dataclass(frozen=True, kw_only=True)
class StorageCredential(Resource):
    """A credential for the reader role. Its name identifies it, and its comment says who owns it.

    The role's trust policy needs its facts: `external_id` and `unity_catalog_iam_arn`.
    """

    action = "databricks"
    not_yet: ClassVar[frozenset[str]] = frozenset({NOT_YET})
    setup: str
    credential: str
    role_arn: str

    @property
    def name(self) -> str:  # type: ignore[override] # built from the fields
        """The name, such as `storage credential cloudtrail`."""
        return f"storage credential {self.credential}"

    def trust(self) -> dict[str, Document]:
        """Return the statements of the role's trust policy by their ids, with placeholders for the facts.

        Source: Databricks, the same page, "Step 3: Update the IAM role trust relationship policy". Each
        principal has its own statement: policies are compared with sorted lists, and a placeholder sorts
        differently from its value.
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
        """Read the credential."""
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
        """Return the role, with read and write access: each location limits its own access."""
        return {"role_arn": self.role_arn, "read_only": False}

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:
        """Create the credential with the mark, or update it. The role need not trust Databricks yet."""
        body = {"aws_iam_role": {"role_arn": after["role_arn"]}, "read_only": after["read_only"]}
        if found is None:
            made = {"name": self.credential, "comment": marked(WORDS, self.setup)}
            send(clouds, "POST", CREDENTIALS, made | body)
        else:
            send(clouds, "PATCH", api_path(CREDENTIALS, self.credential), body)

    def remove(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - the protocol's signature
        """Delete the credential. Unity Catalog refuses while another location uses it."""
        send(clouds, "DELETE", api_path(CREDENTIALS, self.credential))


@dataclass(frozen=True, kw_only=True)
class ExternalLocation(Resource):
    """A location. Its name identifies it, and its comment says who owns it.

    Unity Catalog has at most one location for a path. The set-up therefore adopts another location that
    contains `url`, regardless of its name and credential.
    """

    action = "databricks"
    not_yet: ClassVar[frozenset[str]] = frozenset({NOT_YET})
    setup: str
    location: str
    url: str
    credential: str
    read_only: bool
    file_events: bool = False
    #: For a removal: ignore the locations of others; they cause no conflict.
    only_ours: bool = False

    @property
    def name(self) -> str:  # type: ignore[override] # built from the fields
        """The name, such as `external location cloudtrail_logs`."""
        return f"external location {self.location}"

    def read(self, clouds: Clouds) -> Found | None:
        """Read the set-up's location, or another one that contains the url.

        Raises:
            LocationConflictError: if another location lies inside the url, or has the name but another url.
        """
        locations = list(clouds.databricks.pages(LOCATIONS, "external_locations"))
        named = next((one for one in locations if one["name"] == self.location), None)
        if named and owner_of(named.get("comment")) == self.setup:
            one: Mapping[str, Any] | None = named
        else:
            one = None if self.only_ours else self._around(locations)
        if one is None and named and not self.only_ours:
            raise LocationConflictError(
                f"{self.name} cannot be created: another location, for {named['url']}, has this name. "
                "Rename that location, or give the set-up another name."
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
        """Return path, credential and settings. An adopted location keeps its path and credential."""
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
        """Create the location with the mark, or update it. Unity Catalog validates it."""
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
        """Delete the location, but no file. Unity Catalog refuses while it contains a table."""
        send(clouds, "DELETE", api_path(LOCATIONS, found.facts["name"]))

    def _around(self, locations: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
        """Return the location that contains the url: the innermost, if older locations are nested."""
        around = [one for one in locations if _holds(str(one["url"]), self.url)]
        inside = [one for one in locations if one not in around and _holds(self.url, str(one["url"]))]
        if inside and not around:
            named = ", ".join(f"{one['name']!r} ({one['url']})" for one in inside)
            raise LocationConflictError(
                f"{self.name} cannot be created for {self.url}: {named} lies inside it, and Unity Catalog "
                "does not allow locations to overlap. Delete that location, or give a root that does not "
                "contain it."
            )
        return max(around, key=lambda one: len(str(one["url"]).rstrip("/")), default=None)


def _holds(outer: str, inner: str) -> bool:
    return f"{inner.rstrip('/')}/".startswith(f"{outer.rstrip('/')}/")
