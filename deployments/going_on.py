"""Has a flow run go on by itself, in any worker, after its process or its worker was killed.

The server marks such a flow run as Crashed, by its worker's report or for want of heartbeats
(`deployments/heartbeats.py`). This automation then sets it to AwaitingRetry, as Retry does.
"""

from typing import Any

from flows.local_prefect.after_crash import AUTOMATION, EXECUTIONS, MESSAGE, POOL

QUIET_SECONDS = 20
"""For how long nothing may happen after the crash: a worker reports it twice, some five seconds
apart, and its second report would overwrite an earlier start (prefect 3.8.8)."""
CRASHED = "prefect.flow-run.Crashed"
GOING_ON: dict[str, Any] = {
    "name": AUTOMATION,
    "description": f"At most {EXECUTIONS} executions; then somebody has to press Retry.",
    "enabled": True,
    "trigger": {
        "type": "event",
        "posture": "Proactive",
        "after": [CRASHED],
        # Whatever else happens to it meanwhile, such as Retry or a process that wakes up.
        "expect": ["prefect.flow-run.*"],
        "match": {
            "prefect.resource.id": "prefect.flow-run.*",
            # A flow run that was never running, 0, would count no executions, and crash for ever.
            "prefect.run-count": [str(count) for count in range(1, EXECUTIONS)],
        },
        "match_related": {
            "prefect.resource.role": "work-pool",
            "prefect.resource.name": POOL,
        },
        "for_each": ["prefect.resource.id"],
        "threshold": 1,
        "within": QUIET_SECONDS,
    },
    "actions": [
        {
            "type": "change-flow-run-state",
            "state": "SCHEDULED",
            "name": "AwaitingRetry",
            "message": MESSAGE,
        }
    ],
}
