"""A fault, read from its description; errors name the wrong part of the description."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError

NOW = "now"
# The fields that each effect uses besides those of every fault.
EFFECTS: dict[str, set[str]] = {
    "refuse": {"code", "status", "message"},
    "lose_before": {"status"},
    "lose_after": {"status"},
    "hide": {"seconds", "hidden_from"},
    "vanish": {"after"},
    "linger": {"seconds"},
    "slow": {"seconds"},
    "fail": {"message"},
    "attach_hangs": {"seconds"},
    "never_boots": {"code", "message"},
    "dies": {"after"},
    "ssh_cut": {"after"},
    "ssh_freeze": {"after", "seconds"},
    "limit": {"code", "value"},
    "console_cut": set(),
}
REQUIRED: dict[str, set[str]] = {"refuse": {"code"}, "limit": {"code", "value"}}
# The effects that need no call; the others refuse a call, lose it, or change what it begins.
WITHOUT_CALL = {"hide", "vanish", "dies", "ssh_cut", "ssh_freeze", "limit"}
ON_MACHINES = {"never_boots", "dies", "ssh_cut", "ssh_freeze"}
_COMMON = {"name", "effect", "action", "service", "where", "skip", "times"}


class FaultError(SandboxError):
    """A description that makes no sense. The message names the fault and the field."""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong. sandbox/faults/README.md explains the fields."""

    name: str
    effect: str
    action: str = "*"
    service: str = "ec2"
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    skip: int = 0
    times: int | None = None
    after: float = 0
    seconds: float | None = None
    code: str | None = None
    status: int | None = None
    message: str | None = None
    value: int | None = None
    hidden_from: tuple[str, ...] = ("*",)


def read_faults(described: object) -> list[Fault]:
    """Return the faults of a list of descriptions, or of a single one. Raises FaultError."""
    listed = described if isinstance(described, list) else [described]
    return [read_fault(description) for description in listed]


def read_fault(described: object) -> Fault:
    """Return the fault of a description. Raises FaultError."""
    if not isinstance(described, Mapping):
        raise FaultError(f"A fault is a record with a name and an effect, not {described!r}")
    given = {key: value for key, value in described.items() if value is not None}
    name = given.get("name")
    if not isinstance(name, str) or not name:
        raise FaultError(f"A fault needs a name: {dict(described)!r}")
    known = {field.name for field in fields(Fault)}
    if unknown := sorted(str(key) for key in given if key not in known):
        raise _wrong(name, unknown[0], f"there is no such field; the fields are {_listed(known)}")
    effect = given.get("effect")
    if effect not in EFFECTS:
        raise _wrong(name, "effect", f"it is {effect!r}, and may be {_listed(EFFECTS)}")
    _check_fields(name, str(effect), given)
    values = {key: _read_value(name, key, value) for key, value in given.items()}
    return Fault(**values)


def _check_fields(name: str, effect: str, given: Mapping[str, Any]) -> None:
    for key in given:
        if key not in _COMMON | EFFECTS[effect]:
            raise _wrong(name, key, f"{effect} does not use it")
    for key in sorted(REQUIRED.get(effect, set()) - given.keys()):
        raise _wrong(name, key, f"{effect} requires it")
    if given.get("action") == NOW and effect not in WITHOUT_CALL:
        raise _wrong(name, "action", f"{effect} requires a call")
    if given.get("action") == NOW and {"skip", "times"} & given.keys():
        raise _wrong(name, "action", "`now` happens once, and takes neither skip nor times")


def _read_value(name: str, key: str, value: Any) -> Any:
    if key == "where":
        return _read_where(name, value)
    if key == "hidden_from":
        return _read_texts(name, key, value)
    default = next(field for field in fields(Fault) if field.name == key)
    if default.type in ("int", "int | None", int, int | None):
        return _read_number(name, key, value, int)
    if default.type in ("float", "float | None", float, float | None):
        return _read_number(name, key, value, (int, float))
    if not isinstance(value, str) or (default.default is MISSING and not value):
        raise _wrong(name, key, f"it is {value!r}, and must be a text")
    return value


def _read_number(name: str, key: str, value: Any, kind: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, kind) or value < 0:
        what = "a whole number" if kind is int else "a number"
        raise _wrong(name, key, f"it is {value!r}, and must be {what}, 0 or more")
    return value


def _read_where(name: str, value: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise _wrong(name, "where", f"it is {value!r}, and must map names to patterns")
    return {str(key): _read_texts(name, f"where.{key}", texts) for key, texts in value.items()}


def _read_texts(name: str, key: str, value: Any) -> tuple[str, ...]:
    texts = value if isinstance(value, list | tuple) else [value]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise _wrong(name, key, f"it is {value!r}, and must be a text or a list of texts")
    return tuple(texts)


def _wrong(name: str, key: str, reason: str) -> FaultError:
    return FaultError(f"Fault {name}, field {key}: {reason}")


def _listed(names: object) -> str:
    return ", ".join(sorted(names))  # type: ignore[call-overload]


def read_fault_file(path: Path) -> list[Fault]:
    """Return the faults of a file. Raises FaultError, which names the file, fault and field."""
    # `python -m sandbox install` runs where no library is installed yet.
    import yaml

    try:
        described = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FaultError(f"The faults in {path} cannot be read: {error}") from error
    try:
        return read_faults(described)
    except FaultError as error:
        raise FaultError(f"{path}: {error}") from error
