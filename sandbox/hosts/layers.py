"""Images and roots: stacks of read-only layers, with an upper directory for each machine.

A layer is an immutable directory. An image of a stopped machine is baked by renaming its upper
directory; nothing is copied.
"""

import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.files import locked
from sandbox.home import Home
from sandbox.hosts import base_system, roots
from sandbox.hosts.disks import BLOCK_BYTES, root_mark
from sandbox.hosts.layer_stack import BASE_IMAGE, LayerStack, find_stack, read_stack, write_stack
from sandbox.hosts.twist_layer import make_layer
from sandbox.programs import run_program

# The prefix of a layer that is being copied or removed, which no stack has.
HIDDEN = "."
COPY_TIMEOUT_SECONDS = 900


def record_base(home: Home) -> None:
    """Record the present base system, if there is any, as the image "base"."""
    for unfinished in (home.path / "layers").glob(f"{HIDDEN}*"):
        _remove(unfinished)
    if base := base_system.find_base():
        write_stack(home.path / "images" / f"{BASE_IMAGE}.json", LayerStack([str(base)]))


def images(home: Home) -> list[str]:
    """Return the ids of the baked images and the base system."""
    return sorted(path.stem for path in (home.path / "images").glob("*.json"))


def make_root(home: Home, machine_id: str, image_id: str) -> None:
    """Create a root for the machine from a baked image, from "base", or from a twist."""
    place = home.machines_path / machine_id
    with locked(home.path / "layers.lock"):
        stack = find_stack(home, image_id)
        place.mkdir()
        write_stack(place / "stack.json", stack)
    roots.make_upper(place, stack.conditions)


def mount_root(home: Home, machine_id: str) -> Path:
    """Return the mounted root of the machine."""
    place = home.machines_path / machine_id
    stack = read_stack(place / "stack.json")
    missing = [layer for layer in stack.layers if not Path(layer).is_dir()]
    if stack.twist and missing:
        make_layer(stack.twist, Path(stack.layers[0]))
    return roots.mount_root(f"{home.name}-{machine_id}", place, stack.layers, stack.conditions)


def unmount_root(home: Home, machine_id: str) -> None:
    """Undo `mount_root`. May be repeated."""
    roots.unmount_root(home.machines_path / machine_id)


def slow_devices(home: Home, machine_id: str) -> list[str]:
    """Return MAJOR:MINOR of each device whose reads are slowed down."""
    return roots.slow_devices(home.machines_path / machine_id)


def remove_root(home: Home, machine_id: str) -> None:
    """Remove the machine's directory, and layers that only this machine used. May be repeated."""
    unmount_root(home, machine_id)
    place = home.machines_path / machine_id
    _remove_stack(home, place / "stack.json")
    shutil.rmtree(place, ignore_errors=True)
    remove_unused_layers(home)


def bake(home: Home, machine_id: str, image_id: str) -> None:
    """Make an image of the machine's root; the machine continues above the same layers.

    A mounted root is copied as it is: let nothing write to it in the meantime.
    """
    place = home.machines_path / machine_id
    if image_id in images(home):
        raise SandboxError(f"The image {image_id} already exists")
    layer = home.path / "layers" / uuid.uuid4().hex
    below = read_stack(place / "stack.json")
    stack = LayerStack([*below.layers, str(layer)], below.twist)
    copied = None
    if (place / "root").is_mount() or roots.has_upper_disk(place):
        # Before the lock is taken: every launch waits for the lock.
        copied = _copy_upper(place, layer.with_name(f"{HIDDEN}{layer.name}"))
    with locked(home.path / "layers.lock"):
        if copied:
            copied.rename(layer)
        else:
            (place / "upper").rename(layer)
            write_stack(place / "stack.json", stack)
            roots.make_upper(place, stack.conditions)
        write_stack(home.path / "images" / f"{image_id}.json", stack)


