"""One entry of accounts.yaml: fills in defaults, replaces placeholders and checks the contract."""

import itertools
import json
import re
from collections.abc import Collection, Container, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from cloudtrail_to_delta.accounts.schedules import cron_of
from cloudtrail_to_delta.accounts.settings import ALIAS, SETTINGS, SETUP
from cloudtrail_to_delta.accounts.source import Fields, Problem, Source
from cloudtrail_to_delta.dag_ids import ACCOUNT_INGEST
from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.params.ingest import NAMES, PARAMS, ingest_params
from cloudtrail_to_delta.params.locations import ACCOUNT
from cloudtrail_to_delta.params.request import IngestRequest, resolve_requests
from cloudtrail_to_delta.params.setup import SETUP_PARAMS
from cloudtrail_to_delta.params.suggestions import did_you_mean

if TYPE_CHECKING:
    from airflow.sdk import Param

PLACEHOLDERS = ("alias", "account")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The parts of a DAG of accounts.yaml.

    Attributes:
        dag_id: the DAG. An entry without a usable name is named after its line.
        line: the line where the entry begins.
        params: the values that the entry and the defaults give; other params keep the form's values.
        problems: why the DAG is disabled; empty if it is not.
    """

    prefix: ClassVar[str]

    dag_id: str
    line: int
    owner: str
    tags: tuple[str, ...]
    params: Mapping[str, Any]
    problems: tuple[Problem, ...]

    @property
    def name(self) -> str:
        """Return the alias, or the account."""
        return self.dag_id.removeprefix(self.prefix)

    @property
    def problem_list(self) -> str:
        """Return the problems as a Markdown list."""
        return "\n".join(f"- {problem}" for problem in self.problems)


@dataclass(frozen=True, kw_only=True)
class Account(Entry):
    """An entry as an ingest.

    Attributes:
        cron: when the DAG runs (UTC); None if it only runs when it is triggered.
        requests: one request for each kind that the entry selects; empty if there are problems.
    """

    prefix: ClassVar[str] = ACCOUNT_INGEST

    cron: str | None
    requests: Mapping[str, IngestRequest]

    @property
    def kinds(self) -> list[str]:
        """Return the kinds that the entry selects; its DAG has tasks for these."""
        return list(self.params.get("kinds") or PARAMS["kinds"].default)


def read_entry(source: Source, entry: Fields) -> Account:
    """Check one entry by itself; `cloudtrail_to_delta.accounts.shared` compares entries.

    An error in one entry disables that entry only.
    """
    try:
        return _read(source, entry)
    except Exception as error:  # noqa: BLE001 - as the docstring says
        dag_id = f"{ACCOUNT_INGEST}line_{entry.line}"
        return Account(
            dag_id=dag_id,
            line=entry.line,
            cron=cron_of(SETTINGS["schedule"].default, dag_id),
            owner=SETTINGS["owner"].default,
            tags=(),
            params={},
            requests={},
            problems=(unexpected(source.file, entry.line, error),),
        )


def setup_block(source: Source, entry: Fields) -> dict[str, Any] | None:
    """Return the fields of the entry's set-up over those of the default one; None if it has no set-up."""
    if entry.values.get(SETUP, source.defaults.values.get(SETUP)) is None:
        return None
    blocks = (values.get(SETUP) for values in (source.defaults.values, entry.values))
    return {field: value for one in blocks if isinstance(one, Mapping) for field, value in one.items()}


def _of_setup(source: Source, entry: Fields) -> dict[str, Any]:
    """Return the params that follow from the entry's set-up: its streams find files as it provides for.

    A set-up without the action `databricks` makes no external location. A wrong value in the block disables
    the set-up only.
    """
    block = setup_block(source, entry)
    if block is None:
        return {}
    found = {}
    for name in ("actions", "discovery"):
        given, declared = block.get(name), SETUP_PARAMS[name]
        found[name] = declared.default if given is None or declared.check(given) else given
    return {"discovery": found["discovery"]} if "databricks" in found["actions"] else {}


