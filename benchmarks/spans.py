"""Runs `notebake` with its slow functions watched from outside; the product stays as it is.

python -m benchmarks.spans FILE WORDS...: writes the spans to FILE when the command has ended.
"""

import builtins
import functools
import importlib
import inspect
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.attribution import SERVER, Span
from benchmarks.watched import WAITS_FOR_HOSTS, WATCHED, Name

SHORTEST_IMPORT_SECONDS = 0.002
spans: list[Span] = []
_mine = threading.local()


@contextmanager
def watched(kind: str, name: str) -> Iterator[None]:
    """Keep what this thread does in the block as a span, if it is the run's own work."""
    _mine.depth = depth = getattr(_mine, "depth", 0) + 1
    began = time.time()
    try:
        yield
    finally:
        _mine.depth = depth - 1
        step = _current_step()
        if step or kind == SERVER or threading.current_thread() is threading.main_thread():
            spans.append(Span(threading.get_ident(), depth, kind, name, step, began, time.time()))


def watch(function: Callable[..., Any], kind: str, name: Name) -> Callable[..., Any]:
    """Return the function, or the context manager, with its calls kept as spans."""
    is_block = inspect.isgeneratorfunction(inspect.unwrap(function))

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        called = name(*args, **kwargs)
        is_boot = called.startswith(WAITS_FOR_HOSTS)
        with watched("host boots" if is_boot else kind, called):
            return function(*args, **kwargs)

    @contextmanager
    @functools.wraps(function)
    def block(*args: Any, **kwargs: Any) -> Iterator[Any]:
        with watched(kind, name(*args, **kwargs)), function(*args, **kwargs) as given:
            yield given

    return block if is_block else call


class Watcher:
    """Puts the watches on a module as soon as it has been imported, before anybody uses it."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """Find what the usual finder would, and have its execution followed by the watches."""
        found = PathFinder.find_spec(name, path, target) if name in WATCHED else None
        if found and found.loader:
            execute = found.loader.exec_module

            def execute_and_watch(module: ModuleType) -> None:
                execute(module)
                put_watches(module, WATCHED[name])

            found.loader.exec_module = execute_and_watch  # type: ignore[method-assign]
        return found


def put_watches(module: ModuleType, wanted: dict[str, tuple[str, Name]]) -> None:
    """Watch functions and methods of a module; one that is not there any more is an error."""
    for place, (kind, name) in wanted.items():
        *owners, last = place.split(".")
        owner = functools.reduce(getattr, owners, module)
        setattr(owner, last, watch(getattr(owner, last), kind, name))


def watch_imports() -> None:
    """Keep each outermost import that takes any time as a span."""

    def watched_import(usual: Callable[..., ModuleType]) -> Callable[..., ModuleType]:
        def import_and_watch(name: str, *args: Any, **kwargs: Any) -> ModuleType:
            if getattr(_mine, "imports", False):
                return usual(name, *args, **kwargs)
            _mine.imports = True
            try:
                with watched("imports", f"import {name}"):
                    return usual(name, *args, **kwargs)
            finally:
                _mine.imports = False

        return import_and_watch

    builtins.__import__ = watched_import(builtins.__import__)
    importlib.import_module = watched_import(importlib.import_module)


def _current_step() -> str:
    module = sys.modules.get("notebake.runbook.step")
    current = getattr(module, "current_step", None)
    return str(current.get()) if current else ""


def main(path: Path, words: list[str]) -> None:
    """Run a command of notebake, and write the spans."""
    sys.meta_path.insert(0, Watcher())
    watch_imports()
    from flows.cli.main import main as notebake

    code = notebake(words)
    sys.stdout.flush()
    long_enough = [
        span
        for span in spans
        if span.kind != "imports" or span.ended - span.began > SHORTEST_IMPORT_SECONDS
    ]
    path.write_text(json.dumps([asdict(span) for span in long_enough]))
    os._exit(code)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
