"""Calls whose result is shared by all threads that wait for it."""

import copy
import functools
import threading
from collections.abc import Callable
from typing import Generic, NamedTuple, ParamSpec, TypeVar

from notebake import clock
from notebake.aws.change_counter import next_number
from notebake.aws.clients import memory_of
from notebake.aws.execution import holds_run
from notebake.errors import CloudError

P = ParamSpec("P")
T = TypeVar("T")
SHORT_SECONDS = 10
"""For state that others may change: builds that start together send one call."""
LONG_SECONDS = 600
"""For data that AWS itself rarely changes."""


class Failure(NamedTuple):
    """An error of AWS, and the number of the change counter when it arrived."""

    error: CloudError
    ended: int


class SingleFlight(Generic[T]):
    """The last result of a call, which one thread makes while the others wait.

    A CloudError is raised in all waiting threads; if the calling thread is interrupted, the next
    one makes the call.
    """

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._is_running = False
        self._answer: T | None = None
        self._failure: Failure | None = None

    def get(self, call: Callable[[], T], is_good: Callable[[T], bool]) -> T:
        """Return the first valid result; that of the thread's own call must be valid.

        Raises:
            CloudError: the call failed in this thread or in the one that it waited for.
        """
        entered = next_number()
        while True:
            with self._turn:
                answer, failure = self._answer, self._failure
                if answer is not None and is_good(answer):
                    return answer
                if failure and failure.ended > entered:
                    raise copy.copy(failure.error) from failure.error
                if self._is_running:
                    self._turn.wait()
                    continue
                self._is_running = True
            self._run(call)

    def _run(self, call: Callable[[], T]) -> None:
        answer: T | None = None
        failure: Failure | None = None
        try:
            answer = call()
        except CloudError as error:
            failure = Failure(error, next_number())
        finally:
            with self._turn:
                self._answer = answer or self._answer
                self._failure = failure
                self._is_running = False
                self._turn.notify_all()


class TimedAnswer(NamedTuple, Generic[T]):
    """A result, and the time of its arrival."""

    answer: T
    at: float


def cached_per_region(seconds: float) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Cache a function for so many seconds; its last argument is the region.

    Only for data that our own calls do not change. Executions of runs and other callers have
    separate caches, as they retry for different times.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def shared_call(*args: P.args, **kwargs: P.kwargs) -> T:
            requested_at = clock.elapsed()
            key = (function.__qualname__, holds_run(), args, *kwargs.items())
            shared: SingleFlight[TimedAnswer[T]] = memory_of(str(args[-1])).setdefault(
                key, SingleFlight()
            )
            return shared.get(
                lambda: TimedAnswer(function(*args, **kwargs), clock.elapsed()),
                lambda timed: timed.at > requested_at - seconds,
            ).answer

        return shared_call

    return decorate
