"""The end of a host, and of a sandbox, where something of it is in use or was left."""

import os
import queue
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.control import cache_leftovers, leftovers
from sandbox.errors import SandboxError
from sandbox.files import locked
from sandbox.home import Home
from sandbox.hosts import base_system, disks, layers, network, roots
from sandbox.hosts.machines import Exit, Machines
from sandbox.hosts.nspawn import Guest
from sandbox.programs import run_program
from tests.limits import HANG_SECONDS
from tests.sandbox.interrupts import uninterrupted
from tests.sandbox.own_home import home_opened

pytestmark = pytest.mark.sandbox

PROJECT = Path(__file__).parent.parent.parent
MAKER = """
    import subprocess, sys, time
    from pathlib import Path
    from sandbox.files import locked
    from sandbox.hosts.twist_layer import _mounted_over
    layer, base = map(Path, sys.argv[1:])
    with locked(layer.with_name(f".{layer.name}.lock")):
        with _mounted_over(base, layer.with_name(f".{layer.name}.part")) as root:
            script = subprocess.Popen(["chroot", root, "/bin/sleep", "600"])
            while Path(f"/proc/{script.pid}/root").readlink() != root:
                time.sleep(0.01)
            print(script.pid, flush=True)
            time.sleep(600)
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with home_opened(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def base(home: Home) -> Path:
    """The base system, from the cache that all share."""
    del home
    found = base_system.find_base()
    assert found
    return found


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of our own, of which nothing stays mounted or attached."""
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setenv("NOTEBAKE_SANDBOX_CACHE", str(cache))
    yield cache
    with uninterrupted():
        for mount in reversed(cache_leftovers.find_mounts(f"{cache}/")):
            run_program("umount", "--lazy", mount)
        for name in disks.loops_below(cache):
            run_program("losetup", "--detach", f"/dev/{name}")


def test_a_host_that_cannot_be_removed_keeps_its_address_until_it_can(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roots, "UNMOUNT_TIMEOUT_SECONDS", 0.1)
    machines = Machines(home)
    machines.create_root("i-1", "base")
    address = machines.reserve_address("i-1")
    network.connect(home, "i-1", address)
    in_use = os.open(layers.mount_root(home, "i-1"), os.O_RDONLY)
    try:
        with pytest.raises(SandboxError, match="busy"):
            machines.destroy("i-1")
        assert address not in machines.free_addresses(home.subnet)
        assert network.namespaces(home) == [f"{home.name}-i-1"]
    finally:
        os.close(in_use)

    machines.destroy("i-1")

    assert address in machines.free_addresses(home.subnet)
    assert network.namespaces(home) == []
    assert list(home.machines_path.iterdir()) == []
    machines.destroy("i-1")


@pytest.mark.parametrize("fails", ["wait", "release"])
def test_a_host_whose_end_is_troubled_has_ended_for_all_that(
    fails: str, home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    exits: queue.Queue[tuple[str, Exit]] = queue.Queue()
    wait, unmount = Guest.wait_for_exit, roots.unmount

    def wait_and_fail(self: Guest) -> Exit:
        wait(self)
        raise SandboxError("no end within 20 s")

    def fail_once(mounted: Path) -> None:
        monkeypatch.setattr(roots, "unmount", unmount)
        raise SandboxError(f"{mounted} is busy")

    if fails == "wait":
        monkeypatch.setattr(Guest, "wait_for_exit", wait_and_fail)
    machines = Machines(home)
    machines.create_root("i-1", "base")
    machines.prevent_boot("i-1")
    machines.boot("i-1", lambda machine_id, why: exits.put((machine_id, why)))
    if fails == "release":
        monkeypatch.setattr(roots, "unmount", fail_once)

    machines.kill("i-1")

    assert exits.get(timeout=HANG_SECONDS) == ("i-1", Exit.KILLED)
    assert machines.running() == []
    assert {"wait": "no end within 20 s", "release": "is busy"}[fails] in caplog.text
    machines.destroy("i-1")


def test_down_clears_what_a_sandbox_left_that_was_killed_while_it_made_a_layer(
    home: Home, base: Path, cache: Path
) -> None:
    words = [sys.executable, "-c", textwrap.dedent(MAKER), str(cache / "twist-own-1"), str(base)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as maker:
        assert maker.stdout
        script = maker.stdout.readline().strip()
        before = leftovers.find(home)
        assert not any(str(cache) in line for line in before), "it is being made"
        maker.kill()
    part = cache / ".twist-own-1.part"
    left = {f"process {script}", f"mount {part}/root"}
    assert left == {*leftovers.find(home)} - {*before}

    leftovers.clear(home)

    assert leftovers.find(home) == []
    assert not part.exists()


def test_a_loop_device_of_a_layer_is_left_unless_it_is_mounted_or_being_mounted(
    cache: Path, tmp_path: Path
) -> None:
    image, lock = cache / "base-1.img", cache / ".base-1.lock"
    image.touch()
    os.truncate(image, 2**23)
    lock.touch()
    run_program("mkfs.ext4", "-q", image)
    device = disks.attach_separate_loop(image)
    with locked(lock):
        assert cache_leftovers.find(cache) == []
        cache_leftovers.clear(cache)
    assert cache_leftovers.find(cache) == [f"loop device {Path(device).name}"]
    run_program("mount", "-o", "ro", device, tmp_path)
    try:
        assert cache_leftovers.find(cache) == []
        cache_leftovers.clear(cache)
    finally:
        run_program("umount", tmp_path)
    assert disks.loops_below(cache)

    cache_leftovers.clear(cache)

    assert cache_leftovers.find(cache) == []
    assert disks.loops_below(cache) == {}
