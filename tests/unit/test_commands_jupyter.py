import getpass
import json
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from notebake.commands import jupyter, jupyter_units
from tests.unit.shell_world import ShellWorld, shell_world


@pytest.fixture
def world(tmp_path: Path) -> ShellWorld:
    world = shell_world(tmp_path)
    world.fake("systemctl", "exit ${SYSTEMCTL_EXIT:-0}")
    world.fake("journalctl", "echo the journal")
    world.fake("curl", '[ -z "$SILENT" ] || exit 7; echo \'{"version": "2.0"}\'')
    world.fake("sleep", "")
    return world


@pytest.fixture
def port() -> Iterator[int]:
    """Listen at a port of this machine, as a server does before it answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def here(world: ShellWorld, text: str) -> str:
    return text.replace("/etc/", f"{world.directory}/etc/")


def install(
    world: ShellWorld,
    port: int,
    working_directory: str = "/data/work",
    timeout_seconds: int = 600,
) -> str:
    text = jupyter.install_jupyter_service(
        user=getpass.getuser(),
        port=port,
        working_directory=working_directory,
        timeout_seconds=timeout_seconds,
    )
    return here(world, text)


def test_the_service_is_enabled_started_and_waited_for(world: ShellWorld, port: int) -> None:
    done = world.run(install(world, port))
    assert (done.returncode, done.stdout) == (0, f"JupyterLab answers on 127.0.0.1:{port}\n")
    units = world.directory / "etc" / "systemd" / "system"
    unit = (units / "notebake-jupyter.service").read_text().splitlines()
    assert f"User={getpass.getuser()}" in unit
    assert "WorkingDirectory=/data/work" in unit
    assert "OOMPolicy=continue" in unit
    assert "LimitNOFILE=8192:524288" in unit, "whatever a hardened base allows"
    calls = [call for call in world.calls if call.startswith("systemctl")]
    both = "notebake-jupyter-token.service notebake-jupyter.service"
    assert calls[:3] == [
        "systemctl daemon-reload",
        f"systemctl --quiet enable {both}",
        f"systemctl restart {both}",
    ]


def test_other_work_is_done_while_the_service_starts(world: ShellWorld) -> None:
    text = jupyter.install_jupyter_service(
        user=getpass.getuser(),
        port=8887,
        working_directory="/data/work",
        meanwhile="systemctl list-units\nfalse # fails\n",
    )
    assert world.run(here(world, text)).returncode == 1
    calls = [call.split()[:2] for call in world.calls if "curl" in call or "systemctl" in call]
    assert calls[-2:] == [["systemctl", "restart"], ["systemctl", "list-units"]]


def test_sshd_gives_up_clients_that_do_not_answer(world: ShellWorld, port: int) -> None:
    folder = world.directory / "etc" / "ssh" / "sshd_config.d"
    world.run(install(world, port))
    assert not folder.exists(), "an sshd that reads no such files gets none"
    folder.mkdir(parents=True)
    world.run(install(world, port))
    lines = (folder / "60-notebake.conf").read_text().splitlines()
    assert {"ClientAliveInterval 15", "ClientAliveCountMax 3"} <= set(lines)


def test_a_service_that_does_not_answer_is_an_error_with_its_journal(
    world: ShellWorld, port: int
) -> None:
    world.environment["SILENT"] = "1"
    done = world.run(install(world, port, timeout_seconds=1))
    assert (done.returncode, done.stderr) == (1, "the journal\n")
    assert sum(call.startswith("curl") for call in world.calls) > 1


def test_an_answer_of_another_program_on_the_port_does_not_count(world: ShellWorld) -> None:
    assert world.run(jupyter.jupyter_is_running(8887)).returncode == 0
    world.environment["SYSTEMCTL_EXIT"] = "3"
    assert world.run(jupyter.jupyter_is_running(8887)).returncode != 0


def test_the_service_probe_waits_for_an_answer(world: ShellWorld, port: int) -> None:
    world.fake("sleep", "rm --force silent")
    (world.directory / "silent").touch()
    world.fake("curl", '[ ! -e silent ] && echo \'{"version": "2"}\'')
    done = world.run(jupyter.wait_for_jupyter(port, "echo token"))
    assert (done.returncode, done.stdout) == (0, "token\n")
    asked = [call.split()[0] for call in world.calls if "systemctl" not in call]
    assert asked == ["curl", "sleep", "curl"]
    world.environment["SYSTEMCTL_EXIT"] = "3"
    assert world.run(jupyter.wait_for_jupyter(port)).returncode == jupyter.STILL_STARTING


def test_the_service_probe_gives_the_exit_code_of_what_follows(
    world: ShellWorld, port: int
) -> None:
    assert world.run(jupyter.wait_for_jupyter(port, "(exit 3)")).returncode == 3


def test_no_program_asks_as_long_as_nothing_listens(world: ShellWorld, port: int) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = free.getsockname()[1]
        done = world.run(jupyter.wait_for_jupyter(nobody))
    assert (done.returncode, done.stderr) == (jupyter.STILL_STARTING, "")
    assert {call.split()[0] for call in world.calls} == {"sleep"}
    assert world.run(jupyter.wait_for_jupyter(port)).returncode == 0


def test_the_configuration_binds_to_loopback_and_holds_no_token(
    world: ShellWorld, port: int
) -> None:
    world.run(install(world, port))
    config = (world.directory / "etc/notebake/jupyter_server_config.py").read_text()
    compile(config, "config", "exec")
    assert 'c.ServerApp.ip = "127.0.0.1"' in config
    assert "c.ServerApp.port_retries = 0" in config
    assert not (world.directory / "etc/notebake/jupyter-token").exists()
    page = json.loads((world.directory / "etc/jupyter/labconfig/page_config.json").read_text())
    assert page["disabledExtensions"] == {"@jupyterlab/apputils-extension:announcements": True}


def test_each_machine_generates_its_own_token_and_keeps_it(world: ShellWorld, port: int) -> None:
    world.run(install(world, port))
    program = world.directory / "etc" / "notebake" / "make-jupyter-token"
    token = world.directory / "etc" / "notebake" / "jupyter-token"
    made = []
    for _machine in range(2):
        assert world.run(str(program)).returncode == 0
        made.append(token.read_text())
        assert token.stat().st_mode & 0o777 == 0o400
        assert world.run(str(program)).returncode == 0
        assert token.read_text() == made[-1]
        assert world.run(here(world, jupyter.read_token())).stdout == made[-1]
        token.unlink()
    assert made[0] != made[1]
    assert [len(token.strip()) for token in made] == [48, 48]


def test_a_truncated_token_is_not_used(world: ShellWorld, port: int) -> None:
    world.run(install(world, port))
    world.fake("od", "echo 12 34")
    directory = world.directory / "etc" / "notebake"
    assert world.run(str(directory / "make-jupyter-token")).returncode != 0
    assert any(call.startswith("od ") for call in world.calls), "the fault did not fire"
    assert not (directory / "jupyter-token").exists()


SLOW = """
print("loaded")
def is_valid_syntax(term, value): return value == "right"
def other(): return "other"
"""
LAB = """
import sys
from rfc3987_syntax import is_valid_syntax
import rfc3987_syntax.part
print(sys.argv, __name__)
print(is_valid_syntax("iri", "right"), is_valid_syntax("iri", "wrong"))
from rfc3987_syntax import other
print(other())
"""


def start_lab(tmp_path: Path, program: str) -> list[str]:
    """Run a program as the service runs JupyterLab; return what it printed."""
    (tmp_path / "start").write_text(jupyter_units.START_JUPYTER)
    (tmp_path / "lab").write_text(program)
    command = [sys.executable, "-S", str(tmp_path / "start"), str(tmp_path / "lab"), "--config=x"]
    environment = {"PYTHONPATH": str(tmp_path / "packages")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_jupyterlab_starts_without_a_parser_until_it_uses_it(tmp_path: Path) -> None:
    package = tmp_path / "packages" / "rfc3987_syntax"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(SLOW)
    (package / "part.py").touch()
    assert start_lab(tmp_path, LAB) == [
        f"['{tmp_path / 'lab'}', '--config=x'] __main__",
        "loaded",
        "True False",
        "other",
    ]


def test_jupyterlab_starts_where_there_is_no_such_parser(tmp_path: Path) -> None:
    program = "try:\n    import rfc3987_syntax\nexcept ImportError:\n    print('none')"
    assert start_lab(tmp_path, program) == ["none"]


UBUNTU = 'PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin"'
"""The whole of Ubuntu's /etc/environment."""


