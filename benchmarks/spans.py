"""Runs `notebake` with its slow functions watched from outside; the product stays as it is.

python -m benchmarks.spans FILE WORDS...: writes the spans to FILE when the command has ended.
"""

import builtins
import functools
import importlib
import inspect
import json
import os
import re
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

from benchmarks.attribution import Span

Name = Callable[..., str]
SHORTEST_IMPORT_SECONDS = 0.002
spans: list[Span] = []
_mine = threading.local()


def constant(text: str) -> Name:
    """Return a name that is always the same."""
    return lambda *_, **__: text


def _command(_host: Any, command: str, *_: Any) -> str:
    """Return what is asked of a host: detached work by its name, the rest by its first words."""
    work = re.search(r"/run/notebake/work/([a-z_]+)", command)
    return f"detached {work[1]}" if work else " ".join(command.split())[:60]


def _operation(client: Any, operation: str, *_: Any, **__: Any) -> str:
    return f"{client.meta.service_model.service_name} {operation}"


def _waited_for(*_: Any, what: str, **__: Any) -> str:
    return f"wait for {what}"


WATCHED: dict[str, dict[str, tuple[str, Name]]] = {
    "notebake.step": {"carry_out": ("own code", lambda step, _: f"step {step.name}")},
    "notebake.waiting": {"wait_until": ("EC2 states", _waited_for)},
    "notebake.ssh.login": {"log_in": ("connecting", lambda host: f"log in to {host.instance_id}")},
    "notebake.ssh.connection": {
        "run": ("remote work", _command),
        "files": ("remote work", lambda _, path: f"file {path}"),
    },
    "notebake.detached": {
        "run_detached": (
            "remote work",
            lambda _, name, *__, **___: f"detached {name.split('-')[0]}",
        ),
    },
    "notebake.jupyter_server": {"check_server": ("remote work", constant("JupyterLab by tunnel"))},
    "notebake.directory_store": {
        f"DirectoryStore.{name}": ("run store", constant(name))
        for name in ("read", "create", "replace", "write", "list", "list_first_parts", "delete")
    },
    "botocore.client": {"BaseClient._make_api_call": ("AWS calls", _operation)},
    "boto3.session": {
        "Session.client": ("AWS calls", lambda _, name, **__: f"make a client of {name}")
    },
    "flows.local_server": {
        "start_server": ("Prefect", constant("start its server")),
        "stop_server": ("Prefect", constant("end its server")),
    },
    "prefect.flows": {"Flow.__call__": ("Prefect", lambda flow, **_: f"flow {flow.name}")},
    "prefect.tasks": {
        "Task.__call__": ("Prefect", lambda task, *_: f"task {task.name}"),
        "Task.submit": ("Prefect", lambda task, *_: f"task {task.name}"),
    },
    "prefect.logging.handlers": {"APILogHandler.flush": ("Prefect", constant("hand over the log"))},
}
WAITS_FOR_HOSTS = ("wait for ssh", "wait for JupyterLab", "wait for the console")


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
        if step or threading.current_thread() is threading.main_thread():
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
    module = sys.modules.get("notebake.step")
    current = getattr(module, "current_step", None)
    return str(current.get()) if current else ""


def main(path: Path, words: list[str]) -> None:
    """Run a command of notebake, and write the spans."""
    sys.meta_path.insert(0, Watcher())
    watch_imports()
    from flows.command_line import main as notebake

    code = notebake(words)
    sys.stdout.flush()
    long_enough = [
        one
        for one in spans
        if one.kind != "imports" or one.ended - one.began > SHORTEST_IMPORT_SECONDS
    ]
    path.write_text(json.dumps([asdict(one) for one in long_enough]))
    os._exit(code)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
