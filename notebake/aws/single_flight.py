"""Questions that one asks for everybody who waits for the answer; no thread of its own."""

import copy
import functools
import threading
from collections.abc import Callable
from typing import Generic, NamedTuple, ParamSpec, TypeVar

from notebake import clock
from notebake.aws.change_counter import next_moment
from notebake.aws.clients import memory_of
from notebake.errors import CloudError
from notebake.execution import holds_run

P = ParamSpec("P")
T = TypeVar("T")
BRIEFLY_SECONDS = 10
"""What others change, or somebody may be about to mend: builds that begin together ask once."""
LONG_SECONDS = 600
"""What AWS itself hardly ever changes."""


class Failure(NamedTuple):
    """What AWS answered instead, and when."""

    error: CloudError
    ended: int


class SingleFlight(Generic[T]):
    """The last answer to a question, and the turn of whoever asks it.

    Who finds nobody asking asks; the others wait and are woken together. An error of AWS goes to
    all who were waiting for it; where who asked was interrupted, the next one asks.
    """

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._is_asked = False
        self._answer: T | None = None
        self._failure: Failure | None = None

    def get(self, ask: Callable[[], T], is_good: Callable[[T], bool]) -> T:
        """Return the first answer that is good enough; one's own must be.

        Raises:
            CloudError: AWS refused, whoever of those who wait now has asked.
        """
        entered = next_moment()
        while True:
            with self._turn:
                answer, failure = self._answer, self._failure
                if answer is not None and is_good(answer):
                    return answer
                if failure and failure.ended > entered:
                    raise copy.copy(failure.error) from failure.error
                if self._is_asked:
                    self._turn.wait()
                    continue
                self._is_asked = True
            self._ask(ask)

    def _ask(self, ask: Callable[[], T]) -> None:
        """Ask, and whatever comes of it give the turn on."""
        answer: T | None = None
        failure: Failure | None = None
        try:
            answer = ask()
        except CloudError as error:
            failure = Failure(error, next_moment())
        finally:
            with self._turn:
                self._answer = answer or self._answer
                self._failure = failure
                self._is_asked = False
                self._turn.notify_all()


class TimedAnswer(NamedTuple, Generic[T]):
    """An answer, and when it was asked for."""

    answer: T
    at: float


def cached_per_region(seconds: float) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let a question about a region, its last argument, be asked once in so many seconds.

    For what our own calls do not change. Who only looks and who executes a run do not share: their
    patience with an AWS that does not answer differs.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def ask(*args: P.args, **kwargs: P.kwargs) -> T:
            asked_at = clock.elapsed()
            key = (function.__qualname__, holds_run(), args, *kwargs.items())
            shared: SingleFlight[TimedAnswer[T]] = memory_of(str(args[-1])).setdefault(
                key, SingleFlight()
            )
            return shared.get(
                lambda: TimedAnswer(function(*args, **kwargs), clock.elapsed()),
                lambda told: told.at > asked_at - seconds,
            ).answer

        return ask

    return decorate
