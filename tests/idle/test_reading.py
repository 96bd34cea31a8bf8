"""What is read from a machine: from trees of files as both kinds of control groups have them."""

import os
import pty
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from notebake.machines.idle import collect, processors, traffic
from notebake.machines.idle.kernels import parse_kernels
from notebake.machines.idle.processors import difference, is_work, read_processor_time, unit_of
from notebake.machines.idle.signals import Kernel
from notebake.machines.idle.terminals import read_terminals, write_to_terminals
from notebake.machines.idle.traffic import (
    has_command,
    parse_connections,
    read_interface_bytes,
    tunnel_difference,
)

GROUPS = {
    "user.slice": 50, "machine.slice": 1, "docker": 2, "init.scope": 900,
    "system.slice/notebake-jupyter.service": 7, "system.slice/ssh.service": 3,
    "system.slice/docker-0123.scope": 4, "system.slice/own-job.service": 5,
    "system.slice/apt-daily.service": 800, "system.slice/notebake-idle.service": 700,
}  # fmt: skip
WORK = {"user.slice": 50.0, "machine.slice": 1.0, "docker": 2.0, "notebake-jupyter.service": 7.0,
        "ssh.service": 3.0, "docker-0123.scope": 4.0, "own-job.service": 5.0}  # fmt: skip


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The units of a distribution."""
    folder = tmp_path / "units"
    folder.mkdir()
    for unit in ("apt-daily.service", "ssh.service", "getty@.service", "user@.service"):
        (folder / unit).touch()
    monkeypatch.setattr(is_work, "__defaults__", ((str(folder),),))
    return folder


def plant(root: Path) -> None:
    """Make a hierarchy of cgroup2."""
    root.mkdir(parents=True)
    (root / "cgroup.controllers").touch()
    for name, seconds in {**GROUPS, "system.slice": 0}.items():
        group = root / name
        group.mkdir(parents=True, exist_ok=True)
        (group / "cgroup.procs").touch()
        (group / "cpu.stat").write_text(f"usage_usec {seconds}000000\nuser_usec 1\nsystem_usec 2\n")


@pytest.mark.parametrize("place", ["cgroup", "cgroup/unified"], ids=["version 2", "hybrid"])
def test_processor_time_is_read_by_group(tmp_path: Path, shipped: Path, place: str) -> None:
    assert shipped.is_dir()
    plant(tmp_path / place)

    assert read_processor_time(str(tmp_path / "cgroup"), str(tmp_path / "none")) == WORK


def test_with_version_1_alone_the_processes_are_added_up(tmp_path: Path, shipped: Path) -> None:
    assert shipped.is_dir()
    ticks = os.sysconf("SC_CLK_TCK")
    (tmp_path / "cgroup/systemd/system.slice").mkdir(parents=True)
    for number, (group, seconds) in enumerate(GROUPS.items(), start=1):
        process = tmp_path / "proc" / str(number)
        process.mkdir(parents=True)
        (process / "cgroup").write_text(f"9:name=systemd:/{group}/more\n8:cpu:/\n")
        (process / "stat").write_text(
            f"{number} (a) b) S 1 1 1 0 -1 0 0 0 0 0 {seconds * ticks - 3} 1 1 1 20 0 1 0 5\n"
        )

    assert read_processor_time(str(tmp_path / "cgroup"), str(tmp_path / "proc")) == WORK


@pytest.mark.parametrize(
    ("unit", "counts"),
    [
        ("getty@tty1.service", False), ("own@1.service", True), ("sshd@3-1.service", True),
        ("notebake-lease.service", False), ("run-u12.service", True), ("cron.service", True),
    ],
)  # fmt: skip
def test_units_of_the_distribution_do_no_work(shipped: Path, unit: str, counts: bool) -> None:
    assert shipped.is_dir()
    assert is_work(unit) is counts


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("0::/user.slice/user-1000.slice/session-3.scope\n", "user.slice"),
        ("0::/system.slice/cron.service\n", "cron.service"),
        ("9:name=systemd:/system.slice/ssh.service\n1:cpu:/\n0::/other\n", "ssh.service"),
        ("0::/\n", ""),
        ("0::/init.scope\n", ""),
        ("1:cpu:/\n", ""),
    ],
)
def test_the_unit_of_a_process(text: str, unit: str) -> None:
    assert unit_of(text) == unit


def test_processor_time_is_counted_since_the_check_before() -> None:
    assert difference({"a": 5.0, "gone": 3.0, "b": 1.0}, {"a": 7.5, "b": 1.0, "new": 2.0}) == {
        **{"a": 2.5, "new": 2.0}
    }


def test_this_machine_s_own_processor_time_can_be_read() -> None:
    assert all(seconds >= 0 for seconds in read_processor_time().values())
    assert processors._by_process(Path("/proc")).keys() >= set()


SS = """\
0      0      10.0.0.4:22   198.51.100.7:50000 users:(("sshd",pid=126,fd=4),("sshd",pid=120,fd=4))
     cubic bytes_sent:900 bytes_retrans:9 bytes_acked:891 bytes_received:109 segs_out:1
0      0      [::ffff:10.0.0.4]:2222 [::ffff:198.51.100.8]:4 users:(("sshd-session",pid=7,fd=4))
     cubic bytes_received:50
0      0      127.0.0.1:40000 127.0.0.1:8887 users:(("sshd",pid=126,fd=9))
     cubic bytes_acked:5000 bytes_received:5000
0      0      10.0.0.4:40002 198.51.100.9:443 users:(("curl",pid=9,fd=5))
     cubic bytes_acked:10 bytes_received:7000
