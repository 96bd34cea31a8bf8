"""The base's /etc/environment, which is like Ubuntu's: its first line is a quoted PATH."""

import shlex
import subprocess
from pathlib import Path

import pytest

from sandbox.hosts import base_system, twist_layer
from sandbox.twists import table

FIRST_LINE = (base_system.FILES / "files/etc/environment").read_text()


def test_services_get_the_way_to_the_internet_and_no_path() -> None:
    assert FIRST_LINE.startswith('PATH="/usr/local/sbin:')
    assert not any("PATH=" in line for line in base_system.read_definition().environment)


def test_a_base_of_other_files_is_another_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "packages.txt").write_text("systemd\n")
    monkeypatch.setattr(base_system, "FILES", tmp_path)
    without = base_system.read_definition().digest
    (tmp_path / "files/etc").mkdir(parents=True)
    (tmp_path / "files/etc/environment").write_text(FIRST_LINE)
    assert base_system.read_definition().digest != without


def test_the_script_of_a_twist_has_its_own_path_and_the_way_to_the_internet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "SCRIPTS", tmp_path)
    (tmp_path / "odd.sh").write_text('echo "$PATH $https_proxy"')
    (tmp_path / "environment").write_text(f"{FIRST_LINE}https_proxy=http://192.0.2.1:3128\n")
    script = twist_layer._script(table.Twist("odd", "of this test"))
    text = script.replace("/etc/environment", str(tmp_path / "environment"))
    shown = subprocess.run(
        ["/bin/sh", "-c", text], capture_output=True, text=True, check=True, env={"PATH": "/bin"}
    )
    assert shlex.split(shown.stdout) == ["/bin", "http://192.0.2.1:3128"]
