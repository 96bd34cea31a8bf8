import pickle
from collections.abc import Callable

import pytest

from notebake import errors
from notebake.errors import (
    CloudError,
    DiskFullError,
    HostCommandError,
    NotebakeError,
    TearDownError,
)
from notebake.runs import lock
from notebake.runs.approvals.approval_log import ApprovalOpenError
from notebake.runs.approvals.question import Question

QUESTION = Question(
    number=3,
    kind="bake",
    recipe="ocean",
    region="us-west-2",
    run_id="ocean-1",
    title="bake ocean",
    digest="c0ffee",
    image_ids=(),
    asked="2026-11-30T12:00:00Z",
    until=1796040000.0,
    asked_by="p-ada",
)
SPECIAL: dict[type[NotebakeError], tuple[object, ...]] = {
    HostCommandError: ("192.0.2.7", "make all", 2, "line\n" * 40 + "the last line"),
    DiskFullError: ("192.0.2.7", "install", "line\nlast", "no space left on /", "What to type."),
    ApprovalOpenError: (QUESTION,),
    TearDownError: ("ocean-1", ("volume vol-1 (available)",), ("Tried to delete sg-1.",)),
}


def all_kinds(kind: type[NotebakeError] = NotebakeError) -> list[type[NotebakeError]]:
    """Return the base and everything derived from it in our own modules."""
    assert errors
    assert lock
    ours = [
        subclass
        for subclass in kind.__subclasses__()
        if subclass.__module__.startswith("notebake.")
    ]
    return [kind, *(each for subclass in ours for each in all_kinds(subclass))]


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.__name__)
def test_an_error_survives_pickling(kind: type[NotebakeError]) -> None:
    arguments = SPECIAL.get(kind, ("What was tried.", "What to type."))
    if issubclass(kind, CloudError):
        arguments = (*arguments, "Throttling", True, True)
    make: Callable[..., NotebakeError] = kind
    error = make(*arguments)

    arrived = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert type(arrived) is kind
    assert str(arrived) == str(error)
    assert vars(arrived) == vars(error)
    assert arrived.message
    assert arrived.message in str(arrived)


def test_a_failed_command_shows_its_last_lines_only() -> None:
    error = HostCommandError("192.0.2.7", "make all", 2, "\n".join(f"line {n}" for n in range(99)))

    assert "exit code 2: make all" in error.message
    assert "line 98" in error.message
    assert "line 79" in error.message
    assert "line 78" not in error.message


def test_a_tear_down_error_names_leftovers_reasons_and_the_next_command() -> None:
    error = TearDownError("ocean-1", ("volume vol-1", "key pair key-1"), ("One refused.", "Two."))

    assert "vol-1, key pair key-1" in error.message
    assert "One refused. Two." in error.message
    assert str(error).endswith("Try again with:  notebake tear-down ocean-1")
