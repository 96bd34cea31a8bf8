"""Concurrent callers share one call: errors reach all, and an interrupt lets another take over."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from notebake.aws.single_flight import SingleFlight
from notebake.errors import CloudError
from tests.limits import HANG_SECONDS

OLD, NEW = "old", "new"
COUNT = 5


class Question:
    """A question with an old answer, which one asks anew while the others come."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.pool = pool
        self.shared: SingleFlight[str] = SingleFlight()
        self.shared.get(lambda: OLD, lambda _: True)
        self.is_called, self.may_end = threading.Event(), threading.Event()
        self.came = threading.Semaphore(0)
        self.calls = 0

    def ask(self, outcome: str | BaseException = NEW) -> Future[str]:
        """Ask in another thread; it ends when it may."""

        def answer() -> str:
            self.calls += 1
            self.is_called.set()
            assert self.may_end.wait(HANG_SECONDS)
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

        return self.pool.submit(self.shared.get, answer, self.is_new)

    def is_new(self, answer: str) -> bool:
        """Tell whether an answer is good; who is here has the turn in hand, and waits next."""
        self.came.release()
        return answer == NEW

    def all_ask(self, first: str | BaseException) -> tuple[Future[str], list[Future[str]]]:
        """Let one ask and the others come; return when all wait."""
        leader = self.ask(first)
        assert self.is_called.wait(HANG_SECONDS)
        assert self.came.acquire(timeout=HANG_SECONDS)
        others = [self.ask() for _ in range(COUNT)]
        assert all(self.came.acquire(timeout=HANG_SECONDS) for _ in others)
        return leader, others


@pytest.fixture
def question() -> Iterator[Question]:
    with ThreadPoolExecutor(COUNT + 1) as pool:
        yield Question(pool)


def test_all_waiting_callers_get_the_result_of_one_call(question: Question) -> None:
    leader, others = question.all_ask(NEW)
    question.may_end.set()

    assert [future.result(30) for future in (leader, *others)] == [NEW] * (COUNT + 1)
    assert question.calls == 1


def test_every_waiting_caller_gets_its_own_copy_of_an_error(question: Question) -> None:
    leader, others = question.all_ask(CloudError("refused", "a hint", "UnauthorizedOperation"))
    question.may_end.set()

    errors = [future.exception(30) for future in (leader, *others)]

    assert question.calls == 1
    assert {str(error) for error in errors} == {"refused\na hint"}
    assert {getattr(error, "code", "") for error in errors} == {"UnauthorizedOperation"}
    assert len({id(error) for error in errors}) == len(errors)


def test_a_caller_after_an_error_makes_its_own_call(question: Question) -> None:
    question.may_end.set()
    with pytest.raises(CloudError):
        question.ask(CloudError("refused")).result(30)

    assert question.ask().result(30) == NEW
    assert question.calls == 2


@pytest.mark.parametrize("interrupt", [InterruptedError, KeyboardInterrupt, SystemExit])
def test_another_caller_takes_over_after_an_interrupt(
    question: Question, interrupt: Callable[[], BaseException]
) -> None:
    leader, others = question.all_ask(interrupt())
    question.may_end.set()

    assert isinstance(leader.exception(30), BaseException)
    assert [future.result(30) for future in others] == [NEW] * COUNT
    assert question.calls == 2
