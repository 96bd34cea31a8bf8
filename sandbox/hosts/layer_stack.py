"""The layers of an image or a root, the lowest first, and the twist that they have."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.files import write_json
from sandbox.home import Home
from sandbox.hosts.twist_layer import layer_of
from sandbox.twists.table import BY_NAME, Conditions, conditions_of

BASE_IMAGE = "base"


@dataclass(frozen=True)
class LayerStack:
    """The layers of an image, or of a root without the machine's own upper directory."""

    layers: list[str]
    twist: str | None = None
    """The twist of the image, or of the base image from which it was made."""

    @property
    def conditions(self) -> Conditions:
        return conditions_of(self.twist)


def stack_of_machine(home: Home, machine_id: str) -> LayerStack:
    """Return the layers of the machine's root."""
    return read_stack(home.machines_path / machine_id / "stack.json")


def find_stack(home: Home, image_id: str) -> LayerStack:
    """Return the stack of a baked image, of the base system, or of a twist by its name."""
    recorded = home.path / "images" / f"{image_id}.json"
    if recorded.exists():
        return read_stack(recorded)
    if image_id not in BY_NAME:
        raise SandboxError(f"There is no image {image_id}")
    base = Path(read_stack(recorded.with_name(f"{BASE_IMAGE}.json")).layers[0])
    twist_layers = [layer_of(BY_NAME[image_id], base)] if BY_NAME[image_id].script else []
    return LayerStack([str(layer) for layer in (base, *twist_layers)], image_id)


def read_stack(path: Path) -> LayerStack:
    """Return the stack in this file."""
    return LayerStack(**json.loads(path.read_text()))


def write_stack(path: Path, stack: LayerStack) -> None:
    """Write the stack to this file, by rename."""
    write_json(path, asdict(stack))
