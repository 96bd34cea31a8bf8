"""Work shared out to several processes."""

import marshal
import os
import select
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
R = TypeVar("R")
PER_CORE = 2
"""While a process waits for the disk, another uses its core."""


class Worker(NamedTuple):
    """A process that carries out lots of work, and the pipes to it and from it."""

    process_id: int
    lots: int
    results: int


def run_in_workers(work: Callable[[T], R], lots: deque[T], processes: int) -> Iterator[R]:
    """Carry out lots of work in several processes; whoever takes a result may add lots.

    Raises:
        ChildProcessError: a process died, or its work failed.
    """
    if processes <= 1:
        while lots:
            yield work(lots.popleft())
        return
    workers: dict[int, Worker] = {}
    poll = select.poll()
    try:
        for _ in range(PER_CORE * processes):
            worker = _start_worker(work, workers.values())
            workers[worker.results] = worker
            poll.register(worker.results, select.POLLIN)
        idle = list(workers.values())
        while lots or len(idle) < len(workers):
            while lots and idle:
                _send(idle.pop().lots, lots.popleft())
            for results, _ in poll.poll():
                succeeded, result = _receive(results)
                if not succeeded:
                    raise ChildProcessError(result)
                if lots:
                    _send(workers[results].lots, lots.popleft())
                else:
                    idle.append(workers[results])
                yield result
    finally:
        for worker in workers.values():
            os.kill(worker.process_id, signal.SIGKILL)
            os.close(worker.lots)
            os.close(worker.results)
            os.waitpid(worker.process_id, 0)


def _start_worker(work: Callable[[T], R], others: Iterable[Worker]) -> Worker:
    """Start a process that ends when nobody can send it a lot any more."""
    lots, to_lots = os.pipe()
    results, to_results = os.pipe()
    process_id = os.fork()
    if process_id:
        os.close(lots)
        os.close(to_results)
        return Worker(process_id, to_lots, results)
    try:
        for descriptor in (to_lots, results, *(end for each in others for end in each[1:])):
            os.close(descriptor)
        while True:
            lot = _receive(lots)
            answer: tuple[bool, R | str]
            try:
                answer = (True, work(lot))
            except Exception as error:  # noqa: BLE001 - it is raised again where it is awaited
                answer = (False, f"{type(error).__name__}: {error}")
            _send(to_results, answer)
    finally:
        os._exit(1)


def _send(descriptor: int, value: Any) -> None:
    content = marshal.dumps(value)
    message = memoryview(len(content).to_bytes(8, "little") + content)
    while message:
        message = message[os.write(descriptor, message) :]


def _receive(descriptor: int) -> Any:
    size = int.from_bytes(_read(descriptor, 8), "little")
    return marshal.loads(_read(descriptor, size))  # noqa: S302 - from a process of our own


def _read(descriptor: int, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        chunk = os.read(descriptor, min(size - len(content), 1 << 20))
        if not chunk:
            raise ChildProcessError("a process of the search has died")
        content += chunk
    return bytes(content)
