"""Checks JSON bodies: each value against its shape in the model.

Messages are those of AWS's framework: "1 validation error detected: Value 'x' at 'type' failed
to satisfy constraint: Member must satisfy enum value set: [...]". An unknown member, which AWS
ignores, is an error: the sandbox does not know what it would do.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from moto.core.utils import get_service_model

from sandbox.validation.values import RequestError

MODELS = {"servicequotas": "service-quotas"}
_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str),
}


def check_body(service: str, operation: str, text: str) -> None:
    """Raise RequestError for the first value of a body that the model does not allow."""
    if not (shape := _input_shape(service, operation)):
        return
    try:
        content = json.loads(text or "{}")
    except ValueError as error:
        raise RequestError("SerializationException", f"The body is not JSON: {error}") from error
    _check(content, shape, "")


def _check(value: Any, shape: Any, place: str) -> None:
    if value is None:
        return
    is_number = isinstance(value, bool) and shape.type_name != "boolean"
    if not isinstance(value, _PYTHON_TYPES[shape.type_name]) or is_number:
        message = f"{type(value).__name__} at '{place}' can not be converted to {shape.type_name}"
        raise RequestError("SerializationException", message)
    for constraint in _broken(value, shape):
        shown = value if isinstance(value, str | int | float) else json.dumps(value)
        message = f"Value '{shown}' at '{place}' failed to satisfy constraint: {constraint}"
        raise RequestError("ValidationException", f"1 validation error detected: {message}")
    if check_members := _CHECKS.get(shape.type_name):
        check_members(value, shape, place)


def _check_members(value: dict[str, Any], shape: Any, place: str) -> None:
    known = {
        _name(name, member): member for name, member in shape.members.items() if _is_in_body(member)
    }
    for name, item in value.items():
        if name not in known:
            message = f"The sandbox does not support the parameter {_join(place, name)}"
            raise RequestError("ValidationException", message)
        _check(item, known[name], _join(place, name))
    for name in shape.required_members:
        if _name(name, shape.members[name]) in known and value.get(name) is None:
            message = f"Value null at '{_join(place, name)}' failed to satisfy constraint"
            full = f"1 validation error detected: {message}: Member must not be null"
            raise RequestError("ValidationException", full)


def _check_items(value: list[Any], shape: Any, place: str) -> None:
    for number, item in enumerate(value, 1):
        _check(item, shape.member, f"{place}.{number}.member")


def _check_entries(value: dict[str, Any], shape: Any, place: str) -> None:
    for name, item in value.items():
        _check(item, shape.value, _join(place, name))


_CHECKS: dict[str, Callable[[Any, Any, str], None]] = {
    "structure": _check_members,
    "list": _check_items,
    "map": _check_entries,
}


def _broken(value: Any, shape: Any) -> Iterator[str]:
    limits = shape.metadata
    if choices := getattr(shape, "enum", None):
        if value not in choices:
            yield f"Member must satisfy enum value set: [{', '.join(choices)}]"
        return
    is_measured = isinstance(value, str | list | dict)
    size = len(value) if is_measured else value
    what = "have length" if is_measured else "have value"
    if "min" in limits and size < limits["min"]:
        yield f"Member must {what} greater than or equal to {limits['min']}"
    if "max" in limits and size > limits["max"]:
        yield f"Member must {what} less than or equal to {limits['max']}"
    if isinstance(value, str) and (pattern := limits.get("pattern")):
        found = _compile(pattern)
        if found and not found.search(value):
            yield f"Member must satisfy regular expression pattern: {pattern}"


@cache
def _compile(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern)
    except re.error:  # syntax that only Java has
        return None


@cache
def _input_shape(service: str, operation: str) -> Any:
    model = get_service_model(MODELS.get(service, service))
    known = operation in model.operation_names
    return model.operation_model(operation).input_shape if known else None


def _is_in_body(shape: Any) -> bool:
    return "location" not in shape.serialization


def _name(name: str, shape: Any) -> str:
    return str(shape.serialization.get("name", name))


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
