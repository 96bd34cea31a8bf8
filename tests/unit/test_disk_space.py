from pathlib import Path

import pytest

from notebake import clock
from notebake.commands.detached import parse_status
from notebake.commands.disk_space import (
    LIST_DISK_SPACE,
    DiskSpace,
    find_full,
    find_least_free,
    parse_disk_space,
    reports_full_disk,
)
from notebake.errors import DiskFullError, HostCommandError
from notebake.ssh.detached import check_result
from notebake.ssh.disk_watch import FULL_SECONDS, DiskWatch
from notebake.ssh.host import Host
from tests.kills.virtual_clock import VirtualClock
from tests.unit.shell_world import shell_world

GIB = 1024**3
HOST = Host(instance_id="i-1", address="10.0.0.1", user="u", private_key_path="k", host_key="h")


@pytest.mark.parametrize(
    ("free", "size", "free_files", "most_files", "is_full"),
    [
        (0, 8 * GIB, 500_000, 524_288, True),
        (15 * 1024**2, 8 * GIB, 500_000, 524_288, True),
        (17 * 1024**2, 8 * GIB, 500_000, 524_288, False),
        # A small one may be nearly full without being so.
        (1024**2, 5 * 1024**2, 1000, 1000, False),
        (4 * GIB, 8 * GIB, 3, 524_288, True),
        # Btrfs and others make room for files as they go.
        (4 * GIB, 8 * GIB, 0, 0, False),
    ],
)
def test_a_disk_is_full_without_free_bytes_or_inodes(
    free: int, size: int, free_files: int, most_files: int, *, is_full: bool
) -> None:
    assert DiskSpace(free, size, free_files, most_files, "/").is_full is is_full


def test_the_hint_names_the_recipe_field_that_gives_more_space() -> None:
    room = DiskSpace(0, 8 * GIB, 9000, 10_000, "/")
    assert room.description == "no space left on /, 0 of 8.0 GiB free"
    assert "root_volume.size_gib" in room.advice
    files = DiskSpace(GIB, 8 * GIB, 3, 10_000, "/data")
    assert files.description == "no inode left on /data, 3 of 10000 are free"
    assert "volume at /data" in files.advice


def test_output_of_a_real_df_is_parsed(tmp_path: Path) -> None:
    printed = shell_world(tmp_path).run(LIST_DISK_SPACE).stdout
    found = parse_disk_space(printed)
    assert "/" in {volume.mount_point for volume in found}
    assert len(found) == len(printed.splitlines())
    assert all(volume.size_bytes >= volume.free_bytes >= 0 for volume in found)


def test_lines_that_are_not_from_df_are_ignored() -> None:
    assert parse_disk_space("Welcome to this host\n\ndf: /x: Permission denied now\n") == ()
    assert find_full(()) is None


def test_a_status_carries_the_exit_the_full_disk_and_the_log() -> None:
    lines = f"{4 * GIB} {8 * GIB} 900 1000 /\n0 {GIB} 900 1000 /data with blanks"
    reading = parse_status(f"exit-code 1\n{lines}\n\nb25lCg==\n")
    assert (reading.result, reading.more) == ("exit-code 1", b"one\n")
    assert find_full(reading.room) == DiskSpace(0, GIB, 900, 1000, "/data with blanks")
    assert parse_status("\n\nb25lCg==\n").room == ()


@pytest.mark.parametrize(
    "words",
    [
        "error: failed to write to file `a`: No space left on device (os error 28)",
        "E: You don't have enough free space in /var/cache/apt/archives/.",
        "OSError: [Errno 28] No space left on device",
    ],
)
def test_work_that_ran_out_of_space_reports_it_even_if_space_is_back(words: str) -> None:
    assert reports_full_disk(f"{words}\nexiting\n")
    with pytest.raises(DiskFullError) as caught:
        check_result(HOST, "install_software-0123", "exit-code 2", f"began\n{words}\n", 60)
    assert "a disk was full" in caught.value.message
    assert words in caught.value.message
    assert "root_volume.size_gib" in caught.value.hint


def test_a_full_disk_is_reported_before_the_program_s_own_error() -> None:
    full = DiskSpace(0, 8 * GIB, 900, 1000, "/")
    with pytest.raises(DiskFullError, match=r"no space left on /, 0 of 8\.0 GiB free"):
        check_result(HOST, "install_software-0123", "exit-code 1", "Segmentation fault\n", 60, full)


def test_other_results_are_not_changed() -> None:
    with pytest.raises(HostCommandError) as caught:
        check_result(HOST, "a", "exit-code 1", "no such package\n", 60)
    assert not isinstance(caught.value, DiskFullError)
    full = DiskSpace(0, GIB, 900, 1000, "/")
    assert check_result(HOST, "a", "success 0", "done", 60, full) == "done"


def test_of_disks_with_space_again_the_fullest_is_blamed() -> None:
    disks = (
        DiskSpace(GIB // 4, GIB // 2, 900, 1000, "/"),
        DiskSpace(GIB, 8 * GIB, 900, 1000, "/data"),
    )
    assert find_least_free((DiskSpace(9, 9, 9, 9, "/run"), *disks)) == disks[0]
    assert disks[0].description == (
        "no space was left on /, which has 0.5 GiB; 0.25 GiB are free again"
    )
    assert find_least_free(()) is None


def test_a_disk_that_stays_full_ends_the_work() -> None:
    full, free = DiskSpace(0, GIB, 900, 1000, "/"), DiskSpace(GIB // 2, GIB, 900, 1000, "/")
    with clock.replaced(VirtualClock()):
        disks = DiskWatch()
        disks.update((free,))
        assert disks.find_cause("No space left on device") == free
        disks.update((full,))
        assert disks.full_for_long is None
        assert disks.find_cause("Segmentation fault") == full
        clock.pause(FULL_SECONDS + 1)
        assert disks.full_for_long == full
        disks.update((free,))
        assert disks.full_for_long is None
        assert disks.find_cause("Segmentation fault") is None
        assert disks.find_cause("No space left on device") == full