def _own_names(params: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return `account_names` with the entry's own account; what the param says of this account comes first.

    Invalid values are left out: each is a problem of its own field.
    """
    account, names = params.get("account"), params.get("account_names", {})
    own = {
        field: given[field]
        for field in NAMES
        if field in given and SETTINGS[field].check(given[field]) is None
    }
    single = isinstance(account, str) and re.fullmatch(ACCOUNT, account)
    if not own or not single or PARAMS["account_names"].check(names):
        return {}
    return {"account_names": {**names, account: {**own, **names.get(account, {})}}}


def named_by_line(prefix: str, line: int, taken: Container[str]) -> str:
    """Return the ID of a DAG whose entry has no name or a taken one; one line may hold several entries."""
    first = f"{prefix}line_{line}"
    ids = itertools.chain([first], (f"{first}_{n}" for n in itertools.count(2)))
    return next(dag_id for dag_id in ids if dag_id not in taken)


def unexpected(file: str, line: int, error: Exception) -> Problem:
    """Return the problem of an entry that fails with an error that no check foresees."""
    why = f"{type(error).__name__}: {str(error)[:300]}"
    text = f"this entry cannot be used: {why}. Remove its fields one by one to find the cause."
    return Problem(file=file, line=line, field="", text=text)


def _read(source: Source, entry: Fields) -> Account:
    given, name, unknown = given_fields(source, entry)
    problems = [one for one in (*source.defaults.problems, *entry.problems) if one.field != SETUP]
    settings, wrong = checked_settings(given)
    complaints = [*unknown, *_unknown_fields(given), *wrong, *_endless(given, settings["schedule"])]
    if not name and not any(field in ("alias", "account") for field, _ in complaints):
        complaints.append(("alias", "give an alias, because `account` does not name a single account."))
    params = {field: value for field, value in given.items() if field in PARAMS}
    params |= {name: value for name, value in _of_setup(source, entry).items() if name not in params}
    params |= _own_names(params, given)
    requests: dict[str, IngestRequest] = {}
    try:
        requests = resolve_requests(params)
    except InvalidRequestError as error:
        known = {field for field, _ in unknown}
        found = ((field_of(violation, given, PARAMS), violation) for violation in error.violations)
        complaints += [(field, violation) for field, violation in found if field not in known]
    mentioned = {field for field, _ in complaints}
    complaints += [(field, text) for field, text in misfits(params) if field not in mentioned]
    problems += [_located(source, entry, field, text) for field, text in complaints]
    dag_id = f"{ACCOUNT_INGEST}{name}" if name else f"{ACCOUNT_INGEST}line_{entry.line}"
    return Account(
        dag_id=dag_id,
        line=entry.line,
        cron=cron_of(settings["schedule"], dag_id),
        owner=settings["owner"],
        tags=tuple(settings["tags"]),
        params=params,
        requests={} if problems else requests,
        problems=tuple(problems),
    )


def given_fields(source: Source, entry: Fields) -> tuple[dict[str, Any], str, list[tuple[str, str]]]:
    """Return the entry's fields over those of the defaults, its name, and the problems of its placeholders.

    The fields do not include the block of a set-up. As in the form, an empty field counts as missing.
    """
    merged = {**source.defaults.values, **entry.values}
    given = {field: value for field, value in merged.items() if value not in (None, "") and field != SETUP}
    name = _name(given)
    given, unknown = placeholders_replaced(given, placeholders(given, name))
    return given, name, unknown


def checked_settings(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return the fields that are not params, with the default for an invalid value, and the complaints."""
    settings: dict[str, Any] = {}
    complaints = []
    for field, rule in SETTINGS.items():
        value = given.get(field, rule.default)
        complaint = rule.check(value)
        settings[field] = value if complaint is None else rule.default
        if complaint:
            complaints.append((field, f"{value!r}: {complaint}"))
    return settings, complaints


def placeholders(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the values of `{alias}` and `{account}` in an entry."""
    return {"alias": name, "account": given.get("account", "")}


def _name(given: Mapping[str, Any]) -> str:
    """Return the alias, otherwise the account; empty if neither is a single name."""
    name = given.get("alias") or given.get("account")
    return name if isinstance(name, str) and re.fullmatch(ALIAS, name) else ""


def placeholders_replaced(
    given: Mapping[str, Any], known: Mapping[str, Any]
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Replace `{alias}` and `{account}` in texts, so that one default serves every account.

    Returns:
        The fields, and the complaints: an unknown placeholder, or two keys of an object that become equal.
    """
    wrong: list[tuple[str, str]] = []

    def replaced(field: str, value: Any) -> Any:
        if isinstance(value, list):
            return [replaced(field, one) for one in value]
        if isinstance(value, dict):
            keys = {key: replaced(field, key) for key in value}
            for key, other in itertools.combinations(keys, 2):
                if keys[key] == keys[other]:
                    wrong.append(
                        (field, f"{key!r} and {other!r} both become {keys[key]!r}: keep one of them.")
                    )
            return {keys[key]: replaced(field, one) for key, one in value.items()}
        if not isinstance(value, str) or "{" not in value:
            return value
        for found in _PLACEHOLDER.findall(value):
            if found not in known:
                why = f"{{{found}}} in {value!r} is not a placeholder: use {{alias}} or {{account}}."
                wrong.append((field, why + did_you_mean(found, known)))
        return _PLACEHOLDER.sub(lambda match: str(known.get(match[1], match[0])), value)

    return {field: replaced(field, value) for field, value in given.items()}, wrong


def _endless(given: Mapping[str, Any], schedule: str) -> Iterator[tuple[str, str]]:
    """Yield a complaint if a DAG with a schedule has a stream that never ends."""
    if given.get("trigger") == "continuous" and schedule != "none":
        said = f"schedule={schedule!r}" if "schedule" in given else f"schedule={schedule!r}, the default"
        why = f"'continuous' with {said}: the stream never ends, so each later run would be refused"
        yield (
            "trigger",
            f"{why}: give `schedule: none` and trigger the DAG once, or `trigger: available_now`.",
        )


def _unknown_fields(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    known = (*SETTINGS, *PARAMS)
    for field in given:
        if field not in known:
            yield field, f"unknown field: remove it.{did_you_mean(field, known)}"


def misfits(
    params: Mapping[str, Any], validators: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, str]]:
    """Yield what the form, by default the ingest's, would refuse: Airflow checks every run against it."""
    known = _validators() if validators is None else validators
    for field, value in params.items():
        validator = known.get(field)
        try:
            if isinstance(value, Mapping):
                json.dumps(value)  # its parts can be bytes, which the form's schema does not see
            error = next(validator.iter_errors(value), None) if validator else None
        except Exception as failed:  # noqa: BLE001 - a key that is a number, where a pattern needs text
            yield field, f"{value!r}: the form cannot use this value: {failed}."
            continue
        if error is not None:
            yield field, f"{value!r}: the form refuses this value: {error.message}."


@cache
def _validators() -> dict[str, Any]:
    return validators_of(ingest_params())


def validators_of(form: Mapping[str, "Param"]) -> dict[str, Any]:
    """Return a validator for each field of a form, compiled once from its JSON Schema."""
    from jsonschema import Draft202012Validator, FormatChecker

    return {
        field: Draft202012Validator(param.schema, format_checker=FormatChecker())
        for field, param in form.items()
    }


def field_of(violation: str, given: Mapping[str, Any], params: Collection[str]) -> str:
    """Return the field that a violation is about: of the fields that it names, one that was given."""
    head, _, rest = violation.partition(": ")
    named = re.findall(r"(?:^|, |and )(\w+)=", head) or re.findall(r"^(\w+) is missing", head)
    if (change := re.search(r"change ([\w, ]+)\.$", rest)) and not named:
        named = re.findall(r"\w+", change[1])
    named = [name for name in named if name in params]
    return next((name for name in named if name in given), named[0] if named else "")


def _located(source: Source, entry: Fields, field: str, text: str) -> Problem:
    line = entry.lines.get(field) or source.defaults.lines.get(field) or entry.line
    return Problem(file=source.file, line=line, field=field, text=without_field(field, text))


def without_field(field: str, text: str) -> str:
    """Return a violation without its field, for a place where the name of the field already precedes it."""
    if text.partition(": ")[0].count("=") < 2:
        # The violation begins with the field, which already precedes it.
        return text.removeprefix(f"{field}=").removeprefix(f"{field} ")
    return text
