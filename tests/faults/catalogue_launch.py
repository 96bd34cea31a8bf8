"""Machines: no room for them, no quota, never up, or dead on the way."""

from tests.faults.case import (
    ACCEPTANCE,
    BUILDER,
    FIRST_ACCEPTANCE,
    STEP_TRIES,
    TOO_LONG_SECONDS,
    Case,
    ForEver,
    Once,
    fault,
    retried,
)

NO_ROOM = "InsufficientInstanceCapacity"
NOWHERE = "CapacityError: AWS has no capacity for the machine"
NO_QUOTA = "VcpuLimitExceeded"
BROKEN = "Server.InternalError"
FIRST_BUILDER = frozenset({"instance builder-1"})
ONE_ACCEPTANCE = frozenset({"instance acceptance-1"})

ROOM = (
    Case(
        "no room in one zone",
        "launch_instance",
        Once(
            (fault("refuse", "RunInstances", code=NO_ROOM, where={"zone": "us-west-2a"}),),
            retried("RunInstances", NO_ROOM),
        ),
        why_not="for ever as once: another zone has room",
    ),
    Case(
        "no room for one type in any zone",
        "launch_instance",
        Once(
            (fault("refuse", "RunInstances", code=NO_ROOM, where={"instance_type": "m5.large"}),),
            r"(No capacity for m5.large.*){4}Requesting one t3.large.*RunInstances: OK",
        ),
        why_not="for ever as once: another type has room",
    ),
    Case(
        "no room anywhere",
        "launch_instance",
        for_ever=ForEver(
            (fault("refuse", "RunInstances", code=NO_ROOM),),
            says=rf"{NOWHERE}.*m5.large in us-west-2a.*t3.large in us-west-2c",
            bounded_by=(),
            kind="CapacityError",
        ),
        why_not="once is no room in one zone",
    ),
    Case(
        "no room anywhere for machines from the image",
        "launch_acceptance",
        Once(
            (fault("refuse", "RunInstances", code=NO_ROOM, where=ACCEPTANCE, times=1),),
            retried("RunInstances", NO_ROOM),
        ),
        ForEver(
            (fault("refuse", "RunInstances", code=NO_ROOM, where=ACCEPTANCE),),
            is_resumed=True,
            says=rf"{NOWHERE}.*m5.large in us-west-2a",
            bounded_by=(),
            kind="CapacityError",
        ),
    ),
    Case(
        "no room to start the stopped builder again",
        "restart_host",
        Once(
            (fault("refuse", "StartInstances", code=NO_ROOM, times=1),),
            retried("StartInstances", NO_ROOM),
        ),
        ForEver(
            (fault("refuse", "StartInstances", code=NO_ROOM),),
            says=r"start i-\w+.*InsufficientInstanceCapacity",
            bounded_by=("STATE_SECONDS",),
        ),
    ),
    Case(
        "vCPU quota refused",
        "launch_instance",
        Once(
            (fault("refuse", "RunInstances", code=NO_QUOTA, times=1),),
            retried("RunInstances", NO_QUOTA),
        ),
        ForEver(
            (fault("refuse", "RunInstances", code=NO_QUOTA),),
            says=r"launch m5.large.*VcpuLimitExceeded",
            bounded_by=(),
            tries=STEP_TRIES,
        ),
    ),
    Case(
        "vCPU quota too small, known beforehand",
        "preflight",
        for_ever=ForEver(
            (fault("limit", code="L-1216C47A", value=1),),
            says=r"PreflightError.*vCPU",
            bounded_by=(),
            leaves_nothing=True,
        ),
        why_not="a quota does not pass",
    ),
    Case(
        "vCPU quota too small for two machines",
        "launch_acceptance",
        for_ever=ForEver(
            (fault("limit", code="L-1216C47A", value=2),),
            says=r"launch m5.large.*VcpuLimitExceeded",
            bounded_by=(),
            tries=STEP_TRIES,
        ),
        why_not="a quota does not pass",
    ),
)

