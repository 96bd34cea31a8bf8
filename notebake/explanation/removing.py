"""How what a run has left is removed by hand, in the order in which AWS lets it go."""

from notebake.explanation.recorded_calls import TEAR_DOWN, RecordedCall
from notebake.explanation.run_facts import RunFacts

CALLS = {
    "i-": ("TerminateInstances", "InstanceIds"),
    "ami-": ("DeregisterImage", "ImageId"),
    "snap-": ("DeleteSnapshot", "SnapshotId"),
    "sg-": ("DeleteSecurityGroup", "GroupId"),
    "key-": ("DeleteKeyPair", "KeyPairId"),
}
"""By the beginning of an id the call that removes it, and its parameter."""


def calls_to_remove(facts: RunFacts) -> list[RecordedCall]:
    """Return the calls, not sent by anybody yet, that remove what is left of a run."""
    return [
        RecordedCall(
            step=TEAR_DOWN,
            service="ec2",
            operation=operation,
            region=facts.recipe.region,
            parameters=_parameters(operation, parameter, each),
        )
        for prefix, (operation, parameter) in CALLS.items()
        for each in facts.left_ids
        if each.startswith(prefix)
    ]


def _parameters(operation: str, name: str, resource_id: str) -> dict[str, object]:
    if operation == "DeregisterImage":
        return {name: resource_id, "DeleteAssociatedSnapshots": True}
    return {name: [resource_id] if name.endswith("s") else resource_id}
