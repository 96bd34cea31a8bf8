"""The benchmarks watch the product's functions by their names: those must be there."""

import functools
import importlib

import pytest

from benchmarks.watched import WATCHED


@pytest.mark.parametrize("module", WATCHED)
def test_every_function_watched_by_a_benchmark_exists(module: str) -> None:
    owner = importlib.import_module(module)

    for place in WATCHED[module]:
        assert callable(functools.reduce(getattr, place.split("."), owner)), place
