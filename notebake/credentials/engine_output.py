"""The engine's output: one line of JSON for each credential, and a summary as the last line."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple


class EngineError(Exception):
    """The engine did not give a complete output."""


class Match(NamedTuple):
    """A credential that the engine found, and its place in the input."""

    rule: str
    line: int
    column: int
    value: str


def parse_output(output: bytes, input_bytes: int) -> list[Match]:
    """Return the matches of a complete output.

    Raises:
        EngineError: the output is incomplete, or does not cover the whole input.
    """
    try:
        records: list[dict[str, Any]] = [json.loads(line) for line in output.splitlines()]
        summary = records.pop()["scan"]
        matches = list(_matches(records))
        is_complete = summary["state"] == "complete" and summary["num_findings"] == len(matches)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise EngineError("the engine's output is incomplete") from error
    if not is_complete:
        raise EngineError("the engine did not complete its scan")
    if summary["bytes_scanned"] != input_bytes:
        raise EngineError(f"the engine read {summary['bytes_scanned']} of {input_bytes} bytes")
    return matches


def _matches(records: list[dict[str, Any]]) -> Iterator[Match]:
    for record in records:
        finding = record["finding"]
        location = finding["location"]
        line, column = int(location["start_line"]), int(location["start_column"])
        yield Match(str(finding["rule_id"]), line, column, str(finding["match"]["value"]))
