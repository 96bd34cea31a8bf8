"""Permissions that are missing: known before anything is made, or taken away later."""

from tests.faults.case import STEP_TRIES, Case, ForEver, Once, fault, retried
from tests.faults.catalogue_answers import CHANGING, CREATING

DENIED = "UnauthorizedOperation"
BEFORE = tuple(
    Case(
        f"{action} denied, known beforehand",
        "preflight",
        for_ever=ForEver(
            (fault("refuse", action, code=DENIED),),
            says=rf"PreflightError.*ec2:{action}",
            bounded_by=(),
            leaves_nothing=True,
        ),
        why_not="a permission does not pass",
    )
    for action in dict.fromkeys(change[1] for change in (CREATING | CHANGING).values())
)
LATER = tuple(
    Case(
        f"{name} denied later",
        step,
        Once(
            (fault("refuse", action, code=DENIED, where=where, times=1),), retried(action, DENIED)
        ),
        ForEver(
            (fault("refuse", action, code=DENIED, where=where),),
            says=rf"{DENIED}.*(ec2:{action}|left)",
            bounded_by=("GROUP_SECONDS",) if action == "TerminateInstances" else (),
            tries=STEP_TRIES,
        ),
    )
    for name, (step, action, where) in (CREATING | CHANGING).items()
)
PERMISSIONS = (*BEFORE, *LATER)
