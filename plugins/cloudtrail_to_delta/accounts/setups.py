"""The block `setup` of an entry: the set-up's form with the entry's values, checked by the set-up's contract.

Why it is a block, and why a mistake disables only the set-up: docs/adr/0017-accounts-file.md.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar

from cloudtrail_to_delta.accounts.entries import (
    Entry,
    checked_settings,
    field_of,
    given_fields,
    misfits,
    named_by_line,
    placeholders,
    placeholders_replaced,
    setup_block,
    unexpected,
    validators_of,
    without_field,
)
from cloudtrail_to_delta.accounts.settings import SETTINGS, SETUP
from cloudtrail_to_delta.accounts.source import Fields, Problem, Source
from cloudtrail_to_delta.dag_ids import ACCOUNT_SETUP
from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.params.ingest import PARAMS
from cloudtrail_to_delta.params.setup import SETUP_PARAMS
from cloudtrail_to_delta.setup.request import resolve_setup

# The fields that an ingest and its set-up share: the entry gives them once.
SHARED = tuple(name for name in SETUP_PARAMS if name in PARAMS)
# The compute of the entry's ingest → what its set-up creates, unless the block says otherwise.
_COMPUTE = {"existing_cluster": "existing_cluster", "new_cluster": "none", "serverless": "none"}
_ROLE = re.compile(r"arn:[a-z-]+:iam::(\d{12}):role/([\w+=,.@-]+)")

Complaints = list[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class SetupEntry(Entry):
    """An entry as a set-up."""

    prefix: ClassVar[str] = ACCOUNT_SETUP

    @property
    def tag(self) -> str:
        """Return the set-up's name, which is the value of its tag; without one, the contract's default."""
        return str(self.params.get("name", SETUP_PARAMS["name"].default))


def read_blocks(source: Source) -> list[SetupEntry]:
    """Return the set-up of every entry that has one, valid or disabled."""
    found = (read_setup(source, entry) for entry in source.entries)
    return list(_without_duplicates(source.file, (one for one in found if one)))


def read_setup(source: Source, entry: Fields) -> SetupEntry | None:
    """Check the block of one entry; return None if it has no block, or removes the default block with null.

    An error in one block disables that set-up only.
    """
    try:
        return _read(source, entry)
    except Exception as error:  # noqa: BLE001 - as the docstring says
        return SetupEntry(
            dag_id=f"{ACCOUNT_SETUP}line_{entry.line}",
            line=entry.line,
            owner=SETTINGS["owner"].default,
            tags=(),
            params={},
            problems=(replace(unexpected(source.file, entry.line, error), field=SETUP),),
        )


def _read(source: Source, entry: Fields) -> SetupEntry | None:
    asked = entry.values.get(SETUP, source.defaults.values.get(SETUP))
    spoiled = [one for one in (*source.defaults.problems, *entry.problems) if one.field in (*SHARED, SETUP)]
    if asked is None and not any(problem.field == SETUP for problem in spoiled):
        return None
    given, name, unknown = given_fields(source, entry)
    settings, _ = checked_settings(given)
    block, more = placeholders_replaced(setup_block(source, entry) or {}, placeholders(given, name))
    complaints = [(field, text) for field, text in (*unknown, *more) if field in (*SHARED, *block)]
    if not name:
        complaints.append(("alias", "give an alias: it names the DAG and the set-up."))
    if not isinstance(asked, Mapping):
        complaints.append((SETUP, f"{asked!r}: give fields of the set-up's form, like `accounts:`, or {{}}."))
    shared = {field: given[field] for field in SHARED if field in given}
    # In the block, null removes a value of the entry.
    params = _without_empty({**_derived(given, name), **_first_account(block), **shared, **block})
    complaints += _violations(params, known={field for field, _ in complaints})
    complaints += _other_role(params, given, complaints)
    problems = [*spoiled, *_problems_of_blocks(source, entry)]
    problems += [_located(source, entry, block, field, text) for field, text in complaints]
    return SetupEntry(
        dag_id=f"{ACCOUNT_SETUP}{name}" if name else f"{ACCOUNT_SETUP}line_{entry.line}",
        line=entry.line,
        owner=settings["owner"],
        tags=tuple(settings["tags"]),
        params=params,
        problems=tuple(dict.fromkeys(problems)),
    )


def _derived(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the params that follow from the entry: the set-up's name, its reader role and its compute."""
    plain = name.replace("_", "")
    derived = {"name": plain if not plain[:1].isdigit() else f"cloudtrail{plain}"}
    if role := _ROLE.fullmatch(str(given.get("reader_role_arn", ""))):
        derived |= {"reader_account": role[1], "reader_role": role[2]}
    chosen = given.get("compute")
    if isinstance(chosen, str) and chosen in _COMPUTE:
        derived["databricks_compute"] = _COMPUTE[chosen]
    return derived