def copy_image(home: Home, source_id: str, image_id: str) -> None:
    """Make an image of copies of another one's layers, but for those of the base system."""
    if image_id in images(home):
        raise SandboxError(f"The image {image_id} already exists")
    with locked(home.path / "layers.lock"):
        source = find_stack(home, source_id)
    copied: dict[str, Path] = {}
    for layer in map(Path, source.layers):
        if layer.parent == home.path / "layers":
            new = home.path / "layers" / uuid.uuid4().hex
            # Before the lock is taken: every launch waits for the lock.
            copied[str(layer)] = _copy_layer(layer, new.with_name(f"{HIDDEN}{new.name}"))
    with locked(home.path / "layers.lock"):
        named = {old: new.rename(new.with_name(new.name[1:])) for old, new in copied.items()}
        stack = [str(named.get(layer, layer)) for layer in source.layers]
        write_stack(home.path / "images" / f"{image_id}.json", LayerStack(stack, source.twist))


def _copy_layer(layer: Path, copied: Path) -> Path:
    command = ("cp", "--archive", "--reflink=auto", f"{layer}/.", copied)
    run_program(*command, timeout_seconds=COPY_TIMEOUT_SECONDS)
    return copied


def image_bytes(home: Home, image_id: str) -> int:
    """Return the size of all layers of the image; it takes as long as reading all folders."""
    found = find_stack(home, image_id).layers
    printed = run_program(
        "du",
        "--summarize",
        "--block-size=1",
        "--total",
        *found,
        timeout_seconds=COPY_TIMEOUT_SECONDS,
    )
    return int(printed.splitlines()[-1].split()[0])


def layers_of(home: Home, machine_id: str) -> list[str]:
    """Return the layers of the machine's root, its own upper directory included."""
    place = home.machines_path / machine_id
    return [*read_stack(place / "stack.json").layers, str(place / "upper")]


def changed_bytes(home: Home, found: Sequence[str], since: str | None) -> int:
    """Return the size of the files in these layers that are newer than a snapshot of a root.

    All files count without a snapshot, or if there is no mark of it.
    """
    mark = root_mark(home, since) if since else None
    newer = ("-newercm", mark) if mark and mark.exists() else ()
    printed = run_program(
        *("find", "-H", *found, "-ignore_readdir_race", *newer, "-printf", "%b\n"),
        timeout_seconds=COPY_TIMEOUT_SECONDS,
    )
    return sum(map(int, printed.split())) * BLOCK_BYTES


def delete_image(home: Home, image_id: str) -> None:
    """Remove the image. A layer stays on disk as long as another image or machine uses it."""
    _remove_stack(home, home.path / "images" / f"{image_id}.json")
    remove_unused_layers(home)


def remove_unused_layers(home: Home) -> None:
    """Remove every layer that neither an image nor a machine uses."""
    unused = []
    with locked(home.path / "layers.lock"):
        stacks = [*(home.path / "images").glob("*.json"), *home.machines_path.glob("*/stack.json")]
        used = {layer for stack in stacks for layer in read_stack(stack).layers}
        for layer in (home.path / "layers").iterdir():
            if not layer.name.startswith(HIDDEN) and str(layer.with_suffix("")) not in used:
                unused.append(layer.rename(layer.with_name(f"{HIDDEN}{layer.name}")))
    for layer in unused:  # slow, and every launch waits for the lock
        _remove(layer)


def _copy_upper(place: Path, copied: Path) -> Path:
    was_mounted = (place / "root").is_mount()
    roots.mount_upper(place)
    _copy_layer(place / "upper", copied)
    if not was_mounted:
        roots.unmount_root(place)
    return copied


def _remove(layer: Path) -> None:
    """Remove a layer, or a layer's disk image."""
    if layer.is_dir():
        shutil.rmtree(layer)
    else:
        layer.unlink()


def _remove_stack(home: Home, stack: Path) -> None:
    """Remove a stack while no other thread reads stacks."""
    with locked(home.path / "layers.lock"):
        stack.unlink(missing_ok=True)
