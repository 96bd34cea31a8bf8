"""A sandbox's home with its network, for hosts without the API; nothing of it stays."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.control import leftovers
from sandbox.home import Home, open_home, release_number
from sandbox.hosts import base_system, network
from tests.sandbox.interrupts import uninterrupted


@contextmanager
def home_opened(path: Path) -> Iterator[Home]:
    """Give a home of its own while the block runs; fails where something is left of it."""
    base_system.make_base(lambda _: None)
    opened = open_home(path)
    try:
        assert opened.number > 0
        network.up(opened)
        yield opened
    finally:
        with uninterrupted():
            leftovers.clear(opened)
            release_number(opened)
            left = leftovers.find(opened)
            shutil.rmtree(opened.path)
    assert left == []
