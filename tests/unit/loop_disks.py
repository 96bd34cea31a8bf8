"""Real loop devices under the names that EC2's udev rules would give them."""

import subprocess
from pathlib import Path

from tests.unit.shell_world import ShellWorld


class LoopDisks:
    """Blank disks; whoever adds them removes them all."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.by_id = f"{directory}/by-id"
        self.devices: list[str] = []
        Path(self.by_id).mkdir()

    def add(self, name: str, size_mib: int = 32) -> str:
        """Return the device of a new blank disk with this name below by-id."""
        path = self.directory / f"{name}.disk"
        with path.open("wb") as disk:
            disk.truncate(size_mib << 20)
        device = command("losetup", "--find", "--show", path).strip()
        self.devices.append(device)
        self.link(name, device)
        return device

    def link(self, name: str, device: str) -> None:
        """Give a disk one more name."""
        (Path(self.by_id) / name).symlink_to(device)

    def remove_all(self) -> None:
        """Detach every device."""
        for device in self.devices:
            command("losetup", "--detach", device)


def command(*words: str | Path) -> str:
    """Return what a program printed; CalledProcessError if it failed."""
    return subprocess.run(
        [str(word) for word in words], check=True, capture_output=True, text=True
    ).stdout


def content(device: str) -> bytes:
    """Return what a disk holds, as far as it is not zero."""
    return Path(device).read_bytes().rstrip(b"\0")


def run_alone(world: ShellWorld, *texts: str) -> subprocess.CompletedProcess[str]:
    """Run texts one after another in a mount namespace of their own, which ends with them."""
    names = []
    for number, text in enumerate(texts):
        path = world.directory / f"text-{number}"
        path.write_text(text)
        names.append(f"bash {path}")
    return world.run(f"unshare --mount bash -c '{' && '.join(names)}'")
