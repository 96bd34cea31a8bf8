"""The image as it lies on disk, searched without starting anything: no secret, nobody's traces."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from notebake.commands import lease_timer
from notebake.commands import user_data as told
from tests.sandbox.bakery import Bakery
from tests.sandbox.conftest import Baked

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def secrets(baked: Baked) -> dict[str, bytes]:
    """Return what was secret in the build, by name; of a key the part that only it has."""
    found = {f"token {number}": token for number, token in enumerate(sorted(baked.tokens))}
    for path in (baked.run.path / "keys").glob("*.pub"):
        found[f"{path.stem} public"] = path.read_text().split()[1][30:]
        found[f"{path.stem} private"] = path.with_suffix("").read_text().splitlines()[3]
    assert len(found) >= 3 + 2 * 3, found.keys()
    return {name: value.encode() for name, value in found.items()}


@pytest.fixture(scope="module")
def root(bakery: Bakery, image: dict[str, Any], tmp_path_factory: Any) -> Iterator[Path]:
    """Mount the image's root file system, read-only."""
    stack = bakery.cloud.home.path / "images" / f"{image['ImageId']}.json"
    layers = json.loads(stack.read_text())["layers"]
    place = tmp_path_factory.mktemp("root")
    lower = ":".join(reversed(layers))
    subprocess.run(["mount", "-t", "overlay", "x", "-o", f"ro,lowerdir={lower}", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


def test_no_file_of_the_image_holds_a_secret_of_the_build(
    bakery: Bakery, root: Path, secrets: dict[str, bytes], image: dict[str, Any]
) -> None:
    stack = bakery.cloud.home.path / "images" / f"{image['ImageId']}.json"
    _, *own = json.loads(stack.read_text())["layers"]
    assert own, "what the build wrote lies above the base"
    patterns = root.parent / "patterns"
    patterns.write_bytes(b"\n".join(secrets.values()))
    command = ["grep", "-rlaF", "-f", patterns, *own]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")


def test_no_log_of_the_image_holds_a_byte_of_the_build(
    bakery: Bakery, image: dict[str, Any]
) -> None:
    stack = bakery.cloud.home.path / "images" / f"{image['ImageId']}.json"
    _, *own = json.loads(stack.read_text())["layers"]
    logs = [path for layer in own for path in Path(layer).glob("var/log/**/*") if path.is_file()]
    assert {"wtmp", "dpkg.log"} & {path.name for path in logs}, "there were logs"
    assert {str(path): path.stat().st_size for path in logs if path.stat().st_size} == {}


def test_no_trace_of_the_dead_man_switch_is_in_the_image(
    bakery: Bakery, root: Path, image: dict[str, Any]
) -> None:
    names = (
        Path(lease_timer.CHECK_SCRIPT).name,
        Path(lease_timer.LEASE_FILE).name,
        lease_timer.TIMER,
    )
    assert all(name in told.user_data(lease_hours=1) for name in names), "the builder had them"
    stack = bakery.cloud.home.path / "images" / f"{image['ImageId']}.json"
    _, *own = json.loads(stack.read_text())["layers"]
    patterns = [f"--regexp={name}" for name in names]
    done = subprocess.run(
        ["grep", "-rlaF", *patterns, *own], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert [path for name in names for path in root.rglob(name)] == []


def test_no_block_of_its_snapshots_holds_one(
    bakery: Bakery, secrets: dict[str, bytes], image: dict[str, Any]
) -> None:
    ids = [
        device["Ebs"]["SnapshotId"] for device in image["BlockDeviceMappings"] if "Ebs" in device
    ]
    files = [bakery.cloud.home.path / "snapshots" / f"{snapshot_id}.img" for snapshot_id in ids]
    files = [file for file in files if file.exists()]
    assert len(files) == 2, "of both volumes"
    for file in files:
        content = filled_part(file)
        assert content.find(b"depth temperature") >= 0 or content.find(b"# Field") >= 0
        assert [name for name, value in secrets.items() if content.find(value) >= 0] == []


def filled_part(file: Path) -> bytes:
    """Return a sparse file without its holes, free blocks of its file system included."""
    parts: list[bytes] = []
    descriptor, end = os.open(file, os.O_RDONLY), 0
    try:
        while True:
            try:
                start = os.lseek(descriptor, end, os.SEEK_DATA)
            except OSError:
                return b"".join(parts)
            end = os.lseek(descriptor, start, os.SEEK_HOLE)
            parts.append(os.pread(descriptor, end - start, start))
    finally:
        os.close(descriptor)


def test_nobodys_traces_are_in_the_image(root: Path) -> None:
    assert (root / "var/lib/notebake/steps/install_software").is_file(), "it is our image"
    patterns = (
        "etc/notebake/jupyter-token*",
        "etc/ssh/ssh_host_*",
        "home/*/.*_history",
        "home/*/.cache/*",
        "home/*/.local/share/jupyter/runtime/*",
        "home/*/.ssh/authorized_keys*",
        "root/.*_history",
        "root/.ssh/authorized_keys*",
        "tmp/*",
        "var/lib/cloud/data/*",
        "var/lib/cloud/instance",
        "var/lib/cloud/instances/*",
        "var/log/journal/*",
    )
    assert [str(path) for pattern in patterns for path in root.glob(pattern)] == []
    assert (root / "etc/machine-id").read_text() == ""
    logs = [path for path in (root / "var/log").rglob("*") if path.is_file()]
    # The shutdown itself is noted there: one record, of no person.
    assert {path.name for path in logs if path.stat().st_size > 0} <= {"wtmp"}
    assert not logs or (root / "var/log/wtmp").stat().st_size <= 384
