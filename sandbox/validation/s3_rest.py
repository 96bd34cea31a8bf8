"""Checks the enums, numbers and booleans in S3's headers and queries.

Unknown names are ignored, as S3 ignores them.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from moto.core.utils import get_service_model

from sandbox.validation.values import RequestError, fault_of

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
LONGEST_KEY_BYTES = 1024
_CHECKED = {"integer", "long", "boolean"}


def check_request(key: str, query: str, headers: Mapping[str, str]) -> None:
    """Raise RequestError for the first value that no operation of S3's model allows."""
    if len(key.encode()) > LONGEST_KEY_BYTES:
        raise RequestError("KeyTooLongError", "Your key is too long")
    for place, given in (("querystring", parse_qsl(query)), ("header", headers.items())):
        known = _places()[place]
        for name, value in given:
            if fault := _fault(value, known.get(name.lower(), ())):
                raise RequestError("InvalidArgument", f"{name}: {value}. {fault}")


def _fault(value: str, shapes: tuple[Any, ...]) -> str | None:
    """Return what is wrong with a value, unless some operation takes it."""
    faults = [_fault_in(value, shape) for shape in shapes]
    return faults[0] if faults and all(faults) else None


def _fault_in(value: str, shape: Any) -> str | None:
    if choices := getattr(shape, "enum", None):
        known = {choice.lower() for choice in choices}
        return None if value.lower() in known else f"Expecting one of {', '.join(choices)}"
    kind = shape.type_name
    return fault_of(value, kind, shape.metadata) if kind in _CHECKED else None


@cache
def _places() -> dict[str, dict[str, tuple[Any, ...]]]:
    """Return the shapes of each header and of each query parameter in S3's model."""
    model = get_service_model("s3")
    found: dict[str, dict[str, tuple[Any, ...]]] = {"querystring": {}, "header": {}}
    for operation in model.operation_names:
        shape = model.operation_model(operation).input_shape
        for member in shape.members.values() if shape else ():
            names = found.get(member.serialization.get("location", ""))
            if names is not None:
                name = member.serialization["name"].lower()
                names[name] = (*names.get(name, ()), member)
    return found
