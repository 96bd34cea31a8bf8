"""Checks texts that represent a number, a boolean, a time or base64, and their limits."""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any


class RequestError(Exception):
    """An error of the service for a wrong request, with its code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message


_BITS = {"integer": 31, "long": 63}
_NUMBER = re.compile(r"[+-]?\d{1,19}")
_BOOLEANS = ("true", "false")


def fault_of(text: str, kind: str, limits: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the text of a value of this kind; None if nothing."""
    if kind in _BITS:
        return _fault_of_number(text, kind, limits)
    if kind == "boolean":
        return None if text.lower() in _BOOLEANS else "Expecting true or false."
    if kind in ("float", "double"):
        return _fault_of_reading(float, text, "Expecting a number.")
    if kind == "timestamp":
        return _fault_of_reading(datetime.fromisoformat, text, "Expecting a time as in ISO 8601.")
    if kind == "blob":
        return _fault_of_reading(_decode, text, "Expecting base64.")
    return fault_of_length(len(text), limits) if kind == "string" else None


def fault_of_length(length: int, limits: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the length of a text or of a list; None if nothing."""
    if length < limits.get("min", 0):
        return f"Expecting a length of at least {limits['min']}."
    if length > limits.get("max", length):
        return f"Expecting a length of at most {limits['max']}."
    return None


def _fault_of_number(text: str, kind: str, limits: Mapping[str, Any]) -> str | None:
    if not _NUMBER.fullmatch(text) or not -(2 ** _BITS[kind]) <= int(text) < 2 ** _BITS[kind]:
        return "Expecting an integer."
    if int(text) < limits.get("min", int(text)):
        return f"Expecting a value greater than {limits['min']}."  # EC2's message: equal passes
    if int(text) > limits.get("max", int(text)):
        return f"Expecting a value smaller than or equal to {limits['max']}."
    return None


def _fault_of_reading(read: Any, text: str, fault: str) -> str | None:
    try:
        read(text)
    except (ValueError, binascii.Error):
        return fault
    return None


def _decode(text: str) -> None:
    base64.b64decode("".join(text.split()), validate=True)
