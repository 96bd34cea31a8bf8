"""Calls that are throttled, never arrive, or whose answers are lost."""

from tests.faults.case import (
    ACCEPTANCE,
    BUILDER,
    STEP_TRIES,
    Case,
    Fault,
    ForEver,
    Once,
    fault,
    repeated_after_loss,
    retried,
)

CREATING: dict[str, tuple[str, str, dict[str, str]]] = {
    "ImportKeyPair": ("import_key_pair", "ImportKeyPair", {}),
    "CreateSecurityGroup": ("open_ssh", "CreateSecurityGroup", {}),
    "RunInstances (builder)": ("launch_instance", "RunInstances", BUILDER),
    "CreateImage": ("request_image", "CreateImage", {}),
    "RunInstances (from the image)": ("launch_acceptance", "RunInstances", ACCEPTANCE),
}
CHANGING: dict[str, tuple[str, str, dict[str, str]]] = {
    "AuthorizeSecurityGroupIngress": ("open_ssh", "AuthorizeSecurityGroupIngress", {}),
    "StopInstances": ("stop_builder", "StopInstances", {}),
    "StartInstances": ("restart_host", "StartInstances", {}),
    "CreateTags (seal)": ("clean_host", "CreateTags", {}),
    "ModifyImageAttribute": ("publish_image", "ModifyImageAttribute", {}),
    "ModifySnapshotAttribute": ("publish_image", "ModifySnapshotAttribute", {}),
    "CreateTags (acceptance)": ("publish_image", "CreateTags", {}),
    "TerminateInstances": ("tear_down", "TerminateInstances", {}),
    "DeleteKeyPair": ("tear_down", "DeleteKeyPair", {}),
    "DeleteSecurityGroup": ("tear_down", "DeleteSecurityGroup", {}),
}
LOST = r"ConnectionLost"
READ = ("AWS_RETRY_SECONDS",)
"""For a call that is made once in each try of a step, and repeated as long as AWS is lost."""
WAITED = ("CONSISTENCY_SECONDS", "AWS_RETRY_SECONDS")
"""For a change that is made until EC2 knows what it is about."""


UNTIL_KNOWN = {"RunInstances", "CreateImage"}
"""What is made of things that EC2 may not know yet: asked for until it does."""
FOUND = {
    *("ImportKeyPair", "CreateSecurityGroup", "AuthorizeSecurityGroupIngress", "CreateImage"),
    *("RunInstances (builder)", "RunInstances (from the image)"),
    *("StopInstances", "StartInstances"),
    *("TerminateInstances", "DeleteKeyPair", "DeleteSecurityGroup"),
}
"""Where it is enough to look what came of a call: no answer is ever needed."""
WAITS_IN_TEAR_DOWN = ("STATE_SECONDS", "GROUP_SECONDS", "CONSISTENCY_SECONDS", "AWS_RETRY_SECONDS")


def never_arrives(name: str, what: tuple[str, str, dict[str, str]]) -> Case:
    """Return the case of a call that is lost on its way."""
    step, action, where = what
    return Case(
        f"{name} never arrives",
        step,
        Once((fault("lose_before", action, where=where, times=1),), retried(action, LOST)),
        without_answer(
            fault("lose_before", action, where=where), WAITED if action in UNTIL_KNOWN else READ
        ),
    )


def answer_lost(name: str, what: tuple[str, str, dict[str, str]]) -> Case:
    """Return the case of a call that takes effect without an answer."""
    step, action, where = what
    never = fault("lose_after", action, where=where)
    survived = Once((never,), rf"\.{action}: {LOST}")
    return Case(
        f"{name} takes effect, its answer is lost",
        step,
        Once((never | {"times": 1},), repeated_after_loss(action)),
        survived if name in FOUND else without_answer(never, WAITED),
    )


def without_answer(never: Fault, bounded_by: tuple[str, ...]) -> ForEver:
    """Return what is promised where a call is never answered."""
    return ForEver(
        (never,),
        says=r"no answer from AWS|left|builder of run \S+ is stopped",
        bounded_by=bounded_by,
        tries=STEP_TRIES,
    )


def bound_of(step: str, action: str) -> tuple[str, ...]:
    """Return what ends the waiting for an action that is never answered well."""
    if step == "tear_down":
        return WAITS_IN_TEAR_DOWN
    if step == "wait_for_host":
        # What was shown a moment before the step answers its first question: the wait meets it.
        return ("STATE_SECONDS", *READ)
    return WAITED if action in UNTIL_KNOWN else READ


def throttled(name: str, step: str, once: Fault, for_ever: Fault, action: str) -> Case:
    """Return the case of calls that are refused as too many."""
    code = "RequestLimitExceeded"
    return Case(
        name,
        step,
        Once((once | {"code": code},), retried(action, code), stretch=1),
        ForEver(
            (for_ever | {"code": code},),
            says=code,
            bounded_by=bound_of(step, action),
            tries=STEP_TRIES,
        ),
    )


THROTTLED = (
    throttled(
        "DescribeInstances throttled",
        "wait_for_host",
        fault("refuse", "DescribeInstances", times=4),
        fault("refuse", "DescribeInstances"),
        "DescribeInstances",
    ),
    throttled(
        "RunInstances throttled",
        "launch_instance",
        fault("refuse", "RunInstances", times=1),
        fault("refuse", "RunInstances"),
        "RunInstances",
    ),
    throttled(
        "CreateImage throttled",
        "request_image",
        fault("refuse", "CreateImage", times=1),
        fault("refuse", "CreateImage"),
        "CreateImage",
    ),
    *(
        throttled(
            f"everything throttled from {step} on",
            step,
            fault("refuse", "*", times=30),
            fault("refuse", "*"),
            r"\w+",
        )
        for step in ("preflight", "launch_instance", "wait_for_image", "prove_image", "tear_down")
    ),
)
LOST_ON_THE_WAY = tuple(never_arrives(name, what) for name, what in CREATING.items())
LOST_ON_THE_WAY_BACK = tuple(
    answer_lost(name, what) for name, what in (CREATING | CHANGING).items()
)
ANSWERS = (
    *THROTTLED,
    *LOST_ON_THE_WAY,
    *LOST_ON_THE_WAY_BACK,
    *(
        Case(
            f"no answer from AWS at all from {step} on",
            step,
            Once(
                (fault("lose_before", "*", service="*", times=30),),
                retried(r"\w+", LOST),
                stretch=1,
            ),
            ForEver(
                (fault("lose_before", "*", service="*"),),
                says=r"no answer from AWS",
                bounded_by=bound_of(step, "*"),
                tries=STEP_TRIES,
            ),
        )
        for step in ("launch_instance", "install_software", "wait_for_image", "tear_down")
    ),
)
