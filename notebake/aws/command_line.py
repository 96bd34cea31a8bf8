"""Calls of AWS as a person types them: `aws SERVICE OPERATION --options`.

The AWS command line derives its words from botocore's models of the services; so do we. The few
words that it changes by hand are in `COUNTED` (awscli 1.45, customizations/ec2/addcount.py).
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import botocore.session
from botocore import xform_name
from botocore.model import OperationModel

COUNTED = {"RunInstances": ("MinCount", "MaxCount")}
"""Operations for which the command line has one option --count instead of two."""

TOO_NEW = {"SkipOsShutdown"}
"""Parameters that command lines of 2025 lack, and that change nothing but how long a call takes."""


class Option(NamedTuple):
    """One option and what follows it."""

    name: str
    """As it is typed, with its hyphens."""
    value: Any = None
    """None: a switch; a text; a list of texts; any other list or dict is typed as JSON."""


class TypedCall(NamedTuple):
    """One call as it is typed."""

    service: str
    operation: str
    options: tuple[Option, ...]


def typed_call(
    service: str, operation: str, region: str, parameters: Mapping[str, Any]
) -> TypedCall:
    """Return a call of the API in the words of the AWS command line.

    Raises:
        KeyError: the operation has no such parameter.
        botocore.exceptions.OperationNotFoundError: the service has no such operation.
    """
    model = _model(service, operation)
    typed = {name: value for name, value in parameters.items() if name not in TOO_NEW}
    options = (Option("--region", region), *_options(model, typed))
    return TypedCall(service, xform_name(operation, "-"), options)


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.Session()


@functools.cache
def _model(service: str, operation: str) -> OperationModel:
    model: OperationModel = _service(service).operation_model(operation)
    return model


@functools.cache
def _service(service: str) -> Any:
    return _session().get_service_model(service)


def _options(model: OperationModel, parameters: dict[str, Any]) -> Iterator[Option]:
    if counts := COUNTED.get(model.name):
        fewest, most = (parameters.pop(name, 1) for name in counts)
        if (fewest, most) != (1, 1):
            yield Option("--count", str(most) if fewest == most else f"{fewest}:{most}")
    for name, value in parameters.items():
        yield _option(name, model.input_shape.members[name], value)


def _option(name: str, shape: Any, value: Any) -> Option:
    typed = xform_name(name, "-")
    if shape.type_name == "boolean":
        return Option(f"--{typed}" if value else f"--no-{typed}")
    if shape.type_name == "list" and shape.member.type_name not in ("structure", "list", "map"):
        return Option(f"--{typed}", [str(each) for each in value])
    if shape.type_name in ("structure", "list", "map"):
        return Option(f"--{typed}", value)
    return Option(f"--{typed}", str(value))
