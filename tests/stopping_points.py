"""The points at which something can come between what a process does, and what comes there."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from notebake.aws.clients import connect
from notebake.store.directory import DirectoryStore
from tests.cloud_world import REGION


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Points:
    """Counts each write of the run store and each call of AWS, before it and after it."""

    at: int
    act: Callable[[], None]
    count: int = 0
    passed: list[str] = field(default_factory=list)
    thread: int = field(default_factory=threading.get_ident)
    """Others, such as one that renews a lock, pass by no point."""

    def pass_by(self, name: str) -> None:
        if self.count >= self.at or threading.get_ident() != self.thread:
            return
        self.count += 1
        self.passed.append(name)
        if self.count == self.at:
            self.act()


@contextmanager
def stopping(points: Points, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the block pass by the points."""

    def wrapped(name: str) -> Callable[..., Any]:
        plain = getattr(DirectoryStore, name)

        def call(store: DirectoryStore, key: str, *words: Any, **more: Any) -> Any:
            points.pass_by(f"before {name} {key}")
            result = plain(store, key, *words, **more)
            points.pass_by(f"after {name} {key}")
            return result

        return call

    def before(model: Any, **_: Any) -> None:
        points.pass_by(f"before {model.name}")

    def after(model: Any, **_: Any) -> None:
        points.pass_by(f"after {model.name}")

    clients = [connect(service, REGION) for service in ("ec2", "ssm")]
    with monkeypatch.context() as patched:
        for name in ("create", "replace"):
            patched.setattr(DirectoryStore, name, wrapped(name))
        for client in clients:
            client.meta.events.register_last("before-call", before, "before")
            client.meta.events.register_first("after-call", after, "after")
        try:
            yield
        finally:
            for client in clients:
                client.meta.events.unregister("before-call", before, "before")
                client.meta.events.unregister("after-call", after, "after")
