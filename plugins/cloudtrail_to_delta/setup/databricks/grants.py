"""What the set-up gives the ingest's principal: privileges in Unity Catalog, and the use of the warehouse.

Nothing in Databricks says who gave a privilege. So the set-up notes what it gives in the comment of its
storage credential, before it gives it, and a removal takes exactly that (docs/adr/0033-grants.md).
Sources: Unity Catalog API 2.1, Grants; Permissions API 2.0.
"""

import re
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from cloudtrail_to_delta.hooks.databricks import api_path
from cloudtrail_to_delta.iam.catalog import CATALOG, LEGACY, LOCATION, PERMISSIONS, ROOT, SCHEMA, Need, held
from cloudtrail_to_delta.setup.databricks.calls import NOT_YET, look_up, send
from cloudtrail_to_delta.setup.databricks.catalog import CREDENTIALS, ExternalLocation
from cloudtrail_to_delta.setup.databricks.markers import owner_of
from cloudtrail_to_delta.setup.databricks.principals import USE, WAREHOUSES, grant, has_level, revoke
from cloudtrail_to_delta.setup.resources import Clouds, Document, Found, Resource

WAREHOUSE = "WAREHOUSE"
_NOTE = re.compile(r" \[cloudtrail-gave: ([^\]]*)\]")


@dataclass(frozen=True, kw_only=True)
class Given:
    """Privileges that the set-up has given: the principal, the object and the privileges."""

    principal: str
    securable: str
    name: str
    privileges: tuple[str, ...]

    @property
    def text(self) -> str:
        """The note of it in a comment, which is also its name in a removal."""
        return f"{self.principal} {self.securable} {self.name} {'+'.join(self.privileges)}"

    @classmethod
    def parse(cls, text: str) -> "Given":
        """Read what `text` has written."""
        principal, securable, name, privileges = text.split(" ")
        return cls(
            principal=principal, securable=securable, name=name, privileges=tuple(privileges.split("+"))
        )


def noted(comment: object) -> list[Given]:
    """Return what the set-up has given, according to its credential's comment."""
    found = _NOTE.search(str(comment or ""))
    return [Given.parse(one) for one in found[1].split("; ") if one] if found else []


def with_note(comment: str, given: list[Given]) -> str:
    """Return the comment with this note in place of an earlier one, before the mark of the set-up."""
    words, mark, end = _NOTE.sub("", comment).rpartition(" [")
    note = f" [cloudtrail-gave: {'; '.join(one.text for one in given)}]" if given else ""
    return f"{words}{note}{mark}{end}"


@dataclass(frozen=True, kw_only=True)
class Grant(Resource):
    """What the ingest's principal needs on one object; what it has in any way is not given again."""

    action = "databricks"
    tagged: ClassVar[bool] = False
    not_yet: ClassVar[frozenset[str]] = frozenset({NOT_YET})
    setup: str
    principal: str
    #: The name of the set-up's storage credential, whose comment has the note; empty for none.
    credential: str
    need: Need
    #: For a location: the one of the set-up, or the one that it adopts instead.
    location: ExternalLocation | None = None

    @property
    def name(self) -> str:  # type: ignore[override] # built from the fields
        """The name, such as `privileges of ingest@example.com on schema main.security`."""
        return f"privileges of {self.principal} on {self.need.words}"

    def read(self, clouds: Clouds) -> Found | None:
        """Read which of the needed privileges the principal has; None if the object does not exist yet."""
        need = self._need(clouds)
        if need is None:
            return None
        if need.securable == WAREHOUSE:
            has = has_level(clouds, WAREHOUSES, need.name, self.principal, USE)
            return Found(document={"privileges": [USE] if has else []})
        if need.name.split(".")[0] == LEGACY and need.securable != LOCATION:
            return Found(document={"privileges": sorted(need.privileges)})
        quoted = api_path("", need.name).removeprefix("/")
        found = held(clouds.databricks, need, [self.principal], quoted)
        return Found(document={"privileges": sorted(found)})

    def wanted(self, found: Found | None) -> Document:  # noqa: ARG002 - the protocol's signature
        """Return all needed privileges."""
        return {"privileges": sorted(self.need.privileges)}

    def released(self, found: Found) -> Document | None:
        """Return the privileges as they are: a removal takes what is noted (`GivenGrant`)."""
        return found.document

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:
        """Note the missing privileges, then give them."""
        need = self._need(clouds)
        before = self.read(clouds) if found is None else found
        if need is None or before is None:
            return
        missing = tuple(one for one in after["privileges"] if one not in before.document["privileges"])
        if not missing:
            return
        given = Given(principal=self.principal, securable=need.securable, name=need.name, privileges=missing)
        self._note(clouds, given)
        if need.securable == WAREHOUSE:
            grant(clouds, WAREHOUSES, need.name, self.principal, USE)
        else:
            change(clouds, given, "add")

    def remove(self, clouds: Clouds, found: Found) -> None:
        """Do nothing: see `released`."""

    def remark(self, found: Found | None, after: Document | None) -> str:  # noqa: ARG002 - the protocol's
        """Return that a removal leaves the privileges if nothing can note them."""
        return "" if self.credential or self.location else "a removal leaves this"

    def _need(self, clouds: Clouds) -> Need | None:
        """Return the need with the object's full name; None if the object does not exist yet."""
        need = self.need
        if self.location is not None:
            found = self.location.read(clouds)
            return replace(need, name=found.facts["name"]) if found else None
        if need.securable in (CATALOG, SCHEMA):
            levels = 1 if need.securable == CATALOG else 2
            parts = [part for part in need.name.split(".") if part]
            if len(parts) < levels:
                return replace(need, name=".".join([default_catalog(clouds), *parts]))
        return need

    def _note(self, clouds: Clouds, given: Given) -> None:
        """Add it to the credential's comment, unless the object or the credential is not the set-up's."""
        if self.location is not None:
            found = self.location.read(clouds)
            if found and found.owner == self.setup:
                return  # it goes with the location
        credential = look_up(clouds, api_path(CREDENTIALS, self.credential)) if self.credential else None
        if credential and owner_of(credential.get("comment")) == self.setup:
            comment = str(credential["comment"])
            note(clouds, self.credential, comment, [*added(noted(comment), given)])


