"""Answers that pass by themselves, of a gateway or of EC2; and what EC2 is not ready for yet."""

import random

from tests.draw import fix_seed
from tests.faults.case import (
    BUILDER,
    STEP_TRIES,
    Case,
    ForEver,
    Once,
    fault,
    repeated_after_loss,
    retried,
)
from tests.faults.catalogue_answers import CHANGING, CREATING, READ, UNTIL_KNOWN, WAITED
from tests.faults.catalogue_launch import NOWHERE

NOT_READY = "IncorrectInstanceState"
KEY_REFUSES = "Client.InvalidKMSKey.InvalidState"
CODES = (
    *("ServerInternal", "InternalError", "InternalFailure", "Unavailable", "ServiceUnavailable"),
    *("EC2ThrottledException", "RequestThrottled", "RequestLimitExceeded", "Throttling"),
    *("SnapshotCreationPerVolumeRateExceeded", "RequestTimeout"),
)


def status_of(name: str) -> int:
    """Return which status a gateway answers a call with: drawn anew with each seed."""
    return random.Random(f"{fix_seed()} {name}").randrange(500, 600)  # noqa: S311


def not_passed_on(name: str, what: tuple[str, str, dict[str, str]]) -> Case:
    """Return the case of a call that a gateway does not pass on, but answers itself."""
    step, action, where = what
    never = fault("lose_before", action, where=where, status=status_of(f"before {name}"))
    return Case(
        f"{name} answered by a gateway that did not pass it on",
        step,
        Once((never | {"times": 1},), retried(action, str(never["status"]))),
        ForEver(
            (never,),
            says=rf"AWS answered {never['status']}",
            bounded_by=WAITED if action in UNTIL_KNOWN else READ,
            tries=STEP_TRIES,
        )
        if name in CREATING
        else None,
        why_not="" if name in CREATING else "for ever as without an answer",
    )


def passed_on(name: str, what: tuple[str, str, dict[str, str]]) -> Case:
    """Return the case of a call that takes effect behind a gateway, which gives up on it."""
    step, action, where = what
    status = status_of(f"after {name}")
    return Case(
        f"{name} takes effect behind a gateway that gave up",
        step,
        Once(
            (fault("lose_after", action, where=where, times=1, status=status),),
            repeated_after_loss(action, str(status)),
        ),
        why_not="for ever as without an answer",
    )


def each_passing(name: str, what: tuple[str, str, dict[str, str]]) -> Case:
    """Return the case of a call that is refused once with each code that passes."""
    step, action, where = what
    refused = [fault("refuse", action, where=where, times=1, code=code) for code in CODES]
    shown = "".join(rf"(?=.*\.{action}: {code}\n)" for code in CODES)
    return Case(
        f"{name} refused once by each code that passes",
        step,
        Once(tuple(refused), rf"{shown}.*\.{action}: OK", stretch=1),
        why_not="for ever see: throttled",
    )


def not_ready(name: str, what: tuple[str, str, dict[str, str]], *bounds: str) -> Case:
    """Return the case of a machine that EC2 is not ready to stop, to start or to copy."""
    step, action, where = what
    refused = fault("refuse", action, where=where, code=NOT_READY)
    return Case(
        f"{name} not ready yet",
        step,
        Once((refused | {"times": 5},), retried(action, NOT_READY)),
        ForEver((refused,), says=rf"AWS answered {NOT_READY}", bounded_by=bounds),
    )


GATEWAY_BEFORE = tuple(not_passed_on(name, what) for name, what in (CREATING | CHANGING).items())
GATEWAY_AFTER = tuple(passed_on(name, what) for name, what in (CREATING | CHANGING).items())
EACH_PASSING = tuple(each_passing(name, what) for name, what in CREATING.items())
NOT_YET = (
    not_ready("StopInstances", CHANGING["StopInstances"], "CONSISTENCY_SECONDS"),
    not_ready("StartInstances", CHANGING["StartInstances"], "IMAGE_SECONDS"),
    not_ready("CreateImage", CREATING["CreateImage"], "CONSISTENCY_SECONDS"),
    Case(
        "image not ready to be launched",
        "launch_acceptance",
        Once(
            (fault("refuse", "RunInstances", code="InvalidAMIID.Unavailable", times=5),),
            retried("RunInstances", r"InvalidAMIID.Unavailable"),
        ),
        ForEver(
            (fault("refuse", "RunInstances", code="InvalidAMIID.Unavailable"),),
            says=r"AWS answered InvalidAMIID.Unavailable",
            bounded_by=("CONSISTENCY_SECONDS",),
        ),
    ),
)
ROOM = tuple(
    Case(
        f"no room for what a machine needs: {code}",
        "launch_instance",
        Once(
            (fault("refuse", "RunInstances", code=code, times=2),),
            rf"(No capacity for m5.large.*{code}.*){{2}}RunInstances: OK",
        ),
        ForEver(
            (fault("refuse", "RunInstances", code=code),),
            says=rf"{NOWHERE}.*{code}",
            bounded_by=(),
            kind="CapacityError",
        ),
    )
    for code in ("InsufficientVolumeCapacity", "InsufficientAddressCapacity")
)
REFUSED_LATER = (
    Case(
        "key of KMS refuses the builder's disks",
        "launch_instance",
        for_ever=ForEver(
            (fault("never_boots", "RunInstances", where=BUILDER, code=KEY_REFUSES, message="off"),),
            says=rf"EC2 terminated i-\w+.*{KEY_REFUSES}: off",
            bounded_by=(),
            kind="CloudError",
        ),
        why_not="it does not pass",
    ),
)
LATE_ENDS = (
    Case(
        "disks shown for a while after their machines",
        "tear_down",
        Once(
            (fault("linger", "TerminateInstances", seconds=90),),
            r"Waiting for EC2 to show that all is gone.*nothing temporary is left",
            stretch=1,
        ),
        ForEver(
            (fault("linger", "TerminateInstances", seconds=1000),),
            says=r"TearDownError: .* left: .*vol-\w+",
            bounded_by=("STATE_SECONDS", "REMOVAL_VISIBLE_SECONDS"),
            passes_after_seconds=1000,
        ),
    ),
)
PASSING = (
    *GATEWAY_BEFORE,
    *GATEWAY_AFTER,
    *EACH_PASSING,
    *NOT_YET,
    *ROOM,
    *REFUSED_LATER,
    *LATE_ENDS,
)
