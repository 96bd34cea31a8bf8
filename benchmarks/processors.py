"""Keeps the machines of the sandbox and the tool that drives them on different processors.

On AWS a machine does not take the processor of the computer that bakes it. By affinity and not by
control groups: a child inherits it in every hierarchy, also where the sandbox moves its machines
into groups of their own. That no machine leaves its processor is looked at, not assumed.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sandbox.home import find_home
from sandbox.hosts.cgroups import groups_of, process_ids

LOOK_SECONDS = 2


def apart() -> tuple[set[int], set[int]]:
    """Return the processors of the machines, the first one, and of the tool, the next one.

    Raises:
        RuntimeError: this process may use only one.
    """
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise RuntimeError("Machines and tool need a processor each; there is only one.")
    return {usable[0]}, {usable[1]}


@contextmanager
def kept_to(processors: set[int]) -> Iterator[None]:
    """Let what this thread starts in the block run on these processors alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, processors)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def machines_watched(home: Path, processors: set[int]) -> Iterator[None]:
    """Look from time to time, during the block, at the machines of a sandbox.

    Raises:
        RuntimeError: a process of theirs could use another processor, or none was ever seen.
    """
    ended = threading.Event()
    seen: list[set[int]] = []

    def look() -> None:
        while not ended.wait(LOOK_SECONDS):
            seen.append(processors_of_machines(home))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield
    finally:
        ended.set()
        looking.join()
    used = set[int]().union(*seen)
    if used != processors:
        raise RuntimeError(f"The machines used processors {sorted(used)}, not {sorted(processors)}")


def processors_of_machines(home: Path) -> set[int]:
    """Return the processors that the processes of a sandbox's machines may use."""
    found = find_home(home)
    used: set[int] = set()
    for number in process_ids(groups_of(found)) if found else ():
        with suppress(ProcessLookupError):
            used |= os.sched_getaffinity(number)
    return used
