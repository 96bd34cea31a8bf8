"""Calls as what is clicked in the console, and as what is typed."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from notebake.aws.command_line import typed_call
from notebake.explanation.console_places import choices_of, place_of
from notebake.explanation.document import Action, on_computer, on_console
from notebake.explanation.filled_parameters import Filler
from notebake.explanation.recorded_calls import RecordedCall
from notebake.explanation.shell_text import call_text


def actions_of_calls(calls: Iterable[RecordedCall], filler: Filler) -> list[Action]:
    """Return what is done for some calls: for each kind of them its place in the console first."""
    actions: list[Action] = []
    for operation, group in groupby(calls, lambda call: call.operation):
        same = list(group)
        filled = [filler.fill(call.parameters) for call in same]
        place = place_of(operation, _merged(filled))
        if place:
            actions.append(on_console(place, choices_of(operation, filled[0])))
        for call, parameters in zip(same, filled, strict=True):
            typed = typed_call(call.service, call.operation, call.region, parameters)
            note = filler.take_notes()
            made = f"It gave {', '.join(call.created)}." if call.created else ""
            actions.append(on_computer(call_text(typed), note, made))
        if operation == "TerminateInstances":
            ids = [each for call in same for each in call.parameters["InstanceIds"]]
            command = waiting("instance-terminated", same[0].region, *ids)
            actions.append(
                on_computer(command, "What belongs to a machine can go once it is gone.")
            )
    return actions


def waiting(state: str, region: str, *resource_ids: str) -> str:
    """Return the command that ends when machines or images are in a state."""
    option = "--image-ids" if state.startswith("image") else "--instance-ids"
    words = " \\\n        ".join(resource_ids)
    return f"aws ec2 wait {state} --region {region} \\\n    {option} {words}"


def _merged(parameters: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return all values that each parameter has in some calls."""
    merged: dict[str, list[str]] = {}
    for each in parameters:
        for name, value in each.items():
            for one in value if isinstance(value, list) else [value]:
                if str(one) not in merged.setdefault(name, []):
                    merged[name].append(str(one))
    return merged