"""


def test_the_connections_of_sshd_from_outside_are_found() -> None:
    first, second = parse_connections(SS)

    assert (first.addresses, first.total_bytes) == ("10.0.0.4:22 198.51.100.7:50000", 1000)
    assert first.process_ids == (126, 120)
    assert (second.total_bytes, second.process_ids) == (50, (7,))
    assert parse_connections("") == []


@pytest.mark.parametrize(
    ("processes", "works"),
    [
        ([], False),
        ([("bash", 126, 34816)], False),
        ([("sshd", 120, 0)], False),
        ([("sftp-server", 126, 0)], True),
        ([("internal-sftp", 126, 0)], True),
        ([("rsync", 1, 0)], False),
    ],
    ids=["a tunnel", "a login", "sshd's own", "sftp", "sftp within sshd", "another's"],
)
def test_a_connection_with_a_command_is_no_tunnel(processes: list[Any], works: bool) -> None:
    assert has_command((126, 120), processes) is works


def test_only_what_tunnels_carried_since_the_check_before_is_left_out() -> None:
    before = {"a": [1000, 1], "b": [500, 0], "turned": [9000, 0]}
    after = {"a": (3000, True), "b": (9999, False), "new": (10, True), "turned": (9100, True)}

    assert tunnel_difference(before, after) == pytest.approx(1.1 * (2000 + 10 + 100))


def test_the_bytes_of_the_interface_that_leads_outside(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net/dev").write_text(
        "a\nb\n  lo: 5 0 0 0 0 0 0 0 5 0\n ens5: 100 0 0 0 0 0 0 0 20 0\n"
        " docker0:7 0 0 0 0 0 0 0 7 0\n"
    )
    (tmp_path / "net/route").write_text("Iface Destination\nens5 00000000 1\ndocker0 000011AC 0\n")
    assert read_interface_bytes(str(tmp_path)) == 120
    (tmp_path / "net/route").write_text("Iface Destination\n")
    assert read_interface_bytes(str(tmp_path)) == 134, "without a route all but the loopback"


def test_connections_are_read_from_this_machine() -> None:
    connections, wrong = traffic.read_connections()

    assert wrong == [] or "ss" in wrong[0]
    assert all(total >= 0 for total, _ in connections.values())


def test_a_machine_without_ss_counts_its_tunnels_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(traffic, "LIST_CONNECTIONS", ("no-such-program",))
    connections, (wrong,) = traffic.read_connections()

    assert connections == {}
    assert "no-such-program" in wrong


def test_kernels_are_named_by_their_notebooks(tmp_path: Path) -> None:
    (tmp_path / "sea.ipynb").touch()
    os.utime(tmp_path / "sea.ipynb", (5, 1000))
    model = {"name": "python3", "last_activity": "2026-11-30T12:00:00.5Z", "connections": 1}
    kernels: list[dict[str, Any]] = [
        {**model, "id": "1", "execution_state": "busy"},
        {**model, "id": "2", "execution_state": "idle"},
        {**model, "id": "3", "execution_state": "idle"},
    ]
    sessions: list[dict[str, Any]] = [
        {"path": "sea.ipynb", "kernel": {"id": "1"}},
        {"path": "gone.ipynb", "kernel": {"id": "2"}},
        {"path": "none.ipynb", "kernel": None},
    ]

    assert parse_kernels(kernels, sessions, tmp_path) == [
        Kernel("sea.ipynb", "busy", 1796040000.5, 1000.0),
        Kernel("gone.ipynb", "idle", 1796040000.5, None),
        Kernel("a kernel python3 without a notebook", "idle", 1796040000.5, None),
    ]


def test_a_warning_reaches_terminals_and_is_no_input(tmp_path: Path) -> None:
    inside, terminal = pty.openpty()
    try:
        number = os.ttyname(terminal).rpartition("/")[2]
        (tmp_path / number).symlink_to(os.ttyname(terminal))
        (tmp_path / "ptmx").touch()
        os.utime(terminal, (1000, 1000))

        assert write_to_terminals("stops soon", str(tmp_path)) == 1
        assert b"stops soon" in os.read(inside, 100)
        (seen,) = read_terminals(str(tmp_path))
        assert (seen.name, seen.last_input) == (f"pts/{number}", 1000)
        os.write(inside, b"x\n")
        assert os.read(terminal, 10)
        (typed,) = read_terminals(str(tmp_path))
        assert typed.last_input > 1000
    finally:
        os.close(inside)
        os.close(terminal)


def test_a_terminal_that_takes_nothing_is_passed_over(tmp_path: Path) -> None:
    inside, terminal = pty.openpty()
    try:
        os.set_blocking(terminal, False)
        # The kernel moves what was written on to the other side a little later, which makes room.
        for _ in range(20):
            with suppress(BlockingIOError):
                while os.write(terminal, bytes(1000)):
                    pass
            time.sleep(0.02)
        number = os.ttyname(terminal).rpartition("/")[2]
        (tmp_path / number).symlink_to(os.ttyname(terminal))

        assert write_to_terminals("stops soon", str(tmp_path)) == 0
    finally:
        os.close(inside)
        os.close(terminal)


@pytest.mark.parametrize("place", ["", "unified", "systemd"])
def test_a_job_that_loads_packages_is_found(tmp_path: Path, place: str) -> None:
    assert collect.find_package_job(str(tmp_path)) == ""
    (tmp_path / place / "system.slice/apt-daily.service").mkdir(parents=True)

    assert collect.find_package_job(str(tmp_path)) == "apt-daily.service"
