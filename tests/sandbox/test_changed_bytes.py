"""What a snapshot copies, by the files of a home: no host is needed for that."""

import os
import time
from pathlib import Path

import pytest

from sandbox.home import Home
from sandbox.hosts import disks, layers
from sandbox.hosts.disks import EBS_BLOCK_BYTES, GIB, differing_bytes

TICK_SECONDS = 0.05
"""Longer than the kernel's tick, within which files that change have the same time."""


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    file = tmp_path / "volume.img"
    disks.make_file(file, 1)
    return file


def write(file: Path, at: int, content: bytes) -> None:
    with file.open("r+b") as stream:
        os.pwrite(stream.fileno(), content, at)


def test_every_ebs_block_that_differs_counts_as_a_whole(volume: Path, tmp_path: Path) -> None:
    write(volume, 7 * EBS_BLOCK_BYTES, b"same")
    before = tmp_path / "before.img"
    disks.copy_file(volume, before)
    assert differing_bytes(volume, before) == 0
    write(volume, GIB // 2, b"a")
    write(volume, GIB - 1, b"z")
    write(volume, 7 * EBS_BLOCK_BYTES, b"SAME")
    assert differing_bytes(volume, before) == 3 * EBS_BLOCK_BYTES
    assert differing_bytes(before, volume) == 3 * EBS_BLOCK_BYTES


def test_a_larger_disk_of_the_same_content_differs_in_nothing(volume: Path, tmp_path: Path) -> None:
    write(volume, GIB - 5, b"tail")
    larger = tmp_path / "larger.img"
    disks.make_file(larger, 2, volume)
    assert differing_bytes(larger, volume) == 0


def test_files_count_that_are_newer_than_the_snapshot_of_a_root(tmp_path: Path) -> None:
    home, upper = Home(tmp_path, 250), tmp_path / "upper"
    for folder in (upper, tmp_path / "snapshots"):
        folder.mkdir()
    (upper / "old").write_bytes(b"o" * 2**20)
    (upper / "touched").write_bytes(b"t" * 2**20)
    everything = layers.changed_bytes(home, [str(upper)], None)
    assert everything >= 2 * 2**20
    disks.root_mark(home, "snap-1").touch()
    assert layers.changed_bytes(home, [str(upper)], "snap-1") == 0
    time.sleep(TICK_SECONDS)
    (upper / "touched").chmod(0o600)
    changed = layers.changed_bytes(home, [str(upper)], "snap-1")
    assert 2**20 <= changed < everything
    assert layers.changed_bytes(home, [str(upper)], "snap-gone") == everything
