"""Asks several sources at once; one that hangs keeps neither the others nor the process waiting."""

import threading
from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import Generic, TypeVar

from notebake import clock
from notebake.errors import NotebakeError, WaitTimeoutError
from notebake.waiting import check_not_interrupted

T = TypeVar("T")


class _Question(Generic[T]):
    """One call in a thread of its own, which ends with the process."""

    def __init__(self, call: Callable[[], T]) -> None:
        self.is_over = threading.Event()
        self._call = call
        self._answer: T | BaseException | None = None
        context = copy_context()
        threading.Thread(target=context.run, args=(self._run,), daemon=True).start()

    def _run(self) -> None:
        try:
            self._answer = self._call()
        except BaseException as error:  # noqa: BLE001 - raised again where the answer is taken
            self._answer = error
        finally:
            self.is_over.set()

    def answer(self, seconds_left: float, limit_seconds: float) -> T | NotebakeError:
        """Return the answer, or the error of the project with which it ended."""
        if not self.is_over.is_set() and not clock.pause(max(0.0, seconds_left), self.is_over):
            return WaitTimeoutError(f"There was no answer within {limit_seconds:g} s.")
        if isinstance(self._answer, BaseException) and not isinstance(self._answer, NotebakeError):
            raise self._answer
        return self._answer  # type: ignore[return-value]  # it is over, and so was set


def ask_side_by_side(
    calls: Sequence[Callable[[], T]], limit_seconds: float
) -> list[T | NotebakeError]:
    """Return what each call gives, or the error of the project that it raised.

    A call that takes longer than the limit gives a WaitTimeoutError; its thread goes on, and ends
    with the process. Other errors are raised.
    """
    began = clock.elapsed()
    questions = [_Question(call) for call in calls]
    answers: list[T | NotebakeError] = []
    for question in questions:
        check_not_interrupted()
        answers.append(question.answer(began + limit_seconds - clock.elapsed(), limit_seconds))
    return answers
