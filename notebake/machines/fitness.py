"""Checks that a host can be worked on, before anything is installed there."""

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
from notebake.ssh.host_errors import describe_host
from notebake.timeouts import CLOCK_SYNC_SECONDS, PACKAGE_LOCK_SECONDS
from notebake.waiting import wait_while

MAX_CLOCK_ERROR_SECONDS = 300
"""AWS refuses requests whose signature is more than five minutes off (IAM user guide, "Troubleshoot
Signature Version 4 errors")."""


def check_fitness(run: Run, host: Host) -> None:
    """Raise a NotebakeError about the first thing that the host lacks.

    A wrong clock is read again for a while, as a machine sets its clock soon after its boot.
    """
    fitness = read_fitness(host)
    if fitness.sudo_error:
        raise NotebakeError(
            f"On {describe_host(host)} sudo does not allow {host.user} to work as root:"
            f" {fitness.sudo_error}",
            f"The base image's sudo must allow {host.user} to work without a password and without a"
            " terminal: see NOPASSWD and requiretty in its /etc/sudoers and /etc/sudoers.d.",
        )
    if fitness.full_disk:
        raise NotebakeError(
            f"On {describe_host(host)} there is {fitness.full_disk.description}.",
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


def read_fitness(host: Host) -> Fitness:
    """Return the current state of the host."""
    return parse_fitness(ssh.run_command(host, PRINT_FITNESS))


@contextmanager
def naming_full_disk(host: Host) -> Iterator[None]:
    """Raise DiskFullError if a full disk made a transfer fail: sftp only prints "Failure"."""
    try:
        yield
    except HostCommandError as error:
        full = read_fitness(host).full_disk
        if full is None:
            raise
        raise DiskFullError(
            host.address, error.command, error.output, full.description, full.advice
        ) from error


def wait_for_clock(run: Run, host: Host) -> None:
    """Wait until the host has set its clock.

    Raises:
        NotebakeError: the clock stays wrong.
    """
    fault = wait_while(
        lambda: clock_fault(run, read_fitness(host)) or None,
        what=f"the clock of {host.address}",
        timeout_seconds=CLOCK_SYNC_SECONDS,
    )
    if fault:
        raise NotebakeError(
            f"The clock of {describe_host(host)} is wrong: {fault}. So the host takes"
            " certificates and apt's Release files for expired or not yet valid.",
            "See `timedatectl` and `chronyc sources` there. EC2's time server is 169.254.169.123;"
            " the base image's chrony must use it.",
        )


def clock_fault(run: Run, fitness: Fitness) -> str:
    """Return how far off the host's clock is, or "" if it agrees with ours or with AWS's."""
    if fitness.clock_seconds is None:
        return ""
    off_ours = describe_difference(fitness.clock_seconds, clock.now(), "this computer's")
    if not off_ours:
        return ""
    # This computer's clock may be the wrong one; AWS's clock decides.
    try:
        aws_seconds = read_time(run.recipe.region)
    except CloudError:
        aws_seconds = None
    if aws_seconds is None:
        return off_ours
    return describe_difference(fitness.clock_seconds, aws_seconds, "AWS's") and off_ours


def describe_difference(seconds: float, other_seconds: float, whose: str) -> str:
    """Return by how much a clock is off, or "" if the difference is tolerable."""
    off = seconds - other_seconds
    if abs(off) < MAX_CLOCK_ERROR_SECONDS:
        return ""
    return f"it is {abs(off) / 60:.0f} minutes {'ahead of' if off > 0 else 'behind'} {whose}"


def wait_for_package_lock(host: Host) -> None:
    """Wait until no process holds the package lock, and show the holder meanwhile.

    Raises:
        WaitTimeoutError: a process still holds it; the message names the process.
    """
    holder = wait_while(
        lambda: ssh.run_command(host, as_root(find_holder())).strip() or None,
        what=f"the package lock on {host.address}",
        timeout_seconds=PACKAGE_LOCK_SECONDS,
        interval_seconds=2,
    )
    if holder:
        raise WaitTimeoutError(
            f"Timed out after {PACKAGE_LOCK_SECONDS} s waiting for the package lock on"
            f" {describe_host(host)}: {holder}.",
            "Let that process end by itself: to kill it leaves packages half installed, and to"
            " remove a lock file breaks them. Then resume the run.",
        )
