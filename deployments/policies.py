"""The policies in this folder and their table, generated from the declarations at our AWS calls.

python -m deployments.policies
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from notebake.aws import server_calls, server_volume_calls
from notebake.aws.copies import MAKE_COPIES, TAG_COPIES
from notebake.aws.permissions import allowed_by, declared
from notebake.aws.policies import MAKE_OURS, TAG_WHAT_IS_MADE, Statement

HERE = Path(__file__).parent
TABLE = HERE.parent / "docs" / "aws-permissions.md"
TAGGING = (
    (MAKE_OURS, TAG_WHAT_IS_MADE),
    (MAKE_COPIES, TAG_COPIES),
    (server_calls.MAKE, server_calls.TAG_MADE),
    (server_volume_calls.MAKE, server_volume_calls.TAG_MADE),
)
BEGIN, END = "<!-- statements:begin -->\n", "<!-- statements:end -->\n"


def main() -> None:
    """Write the files."""
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")


def files() -> dict[Path, str]:
    """Return what the files have to hold."""
    before, _, rest = TABLE.read_text(encoding="utf-8").partition(BEGIN)
    found = {TABLE: f"{before}{BEGIN}{''.join(rows())}{END}{rest.partition(END)[2]}"}
    for file, statements in groupby(all_statements(), lambda statement: statement.file):
        policy = {
            "Version": "2012-10-17",
            "Statement": [as_json(statement) for statement in statements],
        }
        found[HERE / f"{file.name}.json"] = json.dumps(policy, indent=2) + "\n"
    return found


def all_statements() -> list[Statement]:
    """Return each statement on all that it is declared on, file by file."""
    whole: dict[str, Statement] = {}
    for statement in (each for permission in declared() for each in permission.statements):
        resources = {*statement.resources, *whole.get(statement.sid, statement).resources}
        whole[statement.sid] = replace(statement, resources=tuple(sorted(resources)))
    for making, tagged in TAGGING:
        whole[tagged.sid] = tagging(whole[making.sid], tagged)
    return sorted(whole.values(), key=lambda statement: (statement.file.name, statement.sid))


def tagging(making: Statement, tagged: Statement) -> Statement:
    """Return the statement that lets what is made be tagged, in the call that makes it."""
    calls = [action.removeprefix("ec2:") for action in allowed_by(making)]
    condition = {**making.condition, "StringEquals": {"ec2:CreateAction": calls}}
    return replace(tagged, resources=making.resources, condition=condition)


def as_json(statement: Statement) -> dict[str, Any]:
    """Return a statement as IAM takes it."""
    return {
        "Sid": statement.sid,
        "Effect": "Allow",
        "Action": allowed_by(statement) or ["ec2:CreateTags"],
        "Resource": list(statement.resources),
    } | ({"Condition": statement.condition} if statement.condition else {})


def rows() -> Iterator[str]:
    """Give the lines of the table."""
    yield "| file, statement | what for |\n| --- | --- |\n"
    for file, statements in groupby(all_statements(), lambda statement: statement.file):
        yield f"| **`{file.name}.json`** | {file.what_for} |\n"
        yield from (f"| `{each.sid}` | {each.what_for} |\n" for each in statements)


if __name__ == "__main__":
    main()