def start_as_systemd_does(world: ShellWorld, unit: str, environment_file: str) -> str:
    """Run the unit's ExecStart: a variable of EnvironmentFile= replaces one of Environment=.

    systemd.exec(5), "EnvironmentFile=".
    """
    settings = [line.partition("=")[::2] for line in unit.splitlines() if "=" in line]
    variables = dict(
        word.split("=", 1)
        for setting in ("Environment", "EnvironmentFile")
        for name, value in settings
        if name == setting
        for word in shlex.split(environment_file if setting == "EnvironmentFile" else value)
    )
    (command,) = (value for name, value in settings if name == "ExecStart")
    done = subprocess.run(
        shlex.split(here(world, command)), env=variables, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("environment_file", ["", UBUNTU])
def test_jupyterlab_finds_the_programs_of_the_image_whatever_the_base_sets(
    world: ShellWorld, monkeypatch: pytest.MonkeyPatch, environment_file: str
) -> None:
    monkeypatch.setattr(jupyter_units, "PYTHON", str(world.directory))
    world.fake("python", 'echo "$PATH"')
    unit = jupyter_units.jupyter_unit(user="ubuntu", working_directory="/data")
    first, *others = start_as_systemd_does(world, unit, environment_file).strip().split(":")
    assert first == f"{world.directory}/bin"
    assert {"/usr/local/bin", "/usr/bin", "/bin"} <= set(others)


def test_ours_are_the_only_programs_in_the_unit() -> None:
    unit = jupyter_units.jupyter_unit(user="ubuntu", working_directory="/data/100%")
    assert "WorkingDirectory=/data/100%%" in unit
    assert "token" not in unit.split("ExecStart=")[1].splitlines()[0]


@pytest.mark.sandbox
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_understands_the_units(world: ShellWorld, tmp_path: Path) -> None:
    unit = jupyter_units.jupyter_unit(user="root", working_directory="/")
    (tmp_path / jupyter.UNIT).write_text(
        unit.replace(f" {jupyter_units.PYTHON}/bin/python ", " /bin/true ")
    )
    (tmp_path / jupyter_units.TOKEN_SERVICE).write_text(
        jupyter_units.TOKEN_UNIT.replace(jupyter_units.TOKEN_SCRIPT, "/bin/true")
    )
    done = world.run(f"systemd-analyze verify {tmp_path / jupyter.UNIT}")
    assert str(tmp_path) not in done.stderr
