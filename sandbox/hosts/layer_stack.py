"""What a root stands on: a list of layers, lowest first, and the twist that they have."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.files import write_json
from sandbox.home import Home
from sandbox.hosts.twist_layer import layer_of
from sandbox.twists.table import BY_NAME, Nature, nature_of

BASE_IMAGE = "base"


@dataclass(frozen=True)
class Stack:
    """An image, or the root of a machine without what it has written itself."""

    layers: list[str]
    twist: str | None = None
    """The twist of the image, or of the base image from which it descends."""

    @property
    def nature(self) -> Nature:
        return nature_of(self.twist)


def stack_of(home: Home, machine_id: str) -> Stack:
    """Return what the machine's root stands on."""
    return read_stack(home.machines_path / machine_id / "stack.json")


def find_stack(home: Home, image_id: str) -> Stack:
    """Return the stack of an image: one that was baked, the base system, or a twist by its name."""
    recorded = home.path / "images" / f"{image_id}.json"
    if recorded.exists():
        return read_stack(recorded)
    if image_id not in BY_NAME:
        raise SandboxError(f"There is no image {image_id}")
    base = Path(read_stack(recorded.with_name(f"{BASE_IMAGE}.json")).layers[0])
    files = [layer_of(BY_NAME[image_id], base)] if BY_NAME[image_id].script else []
    return Stack([str(layer) for layer in (base, *files)], image_id)


def read_stack(path: Path) -> Stack:
    """Return the stack that is kept in this file."""
    return Stack(**json.loads(path.read_text()))


def write_stack(path: Path, stack: Stack) -> None:
    """Keep the stack, by rename."""
    write_json(path, asdict(stack))