UP = (
    Case(
        "builder never boots",
        "launch_instance",
        Once(
            (fault("never_boots", "RunInstances", where=BUILDER, times=1),),
            r"accepted no ssh login.*replacing it",
            FIRST_BUILDER,
        ),
        ForEver(
            (fault("never_boots", "RunInstances", where=BUILDER),),
            says=r"ResourceLostError: i-\w+ accepted no ssh login. Timed out after 600 s",
            bounded_by=("BOOT_SECONDS",),
            rounds=2,
        ),
    ),
    Case(
        "builder ends before it runs",
        "launch_instance",
        Once(
            (fault("never_boots", "RunInstances", where=BUILDER, code=BROKEN, times=1),),
            r"terminated instead of running.*RunInstances: OK",
            FIRST_BUILDER,
        ),
        ForEver(
            (fault("never_boots", "RunInstances", where=BUILDER, code=BROKEN),),
            says=r"LostError: i-\w+ is terminated instead of running.*Internal error on launch",
            bounded_by=(),
            rounds=2,
        ),
    ),
    Case(
        "builder stays pending",
        "launch_instance",
        Once(
            (fault("slow", "RunInstances", where=BUILDER, seconds=400),),
            r"Waiting for i-\w+ to be running.*Done in",
        ),
        ForEver(
            (fault("slow", "RunInstances", where=BUILDER, seconds=TOO_LONG_SECONDS),),
            is_resumed=True,
            says=r"ResourceLostError: i-\w+ accepted no ssh login. Timed out after 600 s",
            bounded_by=("STATE_SECONDS",),
            rounds=2,
            passes_after_seconds=TOO_LONG_SECONDS,
        ),
    ),
    Case(
        "machine from the image never boots",
        "launch_acceptance",
        Once(
            (fault("never_boots", "RunInstances", where=FIRST_ACCEPTANCE, times=1),),
            r"accepted no ssh login.*RunInstances: OK",
            ONE_ACCEPTANCE,
        ),
        ForEver(
            (fault("never_boots", "RunInstances", where=FIRST_ACCEPTANCE),),
            says=r"ResourceLostError: i-\w+, launched from ami-\w+, accepted no ssh login",
            bounded_by=("CONSOLE_SECONDS",),
            rounds=2,
        ),
    ),
    Case(
        "machine from the image ends before it runs",
        "launch_acceptance",
        Once(
            (fault("never_boots", "RunInstances", where=FIRST_ACCEPTANCE, code=BROKEN, times=1),),
            r"terminated instead of running.*RunInstances: OK",
            ONE_ACCEPTANCE,
        ),
        ForEver(
            (fault("never_boots", "RunInstances", where=FIRST_ACCEPTANCE, code=BROKEN),),
            says=r"LostError: i-\w+ is terminated instead of running",
            bounded_by=(),
            rounds=2,
        ),
    ),
)

DYING_AT = {
    "as it is launched": "wait_for_host",
    "in the middle of the software": "install_software",
    "during the notebook": "run_notebook",
    "as it is cleaned": "clean_host",
    "as it is stopped": "stop_builder",
}
AFTER = {"install_software": 40, "run_notebook": 8, "clean_host": 5}
SHOWN = {"stop_builder": r"StopInstances: OK", "wait_for_host": r"replacing it"}
AT_EACH_STEP = tuple(
    Case(
        f"builder dies {when}",
        step,
        Once(
            (fault("dies", "now", where=BUILDER, after=AFTER.get(step, 0)),),
            SHOWN.get(step, r"StartInstances: OK"),
            # It has accepted no ssh login: nothing on it is lost with it.
            FIRST_BUILDER if step == "wait_for_host" else frozenset(),
        ),
        why_not="see: builder dies whenever it is up",
    )
    for when, step in DYING_AT.items()
)
DEATHS = (
    *AT_EACH_STEP,
    Case(
        "builder dies whenever it is up",
        "launch_instance",
        for_ever=ForEver(
            tuple(
                fault("dies", action, where=BUILDER, after=30)
                for action in ("RunInstances", "StartInstances")
            ),
            says=r"(builder of run \S+ is|i-\w+)",
            bounded_by=("HOST_UNREACHABLE_SECONDS", "BOOT_SECONDS"),
            tries=STEP_TRIES,
            rounds=2,
        ),
        why_not="see above",
    ),
    Case(
        "machine from the image dies",
        "launch_acceptance",
        Once(
            (fault("dies", "RunInstances", where=FIRST_ACCEPTANCE, after=6, times=1),),
            r"Making it again",
            ONE_ACCEPTANCE,
        ),
        ForEver(
            (fault("dies", "RunInstances", where=FIRST_ACCEPTANCE, after=6),),
            is_resumed=True,
            says=r"i-\w+",
            bounded_by=("CONSOLE_SECONDS", "HOST_UNREACHABLE_SECONDS"),
            rounds=2,
        ),
    ),
)
LAUNCHES = (*ROOM, *UP, *DEATHS)
