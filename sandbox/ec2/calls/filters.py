"""Filters and pages of the Describe calls."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sandbox.ec2.errors import ec2_error

Fields = Mapping[str, str | bool | int | Sequence[str] | None]
Item = TypeVar("Item")


def matches(filters: Iterable[Mapping[str, Any]], fields: Fields, tags: Mapping[str, str]) -> bool:
    """Return whether each filter has a value that matches; `*` and `?` are wildcards."""
    return all(_matches(item["Name"], item.get("Values", []), fields, tags) for item in filters)


def page(items: Sequence[Item], parameters: Mapping[str, Any]) -> tuple[list[Item], str | None]:
    """Return the requested page, and the token of the next page."""
    given = str(parameters.get("NextToken") or 0)
    if not given.isdecimal():
        raise ec2_error("InvalidNextToken", f"The token '{given}' is invalid")
    start = int(given)
    size = int(parameters.get("MaxResults") or len(items) or 1)
    following = str(start + size) if start + size < len(items) else None
    return list(items[start : start + size]), following


def _matches(name: str, wanted: Sequence[str], fields: Fields, tags: Mapping[str, str]) -> bool:
    if name.startswith("tag:"):
        key = name.removeprefix("tag:")
        found = [tags[key]] if key in tags else []
    elif name == "tag-key":
        found = list(tags)
    elif name in fields:
        found = _texts(fields[name])
    else:
        raise ec2_error("InvalidParameterValue", f"The filter '{name}' is invalid")
    return any(_pattern(value).fullmatch(text) for value in wanted for text in found)


def _texts(value: str | bool | int | Sequence[str] | None) -> list[str]:
    if value is None:
        return []
    if isinstance(value, bool):
        return [str(value).lower()]
    return [str(value)] if isinstance(value, str | int) else list(value)


def _pattern(value: str) -> re.Pattern[str]:
    escaped = re.escape(str(value)).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(escaped, re.DOTALL)
