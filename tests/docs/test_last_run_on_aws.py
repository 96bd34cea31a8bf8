"""The README and docs/limits.md say of AWS what the record of the conformance suite says."""

import re
from pathlib import Path

import pytest

from tests.conformance.last_run import NEVER, read_record
from tests.conformance.settings import CAP, REGION, USAGE, WHERE

PROJECT = Path(__file__).parents[2]
RUN = re.compile(
    r"\d{4}-\d\d-\d\d, account \*{8}\d{4}, [a-z0-9-]+, commit [\w-]+: "
    r"\d+ passed, \d+ failed, \d+ skipped"
)


@pytest.mark.parametrize("name", ["README.md", "docs/limits.md"])
def test_a_document_says_which_run_on_aws_was_the_last(name: str) -> None:
    record = read_record()
    assert record == NEVER or RUN.fullmatch(record)
    assert f"- **AWS: {record}.**" in (PROJECT / name).read_text(encoding="utf-8")


def test_the_usage_names_all_three_variables() -> None:
    assert all(f"{name}=" in USAGE for name in (WHERE, REGION, CAP))
