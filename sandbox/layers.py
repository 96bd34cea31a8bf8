"""Images and roots: stacks of read-only layers, with an upper directory for each machine.

A layer is an immutable directory. An image is a list of layers, lowest first. To bake one is to
rename a stopped machine's upper directory; nothing is copied.
"""

import json
import shutil
import time
import uuid
from pathlib import Path

from sandbox import base_system
from sandbox.errors import SandboxError
from sandbox.home import Home, locked, write_json
from sandbox.programs import run_program

BASE_IMAGE = "base"
# Of a layer that is being copied, or removed: no stack has it.
HIDDEN = "."
UNMOUNT_TIMEOUT_SECONDS = 10
COPY_TIMEOUT_SECONDS = 900


def record_base(home: Home) -> None:
    """Make the present base system the image "base". Without one, what was recorded stays."""
    for unfinished in (home.path / "layers").glob(f"{HIDDEN}*"):
        shutil.rmtree(unfinished)
    if base := base_system.find_base():
        _write_stack(home.path / "images" / f"{BASE_IMAGE}.json", [str(base)])


def images(home: Home) -> list[str]:
    """Return the images: those that were baked, and the base system."""
    return sorted(path.stem for path in (home.path / "images").glob("*.json"))


def make_root(home: Home, machine_id: str, image_id: str) -> None:
    """Give the machine a root that starts as the image."""
    if image_id not in images(home):
        raise SandboxError(f"There is no image {image_id}")
    place = home.machines_path / machine_id
    with locked(home.path / "layers.lock"):
        stack = _read_stack(home.path / "images" / f"{image_id}.json")
        place.mkdir()
        _write_stack(place / "stack.json", stack)
    _make_empty_upper(place)


def mount_root(home: Home, machine_id: str) -> Path:
    """Return the mounted root of the machine."""
    place = home.machines_path / machine_id
    root = place / "root"
    if root.is_mount():
        return root
    lower = ":".join(reversed(_read_stack(place / "stack.json")))
    options = f"lowerdir={lower},upperdir={place / 'upper'},workdir={place / 'work'},index=off"
    run_program("mount", "-t", "overlay", f"{home.name}-{machine_id}", "-o", options, root)
    return root


def unmount_root(home: Home, machine_id: str) -> None:
    """Undo `mount_root`. May be repeated."""
    root = home.machines_path / machine_id / "root"
    deadline = time.monotonic() + UNMOUNT_TIMEOUT_SECONDS
    while root.is_mount():
        try:
            run_program("umount", root)
        except SandboxError:
            # The kernel takes a moment to let go of a mount whose last process was killed.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def remove_root(home: Home, machine_id: str) -> None:
    """Remove the machine's directory, and the layers that only it used. May be repeated."""
    unmount_root(home, machine_id)
    place = home.machines_path / machine_id
    _forget_stack(home, place / "stack.json")
    shutil.rmtree(place, ignore_errors=True)
    remove_unused_layers(home)


def bake(home: Home, machine_id: str, image_id: str) -> None:
    """Make an image of the machine's root; the machine goes on above the same layers.

    What is mounted is copied as it is: let nothing write to it meanwhile.
    """
    place = home.machines_path / machine_id
    if image_id in images(home):
        raise SandboxError(f"There is an image {image_id} already")
    layer = home.path / "layers" / uuid.uuid4().hex
    stack = [*_read_stack(place / "stack.json"), str(layer)]
    copied = layer.with_name(f"{HIDDEN}{layer.name}") if (place / "root").is_mount() else None
    if copied:  # before the lock is taken: every launch waits for that
        copy = ("cp", "--archive", "--reflink=auto", place / "upper", copied)
        run_program(*copy, timeout_seconds=COPY_TIMEOUT_SECONDS)
    with locked(home.path / "layers.lock"):
        if copied:
            copied.rename(layer)
        else:
            (place / "upper").rename(layer)
            _write_stack(place / "stack.json", stack)
            _make_empty_upper(place)
        _write_stack(home.path / "images" / f"{image_id}.json", stack)


def delete_image(home: Home, image_id: str) -> None:
    """Forget the image. A layer stays on disk as long as another image or machine uses it."""
    _forget_stack(home, home.path / "images" / f"{image_id}.json")
    remove_unused_layers(home)


def remove_unused_layers(home: Home) -> None:
    """Remove every layer that neither an image nor a machine stands on."""
    gone = []
    with locked(home.path / "layers.lock"):
        stacks = [*(home.path / "images").glob("*.json"), *home.machines_path.glob("*/stack.json")]
        used = {layer for stack in stacks for layer in _read_stack(stack)}
        for layer in (home.path / "layers").iterdir():
            if str(layer) not in used and not layer.name.startswith(HIDDEN):
                gone.append(layer.rename(layer.with_name(f"{HIDDEN}{layer.name}")))
    for layer in gone:  # takes its time, and every launch takes the lock
        shutil.rmtree(layer)


def _forget_stack(home: Home, stack: Path) -> None:
    """Remove a stack while nobody reads the stacks: machines may end at the same time."""
    with locked(home.path / "layers.lock"):
        stack.unlink(missing_ok=True)


def _make_empty_upper(place: Path) -> None:
    shutil.rmtree(place / "work", ignore_errors=True)
    for name in ("upper", "work", "root", "shared"):
        (place / name).mkdir(exist_ok=True)
        (place / name).chmod(0o755)


def _read_stack(path: Path) -> list[str]:
    layers: list[str] = json.loads(path.read_text())["layers"]
    return layers


def _write_stack(path: Path, layers: list[str]) -> None:
    write_json(path, {"layers": layers})
