"""A host on which nothing can be done is named for what it lacks, before anything is installed."""

from collections.abc import Iterator
from contextlib import contextmanager

from notebake import clock
from notebake.aws.account import read_time
from notebake.commands.fitness import PRINT_FITNESS, Fitness, parse_fitness
from notebake.commands.package_lock import find_holder
from notebake.commands.shell import as_root
from notebake.errors import (
    CloudError,
    DiskFullError,
    HostCommandError,
    NotebakeError,
    WaitTimeoutError,
)
from notebake.runs.run import Run
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host
from notebake.timeouts import CLOCK_SYNC_SECONDS, PACKAGE_LOCK_SECONDS
from notebake.waiting import wait_until

WRONG_BY_SECONDS = 300
"""From when on a clock is wrong: AWS refuses what is signed more than five minutes off (IAM user
guide, "Troubleshoot Signature Version 4 errors")."""


def check_fitness(run: Run, host: Host) -> None:
    """Raise a NotebakeError that says what the host lacks; the first thing that it lacks.

    A wrong clock is looked at again for a while: a machine sets it soon after its boot.
    """
    fitness = look(host)
    if fitness.sudo_error:
        raise NotebakeError(
            f"On {host.address} ({host.instance_id}) sudo does not let {host.user} work as root:"
            f" {fitness.sudo_error}",
            f"The base image's sudo must let {host.user} in without a password and without a"
            " terminal: see NOPASSWD and requiretty in its /etc/sudoers and /etc/sudoers.d.",
        )
    if fitness.full_disk:
        raise NotebakeError(
            f"On {host.address} ({host.instance_id}) there is {fitness.full_disk.description}.",
            fitness.full_disk.advice,
        )
    if fitness.switch_error:
        raise NotebakeError(
            f"The dead-man switch of {host.instance_id} is not armed, so nothing would end that"
            f" machine after its lease: {fitness.switch_error}",
            "Its user data arms it at each boot, by cloud-init's bootcmd. See `cloud-init status"
            " --long` and /var/log/cloud-init.log there: does the base image run that module?",
        )
    if clock_fault(run, fitness):
        wait_for_clock(run, host)


def look(host: Host) -> Fitness:
    """Return what the host shows now."""
    return parse_fitness(ssh.run_command(host, PRINT_FITNESS))


@contextmanager
def full_disk_named(host: Host) -> Iterator[None]:
    """Say so where a file could not be brought for want of room: sftp itself says "Failure"."""
    try:
        yield
    except HostCommandError as error:
        full = look(host).full_disk
        if full is None:
            raise
        raise DiskFullError(
            host.address, error.command, error.output, full.description, full.advice
        ) from error


def wait_for_clock(run: Run, host: Host) -> None:
    """Wait a moment for a clock to be set.

    Raises:
        NotebakeError: it is wrong for good.
    """
    faults = [""]

    def is_right() -> bool | None:
        faults[0] = clock_fault(run, look(host))
        return None if faults[0] else True

    try:
        wait_until(
            is_right,
            what=f"the clock of {host.address}",
            timeout_seconds=CLOCK_SYNC_SECONDS,
            progress=lambda: faults[0],
        )
    except WaitTimeoutError as error:
        raise NotebakeError(
            f"The clock of {host.address} ({host.instance_id}) is wrong: {faults[0]}. With it"
            " certificates and apt's Release files count as not valid yet, or not any more.",
            "See `timedatectl` and `chronyc sources` there. EC2 tells the time at 169.254.169.123;"
            " the base image's chrony must ask it.",
        ) from error


def clock_fault(run: Run, fitness: Fitness) -> str:
    """Return how far off the host's clock is, or "" where it agrees with ours or with AWS's."""
    if fitness.clock_seconds is None:
        return ""
    own = difference(fitness.clock_seconds, clock.now(), "this computer's")
    if not own:
        return ""
    # Which of the two is wrong, AWS decides.
    try:
        told = read_time(run.recipe.region)
    except CloudError:
        told = None
    if told is None:
        return own
    return difference(fitness.clock_seconds, told, "AWS's") and own


def difference(seconds: float, other_seconds: float, whose: str) -> str:
    """Return by how much a clock is off, or "" where that does not matter."""
    off = seconds - other_seconds
    if abs(off) < WRONG_BY_SECONDS:
        return ""
    return f"it is {abs(off) / 60:.0f} minutes {'ahead of' if off > 0 else 'behind'} {whose}"


def wait_for_package_lock(host: Host) -> None:
    """Wait until nobody holds the locks of the distribution's packages, and say meanwhile who does.

    Raises:
        WaitTimeoutError: somebody went on holding one; the message says who.
    """
    holder = [""]

    def is_free() -> bool | None:
        holder[0] = ssh.run_command(host, as_root(find_holder())).strip()
        return None if holder[0] else True

    try:
        wait_until(
            is_free,
            what=f"the packages' lock on {host.address}",
            timeout_seconds=PACKAGE_LOCK_SECONDS,
            interval_seconds=2,
            progress=lambda: holder[0] or "asking who holds it",
        )
    except WaitTimeoutError as error:
        raise WaitTimeoutError(
            f"Waited {PACKAGE_LOCK_SECONDS} s in vain for the packages' lock on {host.address}"
            f" ({host.instance_id}): {holder[0]}.",
            "It must end by itself: what is cut off leaves packages half installed, and a lock file"
            " that is removed breaks them. Then resume the run.",
        ) from error
