"""Uploads of a folder: reproducible archives, and a list of checksums."""

import os
import subprocess
from pathlib import Path

import pytest

from notebake.machines import dataset_batches
from notebake.machines.dataset_batches import (
    digest_file,
    format_checksums,
    list_files,
    make_batches,
    pack,
)

ODD = ("a b", 'say "so"', "back\\slash", "two\nlines", " first", "-n", os.fsdecode(b"caf\xe9"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    (folder / "em pty").mkdir(parents=True)
    for name in ODD:
        (folder / name).write_text(f"content of {name}", errors="surrogateescape")
    return folder


def digests_of(folder: Path) -> dict[Path, str]:
    return {path: digest_file(path) for path in list_files(folder)}


def test_files_with_unusual_names_are_transferred_and_verified(
    folder: Path, tmp_path: Path
) -> None:
    arrived, listed = tmp_path / "arrived", tmp_path / "listed"
    arrived.mkdir()
    digests = digests_of(folder)

    for batch in make_batches(folder, digests):
        pack(tmp_path / "archive", folder, batch.files)
        subprocess.run(["tar", "-xf", tmp_path / "archive", "-C", arrived], check=True)
    listed.write_bytes(format_checksums(folder, "folder", digests))

    check: list[str | Path] = ["sha256sum", "--check", "--strict", "--quiet", listed]
    subprocess.run(check, cwd=arrived, check=True)
    assert sorted(path.name for path in arrived.iterdir()) == sorted([*ODD, "em pty"])
    assert listed.read_bytes().count(b"\n") == len(ODD)
    (arrived / ODD[3]).write_text("another")
    assert subprocess.run(check, cwd=arrived, check=False, capture_output=True).returncode == 1


def test_a_batch_is_named_by_its_content_and_not_its_times(folder: Path, tmp_path: Path) -> None:
    (first,) = make_batches(folder, digests_of(folder))
    pack(tmp_path / "one", folder, first.files)
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))
    (again,) = make_batches(folder, digests_of(folder))
    pack(tmp_path / "two", folder, again.files)
    (folder / ODD[0]).write_text("changed")
    (changed,) = make_batches(folder, digests_of(folder))

    assert first.name == again.name != changed.name
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_large_files_are_sent_alone_and_small_ones_in_batches(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset_batches, "LARGE_BYTES", 1000)
    monkeypatch.setattr(dataset_batches, "BATCH_BYTES", 1500)
    (folder / "large").write_bytes(bytes(2000))
    (folder / os.fsdecode(b"large-\xe9")).write_bytes(bytes(2000))
    for number in range(4):
        (folder / f"small-{number}").write_bytes(bytes(600))

    found = list(make_batches(folder, digests_of(folder)))

    assert [[file.name for file in batch.files] for batch in found if batch.is_large] == [["large"]]
    everything = [path for batch in found for path in batch.files]
    assert sorted(everything) == sorted(folder.rglob("*"))
    together = [batch for batch in found if len(batch.files) > 1]
    assert all(
        sum(file.stat().st_size for file in batch.files if file.is_file()) <= 1500
        for batch in together
    )
    assert len({batch.name for batch in found}) == len(found) >= 4


def test_the_checksum_list_of_one_file_uses_its_remote_name(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    path.write_bytes(b"")

    assert format_checksums(path, "content", digests_of(path)).endswith(b"b855  content\n")
