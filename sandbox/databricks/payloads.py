"""A check of requests against the type hints of databricks-sdk's methods: could the SDK have sent them?

The service silently drops unknown keys, so nobody notices a misspelled parameter. The stand-in refuses it:
every key at any depth must be a field of the SDK's dataclass, and every value must have the field's type. As
in the service, numbers may be text: Airflow's provider sends every number as text.
"""

import dataclasses
import difflib
import enum
import inspect
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any

from sandbox.databricks.errors import InvalidParameterError

Json = dict[str, Any]
_MISSING = object()


def checked(method: Callable[..., Any], request: Json, *, text: bool = False) -> Json:
    """Check a request, and return it without nulls and with numbers converted from text.

    Args:
        method: a method of a databricks-sdk API class; its parameters are the request's keys.
        request: the JSON body, or the query's parameters.
        text: whether every value is text (a query string), so that booleans are "true" and "false".

    Raises:
        InvalidParameterError: names every unknown key, missing field and wrong type, each with its path.
    """
    hints = typing.get_type_hints(method)
    parameters = {n: p for n, p in inspect.signature(method).parameters.items() if n != "self"}
    required = {n for n, p in parameters.items() if p.default is inspect.Parameter.empty}
    walk = _Walk(text=text)
    found = walk.object("", request, {name: hints[name] for name in parameters}, required)
    if walk.defects:
        raise InvalidParameterError("; ".join(walk.defects))
    return found


@dataclasses.dataclass
class _Walk:
    text: bool
    defects: list[str] = dataclasses.field(default_factory=list)

    def object(self, path: str, value: Json, hints: dict[str, Any], required: set[str]) -> Json:
        found = {}
        for key, item in value.items():
            where = _join(path, key)
            if key not in hints:
                self.defects.append(f"Unknown field {where}{_did_you_mean(key, hints)}")
            elif item is not None:
                found[key] = self.value(where, item, hints[key])
        missing = sorted(name for name in required if value.get(name) is None)
        self.defects += [f"Missing required field {_join(path, name)}" for name in missing]
        return found

    def value(self, path: str, value: Any, hint: Any) -> Any:
        """Return `value` converted to the type of `hint`, or record a defect."""
        origin, inner = typing.get_origin(hint), typing.get_args(hint)
        found = value
        if origin in (typing.Union, types.UnionType):
            found = self.value(path, value, next(item for item in inner if item is not types.NoneType))
        elif origin is list:
            found = self._list(path, value, inner[0])
        elif origin is dict:
            found = self._map(path, value, inner[1])
        elif dataclasses.is_dataclass(hint):
            found = self._record(path, value, hint)
        elif isinstance(hint, type) and issubclass(hint, enum.Enum):
            found = self._enum(path, value, hint)
        elif hint is not Any:
            found = self._scalar(path, value, hint)
        return found

    def _list(self, path: str, value: Any, item: Any) -> Any:
        if not isinstance(value, list):
            return self._wrong(path, value, "a list")
        return [self.value(f"{path}[{index}]", one, item) for index, one in enumerate(value)]

    def _map(self, path: str, value: Any, item: Any) -> Any:
        if not isinstance(value, dict):
            return self._wrong(path, value, "an object")
        return {key: self.value(f"{path}.{key}", one, item) for key, one in value.items()}

    def _record(self, path: str, value: Any, record: Any) -> Any:
        if not isinstance(value, dict):
            return self._wrong(path, value, f"an object ({record.__name__})")
        required = {
            field.name
            for field in dataclasses.fields(record)
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        }
        return self.object(path, value, typing.get_type_hints(record), required)

    def _enum(self, path: str, value: Any, choices: type[enum.Enum]) -> Any:
        values = [str(member.value) for member in choices]
        return value if value in values else self._wrong(path, value, f"one of {', '.join(sorted(values))}")

    def _scalar(self, path: str, value: Any, wanted: Any) -> Any:
        found: Any = _MISSING
        if wanted is str and isinstance(value, str):
            found = value
        elif wanted is bool:
            found = value if isinstance(value, bool) else self._boolean(value)
        elif wanted in (int, float) and isinstance(value, int | float | str) and not isinstance(value, bool):
            found = _number(value, wanted)
        return self._wrong(path, value, _WORDS[wanted]) if found is _MISSING else found

    def _boolean(self, value: Any) -> Any:
        """Convert a boolean; a query has only text, and `requests` writes Python's True as "True"."""
        return {"true": True, "false": False}.get(str(value).lower(), _MISSING) if self.text else _MISSING

    def _wrong(self, path: str, value: Any, wanted: str) -> None:
        self.defects.append(f"Field {path} must be {wanted}, not {value!r}")


_WORDS = {str: "a string", bool: "true or false", int: "a whole number", float: "a number"}


def _number(value: float | str, wanted: type) -> Any:
    try:
        number = wanted(value)
    except ValueError:
        return _MISSING
    return number if isinstance(value, str) or number == value else _MISSING


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _did_you_mean(key: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(key, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
