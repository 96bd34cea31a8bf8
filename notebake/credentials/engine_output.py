"""What the engine answers: a line of JSON for each credential, and one that says what was done."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple


class EngineError(Exception):
    """The engine did not give a whole answer."""


class Match(NamedTuple):
    """Where the engine found a credential in what it was given, and the credential itself."""

    rule: str
    line: int
    column: int
    value: str


def parse_output(answer: bytes, given_bytes: int) -> list[Match]:
    """Return the matches of a whole answer; it ends with what was done.

    Raises:
        EngineError: it is not whole, or not about all that was given.
    """
    try:
        records: list[dict[str, Any]] = [json.loads(line) for line in answer.splitlines()]
        done = records.pop()["scan"]
        matches = list(_matches(records))
        is_whole = done["state"] == "complete" and done["num_findings"] == len(matches)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise EngineError("the engine's answer is not whole") from error
    if not is_whole:
        raise EngineError("the engine did not come to its end")
    if done["bytes_scanned"] != given_bytes:
        raise EngineError(f"the engine saw {done['bytes_scanned']} of {given_bytes} bytes")
    return matches


def _matches(records: list[dict[str, Any]]) -> Iterator[Match]:
    for record in records:
        found = record["finding"]
        place = found["location"]
        line, column = int(place["start_line"]), int(place["start_column"])
        yield Match(str(found["rule_id"]), line, column, str(found["match"]["value"]))
