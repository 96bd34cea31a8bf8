"""The README says of AWS what the record of the conformance suite says."""

import re
from pathlib import Path

from tests.conformance.last_run import NEVER, read_record
from tests.conformance.settings import CAP, REGION, USAGE, WHERE

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
RUN = re.compile(
    r"\d{4}-\d\d-\d\d, account \*{8}\d{4}, [a-z0-9-]+, commit [\w-]+: "
    r"\d+ passed, \d+ failed, \d+ skipped"
)


def test_the_readme_tells_the_last_run_on_aws_as_it_was() -> None:
    record = read_record()
    assert record == NEVER or RUN.fullmatch(record)
    assert f"- **AWS: {record}.**" in README


def test_the_usage_names_all_three_variables() -> None:
    assert all(f"{name}=" in USAGE for name in (WHERE, REGION, CAP))
