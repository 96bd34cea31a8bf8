"""The published rules of others, each on the signals of a recording: does the machine stop?

Each is written anew from what its source says; none has its source's code.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from notebake.machines.idle.times import parse_time
from tests.idle.recording import IDLE_SECONDS, Recording

Rule = Callable[[Recording], bool]
Model = Mapping[str, Any]


def prism(recording: Recording) -> bool:
    """Idle if all are small: processors, network, disk; and no terminal and no login is open.

    spawnd, the daemon on Prism's machines: "CPU < 5 %", "network <= 10 KB/min", "disk <= 100
    KB/min", no GPU, nothing in /dev/pts, `who` empty, no entry of wtmp within 5 minutes: in a
    recording all logins are older (scttfrdmn/mycelium, spawn, "spawnd Monitoring").
    """

    before, after = recording.settled()
    seconds = after["taken"] - before["taken"]
    cpu = (after["cpu_seconds"] - before["cpu_seconds"]) / seconds / after["cores"]
    network = (after["network_bytes"] - before["network_bytes"]) / seconds * 60
    disk = (after["disk_bytes"] - before["disk_bytes"]) / seconds * 60
    nobody = not after["terminals"] and not after["logins"]
    return cpu < 0.05 and network <= 10_000 and disk <= 100_000 and nobody


def skypilot(recording: Recording) -> bool:
    """Idle if no job of SkyPilot's own queue runs and no terminal descends from sshd.

    `wait_for: jobs_and_ssh`, the default (skypilot 0.14.0, sky/skylet/events.py, AutostopEvent, and
    autostop_lib.has_active_ssh_sessions). What people start themselves is no job of its queue.
    """
    return not any(check.others["ssh_terminals"] for check in recording.checks)


def dstack(recording: Recording) -> bool:
    """Idle if no connection to the port of ssh is established, other than for moments.

    `inactivity_duration` of a dev environment (dstackai/dstack, runner/internal/runner/connections/
    connections.go).
    """
    return not all(check.others["ssh_connections"] for check in recording.checks)


def sagemaker(recording: Recording) -> bool:
    """Idle if no session's kernel is busy, and all last activities are older than the limit.

    auto-stop-idle 0.3.1 with its defaults: connections are ignored, terminals are not; an error
    ends the script and nothing stops (aws-samples/sagemaker-studio-apps-lifecycle-config-examples,
    jupyterlab/auto-stop-idle). With neither sessions nor terminals the start of the script counts,
    which is older in a recording.
    """
    others = recording.last.others
    if others["sessions"] is None or others["jupyter_terminals"] is None:
        return False
    kernels = [session["kernel"] for session in others["sessions"]]
    are_idle = all(kernel["execution_state"] == "idle" for kernel in kernels)
    return are_idle and are_old(recording, [*kernels, *others["jupyter_terminals"]])


def jupyter(recording: Recording) -> bool:
    """Idle if all kernels and terminals can be culled, and nobody has asked the server anything.

    `cull_idle_timeout` with `cull_busy` and `cull_connected` off, as by default,
    `cull_inactive_timeout`, and `shutdown_no_activity_timeout`, all with the same limit
    (jupyter_server 2.21, services/kernels/kernelmanager.py and serverapp.py). A server that does
    not answer culls nothing; with a stopped one the machine counts as stopped.
    """
    others = recording.last.others
    if others["server"] is None:
        return recording.last.signals.jupyter == "stopped"
    can_go = all(
        kernel["execution_state"] != "busy" and not kernel["connections"]
        for kernel in others["kernels"]
    )
    dated = [*others["kernels"], *others["jupyter_terminals"], others["server"]]
    return can_go and are_old(recording, dated)


def are_old(recording: Recording, models: Iterable[Model]) -> bool:
    """Return whether the last activity of all of these is older than the limit."""
    taken = recording.last.others["taken"]
    return all(taken - parse_time(model["last_activity"]) > IDLE_SECONDS for model in models)


PEERS: Mapping[str, Rule] = {
    "Prism": prism,
    "SkyPilot": skypilot,
    "dstack": dstack,
    "SageMaker": sagemaker,
    "Jupyter": jupyter,
}
