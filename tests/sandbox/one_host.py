"""One real host, i-1, without cloud-init and without the API: for what lines and hosts suffer."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox import base_system, leftovers, network
from sandbox.home import open_home, release_number
from tests.sandbox.interrupts import uninterrupted
from tests.sandbox.test_hosts import Cloud, make_key


@contextmanager
def one_host_opened(folder: Path) -> Iterator[Cloud]:
    """Boot it, and leave nothing of it."""
    base_system.make_base(lambda _: None)
    home = open_home(folder / "home")
    try:
        assert home.number > 0
        network.up(home)
        make_key(folder / "key")
        cloud = Cloud(home, folder / "key")
        cloud.create("i-1")
        cloud.boot("i-1")
        yield cloud
    finally:
        with uninterrupted():
            leftovers.clear(home)
            release_number(home)
            left = leftovers.find(home)
            shutil.rmtree(home.path)
    assert left == []