def _first_account(block: Mapping[str, Any]) -> dict[str, Any]:
    """Return the bucket's account, unless it is given: the first account in the file.

    The file keeps the order of its author. The params of a run are a JSON object, which has no order.
    """
    accounts = block.get("accounts")
    first = next(iter(accounts), None) if isinstance(accounts, Mapping) else None
    return {"bucket_account": first} if isinstance(first, str) else {}


def _without_empty(params: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in params.items() if value not in (None, "")}


def _violations(params: Mapping[str, Any], *, known: set[str]) -> Complaints:
    """Return what the contract, then the form, says about fields that have no complaint so far."""
    complaints: Complaints = []
    try:
        resolve_setup(params)
    except InvalidRequestError as error:
        found = ((field_of(violation, params, SETUP_PARAMS), violation) for violation in error.violations)
        complaints = [(field or _unknown_of(violation), violation) for field, violation in found]
        complaints = [(field, violation) for field, violation in complaints if field not in known]
    mentioned = known | {field for field, _ in complaints}
    return complaints + [one for one in misfits(params, _validators()) if one[0] not in mentioned]


def _unknown_of(violation: str) -> str:
    found = re.match(r"unknown param '(\w+)'", violation)
    return found[1] if found else ""


def _other_role(params: Mapping[str, Any], given: Mapping[str, Any], complaints: Complaints) -> Complaints:
    """Return a complaint if the set-up would create another role than the one that the ingest reads with."""
    wanted = given.get("reader_role_arn")
    if complaints or not wanted:
        return []
    made = resolve_setup(params).reader_role_arn
    if made == wanted:
        return []
    why = (
        f"the set-up would create {made}, but the entry's reader_role_arn is {wanted!r}: give both the same "
        "role."
    )
    return [("reader_role", why)]


def _problems_of_blocks(source: Source, entry: Fields) -> Iterator[Problem]:
    """Yield the YAML problems of the blocks, and of the objects in them."""

    def below(part: Fields, name: str) -> Iterator[Problem]:
        for problem in part.problems:
            yield replace(problem, field=f"{name}.{problem.field}" if problem.field else name)
        for field, inner in part.parts.items():
            yield from below(inner, f"{name}.{field}")

    for part in (source.defaults.parts.get(SETUP), entry.parts.get(SETUP)):
        if part:
            yield from below(part, SETUP)


def _located(source: Source, entry: Fields, block: Mapping[str, Any], field: str, text: str) -> Problem:
    """Return the problem with the line of its field: in a block, in the entry or in the defaults."""
    blocks = [part for one in (entry, source.defaults) if (part := one.parts.get(SETUP))]
    line = entry.lines.get(SETUP) or source.defaults.lines.get(SETUP) or entry.line
    shown = field if field in ("alias", SETUP) else f"{SETUP}.{field}" if field else SETUP
    if field in block:
        line = next((part.lines[field] for part in blocks if field in part.lines), line)
    elif own := entry.lines.get(field) or source.defaults.lines.get(field):
        line, shown = own, field
    return Problem(file=source.file, line=line, field=shown, text=without_field(field, text))


def _without_duplicates(file: str, setups: Iterable[SetupEntry]) -> Iterator[SetupEntry]:
    """Disable the later of two set-ups that share a name, in Airflow or as the value of the tag."""
    dag_ids: dict[str, SetupEntry] = {}
    names: dict[str, SetupEntry] = {}
    for setup in setups:
        one, name = setup, setup.tag
        if other := dag_ids.get(one.dag_id):
            text = f"{one.name!r} is already the name of the entry in line {other.line}: give another alias."
            problem = Problem(file=file, line=one.line, field="alias", text=text)
            dag_id = named_by_line(ACCOUNT_SETUP, one.line, dag_ids)
            one = replace(one, dag_id=dag_id, problems=(*one.problems, problem))
        elif other := names.get(name):
            text = f"{name!r} is already the set-up of {other.name!r} (line {other.line}): give another name."
            problem = Problem(file=file, line=one.line, field=f"{SETUP}.name", text=text)
            one = replace(one, problems=(*one.problems, problem))
        dag_ids[one.dag_id] = one
        if not one.problems:
            names[name] = one
        yield one


@cache
def _validators() -> dict[str, Any]:
    from cloudtrail_to_delta.params.setup import setup_params

    return validators_of(setup_params())
