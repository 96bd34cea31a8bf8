"""Images, snapshots and volumes: late, broken, hanging; and machines slow to stop and to end."""

from tests.faults.case import TOO_LONG_SECONDS, Case, ForEver, Once, fault

STORAGE = (
    Case(
        "image takes an hour",
        "request_image",
        Once(
            (fault("slow", "CreateImage", seconds=3600),),
            r"Waiting for the image.*Done in",
            stretch=60,
        ),
        why_not="see: image takes for ever",
    ),
    Case(
        "image takes for ever",
        "request_image",
        for_ever=ForEver(
            (fault("slow", "CreateImage", seconds=TOO_LONG_SECONDS),),
            is_resumed=True,
            says=r"WaitTimeoutError: Timed out after \d+ s waiting for the image of run",
            bounded_by=("IMAGE_SECONDS", *("IMAGE_SECONDS_PER_GIB",) * 21),
            stretch=60,
            passes_after_seconds=TOO_LONG_SECONDS,
        ),
        why_not="see: image takes an hour",
    ),
    Case(
        "image fails",
        "request_image",
        Once(
            (fault("fail", "CreateImage", times=1),),
            r"failed to create ami-\w+: it is failed.*CreateImage: OK",
            frozenset({"image"}),
        ),
        ForEver(
            (fault("fail", "CreateImage"),),
            is_resumed=True,
            says=r"ResourceLostError: EC2 failed to create ami-\w+: it is failed",
            bounded_by=(),
            rounds=2,
        ),
    ),
    Case(
        "builder slow to stop",
        "stop_builder",
        Once(
            (fault("slow", "StopInstances", seconds=400),),
            r"Waiting for i-\w+ to be stopped.*Done in",
        ),
        ForEver(
            (fault("slow", "StopInstances", seconds=TOO_LONG_SECONDS),),
            says=r"WaitTimeoutError: Timed out after 600 s waiting for i-\w+ to be stopped",
            bounded_by=("STATE_SECONDS",),
            passes_after_seconds=TOO_LONG_SECONDS,
        ),
    ),
    Case(
        "machines slow to end",
        "tear_down",
        Once(
            (fault("slow", "TerminateInstances", seconds=400),),
            r"Waiting for i-\w+ to be terminated.*Done in",
        ),
        ForEver(
            (fault("slow", "TerminateInstances", seconds=TOO_LONG_SECONDS),),
            is_resumed=True,
            says=r"TearDownError: The tear-down of run \S+ left: .*i-\w+ \(shutting-down\)",
            bounded_by=(
                "STATE_SECONDS",
                "STATE_SECONDS",
                "GROUP_SECONDS",
                "REMOVAL_VISIBLE_SECONDS",
            ),
            passes_after_seconds=TOO_LONG_SECONDS,
        ),
    ),
    Case(
        "attachment hangs",
        "mount_volumes",
        Once(
            (fault("attach_hangs", "AttachVolume", times=1),),
            r"Detaching it by force.*AttachVolume: OK",
        ),
        ForEver(
            (fault("attach_hangs", "AttachVolume"),),
            says=r"WaitTimeoutError: Timed out after 120 s waiting for vol-\w+ to be attached",
            bounded_by=("ATTACH_SECONDS",) * 3,
        ),
        tour="with a volume of the user's",
    ),
)
