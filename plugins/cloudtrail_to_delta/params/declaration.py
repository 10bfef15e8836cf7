"""The declaration of a param, and what is derived from it: the field of the trigger form and the contract.

The contract decides. Its functions return violations: sentences that name the param, its value and what to
do. `request` collects them into one error.

The form only enforces what the browser can show. Airflow's form offers the values of an `enum`, keeps a
number within its limits, opens a calendar for a date and marks an empty required field. Only the API server
checks the rest of a schema; the form then shows "Bad Request" for some seconds and does not name a field.
Those rules are left to the contract, which names every violation in the log of `resolve`.

Fields without a section are in the one section that the form opens, so those are the fields that everyone has
to fill in. The form opens one section at a time. Source: Airflow 3.3, `ui/src/components/FlexibleForm` and
`ConfigForm.tsx`.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from airflow.sdk import Param

from cloudtrail_to_delta.params.suggestions import did_you_mean
from cloudtrail_to_delta.params.values import Check, shown

REQUIRED = object()
_KEPT = ("enum", "minimum", "maximum")


@dataclass(frozen=True)
class ParamRule:
    """The check of a param, and the default that it takes when it is missing or empty (null)."""

    check: Check
    default: Any = REQUIRED


@dataclass(frozen=True, kw_only=True)
class Declaration(ParamRule):
    """The complete declaration of one param.

    Attributes:
        title: the label of the field.
        help: the help text of the field, as Markdown; empty if the title is enough.
        example: the value that the form shows at first, if it is not the default.
        labels: the labels that the form shows for the values, if they differ from the values.
        section: the section of the form; empty for the section that is open at first.
    """

    title: str
    help: str = ""
    example: Any = None
    labels: Mapping[str, str] = field(default_factory=dict)
    section: str = ""

    def param(self, *, with_example: bool = True) -> Param:
        """Return the field of the form.

        Args:
            with_example: show the example at first; otherwise only if there is no default.
        """
        value = self.default
        if self.example is not None and (with_example or value is REQUIRED):
            value = self.example
        # Empty is null in the form.
        return Param(None if value == "" else copy(value), **self.form_schema)

    @property
    def form_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the field, with what Airflow's form shows.

        The schema lets a number have decimals, because only the API server would reject them.
        """
        rule = self.check.schema
        kind = {"integer": "number"}.get(rule["type"], rule["type"])
        # The form sends null for a text or a list that was emptied.
        schema: dict[str, Any] = {"type": ["null", kind] if self.check.may_be_empty else kind}
        schema |= {key: rule[key] for key in _KEPT if key in rule}
        # The form chooses the kind of field by the format, also where the text may be empty.
        for one in (rule, *rule.get("anyOf", ())):
            if "format" in one:
                schema["format"] = one["format"]
        if kind == "array":
            # The form offers the values of a list; the contract checks them.
            schema["items"] = {"type": "string"}
            if offered := rule["items"].get("enum"):
                schema["examples"] = list(offered)
        if self.labels:
            schema["values_display"] = dict(self.labels)
        schema["title"] = self.title
        if self.section:
            # An empty name would be a section of its own.
            schema["section"] = self.section
        return schema | ({"description_md": self.help} if self.help else {})


def in_section(section: str, rows: Mapping[str, Declaration]) -> dict[str, Declaration]:
    """Return the rows, moved to this section of the form; an empty name means the one that is open."""
    return {name: replace(row, section=section) for name, row in rows.items()}


def form_of(rows: Mapping[str, Declaration], *, with_examples: bool = True) -> dict[str, Param]:
    """Return the fields of the form, in the order in which they are declared."""
    return {name: row.param(with_example=with_examples) for name, row in rows.items()}


def check_params(
    params: Mapping[str, Any], rules: Mapping[str, ParamRule]
) -> tuple[dict[str, Any], list[str]]:
    """Return the valid values, with defaults filled in, and the violations of all others."""
    violations = [
        f"unknown param {name!r}: remove it.{did_you_mean(name, rules)}"
        for name in params
        if name not in rules
    ]
    values: dict[str, Any] = {}
    for name, rule in rules.items():
        value = params.get(name)
        value = rule.default if value is None else value
        if value is REQUIRED:
            violations.append(f"{name} is missing: {rule.check('')}")
        elif (complaint := rule.check(value)) is not None:
            violations.append(f"{name}={shown(value)}: {complaint}")
        else:
            values[name] = list(dict.fromkeys(value)) if isinstance(value, list | tuple) else value
    return values, violations


@dataclass(frozen=True)
class ChoiceRule:
    """A combination of params that cannot work; `broken` takes their values in the order of `params`."""

    params: tuple[str, ...]
    broken: Callable[..., bool]
    why: str


def check_choices(values: Mapping[str, Any], choices: Sequence[ChoiceRule]) -> list[str]:
    """Return the violations of `choices`, for values that are valid by themselves."""
    return [
        f"{', '.join(f'{name}={values[name]!r}' for name in rule.params)}: {rule.why}"
        for rule in choices
        if all(name in values for name in rule.params)
        and rule.broken(*(values[name] for name in rule.params))
    ]
