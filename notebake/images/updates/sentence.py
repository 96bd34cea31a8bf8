"""A check for updates in one sentence, for the state of a flow run and the head of a table."""

from collections.abc import Sequence

from notebake.humanize import pluralize
from notebake.images.updates.current import GONE
from notebake.images.updates.finding import Cause, CauseFinding, Change
from notebake.images.updates.held_back import describe_held_back, list_held_back
from notebake.images.updates.recipe import NO_NEW_IMAGE
from notebake.images.updates.update_check import UpdateCheck

ABSENT = "∅"
"""Stands for what was not there, or is gone."""
THINGS: dict[Cause, str] = {
    "security": "package",
    "system": "package",
    "direct": "package",
    "transitive": "package",
    "data": "dataset",
    "recipe": "field",
    "tools": "tool",
}
"""What is counted, where the changes of a cause are counted."""
NAMED_ALONE = frozenset[Cause](("direct", "security", "system", "transitive", "tools"))
"""Causes whose only change is named with both values."""


def describe_check(check: UpdateCheck) -> str:
    """Return the result in one sentence: `2 causes changed: security (4 packages), repository`."""
    if check.image_id is None:
        return f"nothing to compare with: no image of {check.recipe} was accepted"
    asked = len(check.findings) - len(check.not_checked)
    if check.changed:
        names = ", ".join(describe_cause(finding) for finding in check.changed)
        sentence = f"{pluralize(len(check.changed), 'cause')} changed: {names}"
    else:
        sentence = f"nothing changed since {check.image_id} ({pluralize(asked, 'cause')} asked)"
    if held_back := describe_held_back(list_held_back(check.findings)):
        sentence += f"; {held_back}"
    if check.not_checked:
        names = ", ".join(finding.cause for finding in check.not_checked)
        sentence += f"; not checked: {names}"
    if check.revoked:
        sentence += f"; {describe_revoked(check)}"
    if check.image_state == GONE:
        sentence += f"; {check.image_id} is {GONE} any more"
    return sentence


def describe_revoked(check: UpdateCheck) -> str:
    """Return that the image was revoked, and why."""
    return f"{check.image_id} was revoked: {check.revoked}"


def changes_that_count(finding: CauseFinding) -> Sequence[Change]:
    """Return the changes for which a new image would be another one."""
    return [change for change in finding.changes if change.detail != NO_NEW_IMAGE]


def show_value(value: str | None) -> str:
    """Return a value, or the sign for none."""
    return ABSENT if value is None else value


def describe_cause(finding: CauseFinding) -> str:
    """Return a changed cause in a few words: `security (4 packages)`."""
    changes = changes_that_count(finding)
    if len(changes) == 1 and finding.cause in NAMED_ALONE:
        (change,) = changes
        old, new = show_value(change.old), show_value(change.new)
        return f"{finding.cause} ({change.name} {old} -> {new})"
    if thing := THINGS.get(finding.cause):
        names = {change.name for change in changes}
        return f"{finding.cause} ({pluralize(len(names), thing)})"
    return finding.cause
