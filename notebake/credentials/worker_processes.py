"""A pool of forked worker processes whose work can grow while it runs."""

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
    """A worker process, with the pipe for its batches and the pipe for its results."""

    process_id: int
    batches: int
    results: int


def run_in_workers(work: Callable[[T], R], batches: deque[T], processes: int) -> Iterator[R]:
    """Yield the result of each batch of work; the caller may add batches meanwhile.

    Raises:
        ChildProcessError: a worker died, or its work failed.
    """
    if processes <= 1:
        while batches:
            yield work(batches.popleft())
        return
    workers: dict[int, Worker] = {}
    try:
        for _ in range(PER_CORE * processes):
            worker = _start_worker(work, workers.values())
            workers[worker.results] = worker
        yield from _results(workers, batches)
    finally:
        for worker in workers.values():
            os.kill(worker.process_id, signal.SIGKILL)
            os.close(worker.batches)
            os.close(worker.results)
            os.waitpid(worker.process_id, 0)


def _results(workers: dict[int, Worker], batches: deque[Any]) -> Iterator[Any]:
    """Send batches to idle workers and yield their results."""
    poll = select.poll()
    for results in workers:
        poll.register(results, select.POLLIN)
    idle = list(workers.values())
    while batches or len(idle) < len(workers):
        while batches and idle:
            _send(idle.pop().batches, batches.popleft())
        for results, _ in poll.poll():
            succeeded, result = _receive(results)
            if not succeeded:
                raise ChildProcessError(result)
            if batches:
                _send(workers[results].batches, batches.popleft())
            else:
                idle.append(workers[results])
            yield result


def _start_worker(work: Callable[[T], R], others: Iterable[Worker]) -> Worker:
    """Fork a worker that ends when the parent's end of its batch pipe is closed."""
    batches, to_batches = os.pipe()
    results, to_results = os.pipe()
    process_id = os.fork()
    if process_id:
        os.close(batches)
        os.close(to_results)
        return Worker(process_id, to_batches, results)
    try:
        inherited = (end for worker in others for end in worker[1:])
        for descriptor in (to_batches, results, *inherited):
            os.close(descriptor)
        while True:
            batch = _receive(batches)
            answer: tuple[bool, R | str]
            try:
                answer = (True, work(batch))
            except Exception as error:  # noqa: BLE001 - the parent raises it again
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
            raise ChildProcessError("a worker process of the scan died")
        content += chunk
    return bytes(content)
