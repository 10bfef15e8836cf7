"""How a param is declared, and what is derived of that: the field of the trigger form and the contract.

The contract is what decides. Its functions return violations, as sentences that name the param, its value and
what to do; `request` gathers them into one error.

The form takes over from a check only what the browser itself holds people to: Airflow's form offers the
values of an `enum`, keeps a number within its limits, opens a calendar for a date and marks a required field
that is empty. Anything else in a schema is looked at by the API server only, whose answer the form shows as
"Bad Request" for some seconds, without a field: that is left to the contract, which names every violation in
the log of `resolve`. Source: Airflow 3.3, `ui/src/components/FlexibleForm`.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from airflow.sdk import Param

from cloudtrail_to_delta.params.suggestions import did_you_mean
from cloudtrail_to_delta.params.values import Check, shown

REQUIRED = object()
_KEPT = ("enum", "minimum", "maximum", "format")


@dataclass(frozen=True)
class ParamRule:
    """What a param may be, and what it is when it is not given or left empty (null)."""

    check: Check
    default: Any = REQUIRED


@dataclass(frozen=True, kw_only=True)
class Declaration(ParamRule):
    """All there is to say about one param.

    Attributes:
        title: what the form calls it.
        help: what the form says of it, as Markdown; empty when the title says it all.
        example: what the form shows at first, where that is not the default.
        labels: what the form calls the values, where not by themselves.
        section: the section of the form.
    """

    title: str
    help: str = ""
    example: Any = None
    labels: Mapping[str, str] = field(default_factory=dict)
    section: str = ""

    def param(self, *, with_example: bool = True) -> Param:
        """The field of the form.

        Args:
            with_example: show the example at first; else only where there is no default.
        """
        value = self.default
        if self.example is not None and (with_example or value is REQUIRED):
            value = self.example
        # Empty is null in the form.
        return Param(None if value == "" else copy(value), **self.form_schema)

    @property
    def form_schema(self) -> dict[str, Any]:
        """The JSON Schema of the field, with what Airflow's form shows of it.

        A number may have decimals as far as the form is concerned: only the API server would refuse them.
        """
        rule = self.check.schema
        kind = {"integer": "number"}.get(rule["type"], rule["type"])
        # The form sends null for a text or a list that was emptied.
        schema: dict[str, Any] = {"type": ["null", kind] if self.check.may_be_empty else kind}
        schema |= {key: rule[key] for key in _KEPT if key in rule}
        if kind == "array":
            # What a list may hold is offered, and left to the contract.
            schema["items"] = {"type": "string"}
            if offered := rule["items"].get("enum"):
                schema["examples"] = list(offered)
        if self.labels:
            schema["values_display"] = dict(self.labels)
        schema |= {"section": self.section, "title": self.title}
        return schema | ({"description_md": self.help} if self.help else {})


def in_section(section: str, rows: Mapping[str, Declaration]) -> dict[str, Declaration]:
    """The rows, in this section of the form."""
    return {name: replace(row, section=section) for name, row in rows.items()}


def form_of(rows: Mapping[str, Declaration], *, with_examples: bool = True) -> dict[str, Param]:
    """The form's fields in the order in which they are declared."""
    return {name: row.param(with_example=with_examples) for name, row in rows.items()}


def check_params(
    params: Mapping[str, Any], rules: Mapping[str, ParamRule]
) -> tuple[dict[str, Any], list[str]]:
    """The values that are sound, with defaults filled in, and the violations of all others."""
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
    """A combination of params, in the order in which `broken` takes their values, that cannot work."""

    params: tuple[str, ...]
    broken: Callable[..., bool]
    why: str


def check_choices(values: Mapping[str, Any], choices: Sequence[ChoiceRule]) -> list[str]:
    """Violations of `choices`, among values that are sound by themselves."""
    return [
        f"{', '.join(f'{name}={values[name]!r}' for name in rule.params)}: {rule.why}"
        for rule in choices
        if all(name in values for name in rule.params)
        and rule.broken(*(values[name] for name in rule.params))
    ]
