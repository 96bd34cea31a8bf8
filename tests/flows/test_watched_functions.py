"""The benchmarks watch the product's functions by their names: those must be there."""

import functools
import importlib
import importlib.util
from types import CodeType

import pytest

from benchmarks.ten_notes import EVERY_CALL, UNDO, purpose_of
from benchmarks.watched import WATCHED
from flows.step_task import as_undo_task
from tasks import launch_instance


@pytest.mark.parametrize("module", WATCHED)
def test_every_function_watched_by_a_benchmark_exists(module: str) -> None:
    owner = importlib.import_module(module)

    for place in WATCHED[module]:
        assert callable(functools.reduce(getattr, place.split("."), owner)), place


@pytest.mark.parametrize("module", EVERY_CALL)
def test_every_module_left_out_of_the_notes_of_ten_builds_exists(module: str) -> None:
    assert importlib.util.find_spec(f"notebake.aws.{module}")


def test_the_notes_of_ten_builds_tell_finding_from_undoing() -> None:
    nested = as_undo_task.__wrapped__.__code__.co_consts

    find = launch_instance.find
    assert purpose_of([f"{find.__module__}.{find.__name__}"]) == "finding"
    assert UNDO in {
        f"flows.step_task.{code.co_name}" for code in nested if isinstance(code, CodeType)
    }
    assert purpose_of([UNDO]) == "tear down"
