from pathlib import Path

import pytest
import yaml

from notebake.commands import lease_timer
from notebake.commands import user_data as told
from tests.unit.shell_world import ShellWorld, shell_world

BODY = "b3Bl" * 100
PRIVATE = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{BODY}\n-----END OPENSSH PRIVATE KEY-----"
PUBLIC = "ssh-ed25519 AAAAC3Nza notebake"


@pytest.fixture
def world(tmp_path: Path) -> ShellWorld:
    world = shell_world(tmp_path)
    world.fake("systemctl", "exit ${SYSTEMCTL_EXIT:-0}")
    world.fake("date", "exit 1")
    return world


def run_check(world: ShellWorld, *, now: int, lease: str | None, hours: float = 6) -> list[str]:
    """Return what systemd was asked for by one look at the lease."""
    lease_path, uptime_path = world.directory / "lease-until", world.directory / "uptime"
    uptime_path.write_text(f"{now}.42 99.99\n")
    if lease is not None:
        lease_path.write_text(lease)
    check = world.directory / "check-lease"
    check.write_text(lease_timer.check_lease(hours, str(lease_path), str(uptime_path)))
    assert world.run(f"sh {check}").returncode == 0
    return [call for call in world.calls if call.startswith("systemctl")]


def start_of_first_process() -> int:
    return int(Path("/proc/1/stat").read_text().rsplit(") ", 1)[1].split()[19]) // 100


def test_cloud_config_carries_the_host_key_for_a_builder() -> None:
    text = told.user_data(lease_hours=6, host_key_private=PRIVATE, host_key_public=PUBLIC)
    config = yaml.safe_load(text)
    assert text.startswith("#cloud-config\n")
    assert config["ssh_keys"] == {"ed25519_private": PRIVATE + "\n", "ed25519_public": PUBLIC}
    assert config["ssh_deletekeys"] is True
    assert len(text.encode()) <= 16 * 1024


def test_a_machine_from_an_image_gets_the_lease_timer_but_no_host_key() -> None:
    config = yaml.safe_load(told.user_data(lease_hours=1))
    assert list(config) == ["bootcmd"]
    assert lease_timer.TIMER in config["bootcmd"][0][2]


def test_the_switch_is_armed_without_waiting_and_only_below_run(world: ShellWorld) -> None:
    text = lease_timer.arm_lease(6)
    done = world.run(text.replace("/run/", f"{world.directory}/run/"))
    assert (done.returncode, done.stderr) == (0, "")
    made = {str(path.relative_to(world.directory)) for path in world.directory.rglob("run/**/*")}
    assert {"run/notebake/check-lease", "run/systemd/system/notebake-lease.timer"} <= made
    calls = [call for call in world.calls if call.startswith("systemctl")]
    assert calls == ["systemctl --no-block start notebake-lease.timer"]


def test_units_are_read_again_if_systemd_does_not_find_the_switch(world: ShellWorld) -> None:
    known = world.directory / "known"
    world.fake(
        "systemctl", f"if [ $1 = daemon-reload ]; then touch {known}; else [ -e {known} ]; fi"
    )
    done = world.run(lease_timer.arm_lease(6).replace("/run/", f"{world.directory}/run/"))
    start = "systemctl --no-block start notebake-lease.timer"
    calls = [call for call in world.calls if call.startswith("systemctl")]
    assert (done.returncode, calls) == (0, [start, "systemctl daemon-reload", start])


@pytest.mark.parametrize(("hours", "seconds"), [(6, 60), (1 / 6, 60), (1 / 60, 6), (0.001, 1)])
def test_the_check_interval_depends_on_the_lease_length(hours: float, seconds: int) -> None:
    assert f"\nOnUnitActiveSec={seconds}\n" in lease_timer.timer_unit(hours)


def test_a_boot_goes_on_when_the_switch_cannot_be_armed(world: ShellWorld) -> None:
    world.environment["SYSTEMCTL_EXIT"] = "1"
    for text in (lease_timer.arm_lease(6), told.mask_package_jobs()):
        assert world.run(text.replace("/run/", f"{world.directory}/run/")).returncode == 0
    assert sum(call.startswith("systemctl") for call in world.calls) == 5


def test_the_machine_stays_up_until_its_lease_ends(world: ShellWorld) -> None:
    assert run_check(world, now=999, lease="1000\n") == []
    assert run_check(world, now=1000, lease="1000\n") == ["systemctl poweroff"]


@pytest.mark.parametrize("lease", [None, "", "soon\n", "-5\n", "1e3\n", "9" * 30, "\n1000\n"])
def test_an_unreadable_lease_is_counted_from_the_boot(world: ShellWorld, lease: str | None) -> None:
    began = start_of_first_process()
    assert run_check(world, now=began + 3599, lease=lease, hours=1) == []
    assert run_check(world, now=began + 3600, lease=lease, hours=1) == ["systemctl poweroff"]


def test_the_lease_timer_never_reads_the_wall_clock(world: ShellWorld) -> None:
    run_check(world, now=1000, lease="1000\n")
    renewed = lease_timer.renew_lease(6).replace("/run/", f"{world.directory}/run/")
    assert world.run(renewed).returncode == 0
    assert not [call for call in world.calls if call.startswith("date")]


def test_a_renewed_lease_counts_from_now_on(world: ShellWorld) -> None:
    world.run(lease_timer.renew_lease(0.5).replace("/run/", f"{world.directory}/run/"))
    until = int((world.directory / "run/notebake/lease-until").read_text())
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    assert 1700 < until - uptime <= 1800


def test_an_armed_switch_says_how_long_it_waits(world: ShellWorld) -> None:
    def here(text: str) -> str:
        return text.replace("/run/", f"{world.directory}/run/")

    world.run(here(lease_timer.arm_lease(6)))
    assert world.run(here(lease_timer.lease_is_armed())).returncode == 0
    world.run(here(lease_timer.renew_lease(1.008)))
    assert world.run(here(lease_timer.lease_is_armed())).stdout == "60 minutes left\n"
    world.environment["SYSTEMCTL_EXIT"] = "3"
    assert world.run(here(lease_timer.lease_is_armed())).returncode != 0