@dataclass(frozen=True, kw_only=True)
class GivenGrant(Resource):
    """What the set-up has given, by its note, for a removal."""

    action = "databricks"
    tagged: ClassVar[bool] = False
    setup: str
    credential: str
    given: Given

    @property
    def name(self) -> str:  # type: ignore[override] # built from the fields
        """The name, such as `privileges that ingest@example.com was given on schema main.security`."""
        words = f"{self.given.securable.lower().replace('_', ' ')} {self.given.name}"
        return f"privileges that {self.given.principal} was given on {words}"

    def read(self, clouds: Clouds) -> Found | None:
        """Return the privileges while the note exists."""
        credential = look_up(clouds, api_path(CREDENTIALS, self.credential)) or {}
        if self.given not in noted(credential.get("comment")):
            return None
        return Found(document={"privileges": list(self.given.privileges)})

    def wanted(self, found: Found | None) -> Document:  # noqa: ARG002 - the protocol's signature
        """Return the privileges; a removal does not call this."""
        return {"privileges": list(self.given.privileges)}

    def released(self, found: Found) -> Document | None:  # noqa: ARG002 - the protocol's signature
        """Return None: nothing is left."""
        return None

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:
        """Do nothing; a removal does not call this."""

    def remove(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - the protocol's signature
        """Take the privileges, then delete the note."""
        if self.given.securable == WAREHOUSE:
            revoke(clouds, WAREHOUSES, self.given.name, self.given.principal)
        elif look_up(clouds, _path(self.given)) is not None:
            change(clouds, self.given, "remove")
        comment = str((look_up(clouds, api_path(CREDENTIALS, self.credential)) or {}).get("comment", ""))
        note(clouds, self.credential, comment, [one for one in noted(comment) if one != self.given])


def added(known: list[Given], one: Given) -> list[Given]:
    """Return the note with one more entry; an object has one entry for each principal."""
    same = [
        g for g in known if (g.principal, g.securable, g.name) == (one.principal, one.securable, one.name)
    ]
    both = dict.fromkeys(privilege for each in (*same, one) for privilege in each.privileges)
    return [*(other for other in known if other not in same), replace(one, privileges=tuple(both))]


def default_catalog(clouds: Clouds) -> str:
    """Return the catalog of names that do not name one."""
    assigned = look_up(clouds, f"{ROOT}/current-metastore-assignment") or {}
    return str(assigned.get("default_catalog_name") or LEGACY)


def note(clouds: Clouds, credential: str, comment: str, given: list[Given]) -> None:
    """Write the note into the credential's comment. That tests nothing in AWS."""
    body: dict[str, Any] = {"comment": with_note(comment, given), "skip_validation": True}
    send(clouds, "PATCH", api_path(CREDENTIALS, credential), body)


def change(clouds: Clouds, given: Given, how: str) -> None:
    """Give (`add`) or take (`remove`) privileges on an object of Unity Catalog."""
    changes = [{"principal": given.principal, how: list(given.privileges)}]
    send(clouds, "PATCH", _path(given), {"changes": changes})


def _path(given: Given) -> str:
    return api_path(PERMISSIONS, given.securable, given.name)
