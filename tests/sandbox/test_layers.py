"""Layers go when nobody stands on them, also when several machines end at once."""

import json
import threading
from pathlib import Path

import pytest

from sandbox.files import locked
from sandbox.home import Home, open_home, release_number
from sandbox.hosts import layers
from sandbox.hosts.layer_stack import find_stack
from tests.limits import HANG_SECONDS


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


def add_machine(home: Home, machine_id: str, layer: Path) -> Path:
    place = home.machines_path / machine_id
    layer.mkdir(parents=True, exist_ok=True)
    place.mkdir(parents=True)
    stack = place / "stack.json"
    stack.write_text(json.dumps({"layers": [str(layer)]}))
    return stack


def test_a_stack_is_removed_only_after_its_readers_release_the_lock(home: Home) -> None:
    stack = add_machine(home, "i-1", home.path / "layers" / "one")
    removing = threading.Thread(target=layers.remove_root, args=(home, "i-1"))
    try:
        with locked(home.path / "layers.lock"):
            removing.start()
            removing.join(timeout=0.3)
            assert stack.exists()
        removing.join(timeout=HANG_SECONDS)
        assert not stack.exists()
        assert list((home.path / "layers").iterdir()) == []
    finally:
        release_number(home)


def test_a_copied_image_has_the_content_of_its_source_in_layers_of_its_own(home: Home) -> None:
    try:
        own = home.path / "layers" / "own"
        (own / "etc").mkdir(parents=True)
        (own / "etc/baked").write_text("by me")
        (own / "etc/baked").chmod(0o640)
        base = home.path.parent / "base"
        base.mkdir()
        for image_id, stack in (("base", [base]), ("ami-1", [base, own])):
            path = home.path / "images" / f"{image_id}.json"
            path.write_text(json.dumps({"layers": [str(layer) for layer in stack]}))

        layers.copy_image(home, "ami-1", "ami-2")

        kept, copied = find_stack(home, "ami-2").layers
        assert kept == str(base)
        assert Path(copied) != own
        layers.delete_image(home, "ami-1")
        assert not own.exists()
        assert (Path(copied) / "etc/baked").read_text() == "by me"
        assert (Path(copied) / "etc/baked").stat().st_mode & 0o777 == 0o640
        layers.delete_image(home, "ami-2")
        assert list((home.path / "layers").iterdir()) == []
    finally:
        release_number(home)


def test_the_end_of_a_machine_waits_for_no_other_writer(home: Home) -> None:
    base = home.path.parent / "base"
    base.mkdir()
    (home.path / "images" / "ami-1.json").write_text(json.dumps({"layers": [str(base)]}))
    layers.make_root(home, "i-1", "ami-1")
    try:
        for boot in ("first", "second"):
            root = layers.mount_root(home, "i-1")
            mounts = Path("/proc/self/mounts").read_text().splitlines()
            (mounted,) = (line for line in mounts if line.split()[1] == str(root))
            # Its unmounting, and each sync in it, would else sync the whole file system below it.
            assert any(word.endswith("volatile") for word in mounted.split()[3].split(","))
            (root / boot).touch()
            layers.unmount_root(home, "i-1")
        root = layers.mount_root(home, "i-1")
        assert {path.name for path in root.iterdir()} == {"first", "second"}
    finally:
        layers.remove_root(home, "i-1")
        release_number(home)
    assert not root.exists()
