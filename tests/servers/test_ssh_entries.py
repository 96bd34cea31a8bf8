"""The ssh entry of a server, judged by OpenSSH: ssh -G, ssh, sftp, and a wrong host key."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from notebake.servers import ssh_include
from notebake.servers.login_page import ssh_command
from notebake.servers.ssh_config import (
    alias_of,
    config_path,
    known_hosts_path,
    remove_entry,
    write_entry,
)
from notebake.servers.ssh_include import IncludeError, include, include_line, is_included
from notebake.ssh import host as hosts
from notebake.ssh.host import Host
from tests.server_world import server_named
from tests.ssh.own_sshd import Sshd, make_key, sshd_running, why_none


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "50% of a home"
    monkeypatch.setenv("NOTEBAKE_HOME", str(home))
    return home


@pytest.fixture
def sshd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    if reason := why_none():
        pytest.skip(f"No sshd here: {reason}")
    with sshd_running(tmp_path / "sshd", "Subsystem=sftp internal-sftp") as running:
        monkeypatch.setattr(hosts, "SSH_PORT", running.port)
        yield running


def settings(config: Path, alias: str) -> dict[str, str]:
    words = ["ssh", "-F", str(config), "-G", alias]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return dict(line.split(" ", 1) for line in shown.splitlines() if " " in line)


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60
    )


def host_at(address: str, tmp_path: Path) -> Host:
    return Host(
        instance_id="i-1",
        address=address,
        user="ubuntu",
        private_key_path=str(tmp_path / "my key"),
        host_key="ssh-ed25519 AAAA",
    )


def test_ssh_reads_the_entry_as_it_is_meant(tmp_path: Path) -> None:
    write_entry(server_named("ada", "ocean"), host_at("198.51.100.7", tmp_path))
    found = settings(config_path(), "nb-ocean")
    assert found["hostname"] == "198.51.100.7"
    assert found["hostkeyalias"] == "i-1"
    assert found["stricthostkeychecking"] == "true"
    assert found["identitiesonly"] == "yes"
    assert found["serveraliveinterval"] == "15"
    assert found["user"] == "ubuntu"
    assert settings(config_path(), "elsewhere")["hostname"] == "elsewhere"


def test_entries_are_replaced_alone_and_removed_alone(tmp_path: Path) -> None:
    for name in ("ocean", "ice", "ocean-two"):
        write_entry(server_named("ada", name), host_at("198.51.100.7", tmp_path))
    write_entry(server_named("ada", "ocean"), host_at("198.51.100.8", tmp_path))
    assert settings(config_path(), "nb-ocean")["hostname"] == "198.51.100.8"
    assert settings(config_path(), "nb-ocean-two")["hostname"] == "198.51.100.7"
    remove_entry(server_named("bob", "ocean", instance_id="i-2"))
    assert settings(config_path(), "nb-ocean")["hostname"] == "198.51.100.8"
    remove_entry(server_named("ada", "ocean", instance_id="i-1"))
    assert settings(config_path(), "nb-ocean")["hostname"] == "nb-ocean"
    assert settings(config_path(), "nb-ice")["hostname"] == "198.51.100.7"
    assert not known_hosts_path(server_named("ada", "ocean")).exists()


def test_ssh_and_sftp_reach_the_server_by_its_name(sshd: Sshd, tmp_path: Path) -> None:
    write_entry(server_named("ada", "ocean"), sshd.host)
    done = run("ssh", "-F", str(config_path()), "nb-ocean", "echo $((6 * 7))")
    assert done.stdout == "42\n", done.stderr
    (tmp_path / "batch").write_text(f"put {tmp_path}/batch sent\nls sent\n")
    done = run("sftp", "-F", str(config_path()), "-b", str(tmp_path / "batch"), "nb-ocean")
    assert done.returncode == 0, done.stderr
    assert (sshd.home / "sent").exists()


def test_a_wrong_host_key_is_refused_by_the_entry_sftp_and_the_plain_command(
    sshd: Sshd, tmp_path: Path
) -> None:
    make_key(tmp_path / "other")
    other = " ".join((tmp_path / "other.pub").read_text().split()[:2])
    wrong = sshd.host.model_copy(update={"host_key": other})
    write_entry(server_named("ada", "ocean"), wrong)
    known_hosts = known_hosts_path(server_named("ada", "ocean"))
    plain = ssh_command(wrong, known_hosts, port=None, jupyter_port=None, platform="linux")
    tries = (
        run("ssh", "-F", str(config_path()), "nb-ocean", "true"),
        run("sftp", "-F", str(config_path()), "nb-ocean"),
        run("bash", "-c", plain),
    )
    for done in tries:
        assert done.returncode == 255
        assert "HOST IDENTIFICATION HAS CHANGED" in done.stderr
    assert sshd.logins == 0


def test_the_plain_command_works_as_it_is_printed(sshd: Sshd) -> None:
    write_entry(server_named("ada", "ocean"), sshd.host)
    known_hosts = known_hosts_path(server_named("ada", "ocean"))
    line = ssh_command(sshd.host, known_hosts, port=None, jupyter_port=None, platform="linux")
    assert run("bash", "-c", f"{line} 'echo $((6 * 7))'").stdout == "42\n"


def test_the_include_goes_first_and_what_was_there_stays(tmp_path: Path) -> None:
    write_entry(server_named("ada", "ocean"), host_at("198.51.100.7", tmp_path))
    own = tmp_path / "ssh" / "config"
    own.parent.mkdir()
    own.write_text("Host *\n    User somebody\n")
    own.chmod(0o640)
    include(own, "nb-ocean")
    assert own.read_text() == f"{include_line()}\n\nHost *\n    User somebody\n"
    assert own.stat().st_mode & 0o777 == 0o640
    assert settings(own, "nb-ocean")["user"] == "ubuntu"
    assert settings(own, "elsewhere")["user"] == "somebody"
    assert is_included(own)


def test_a_person_without_a_configuration_gets_one(tmp_path: Path) -> None:
    write_entry(server_named("ada", "ocean"), host_at("198.51.100.7", tmp_path))
    own = tmp_path / "ssh" / "config"
    include(own, "nb-ocean")
    assert own.stat().st_mode & 0o777 == 0o600
    assert settings(own, "nb-ocean")["hostname"] == "198.51.100.7"


@pytest.mark.parametrize("damage", ["nonsense", "binary", "link", "folder", "no entry"])
def test_an_odd_or_damaged_configuration_is_left_as_it_is(damage: str, tmp_path: Path) -> None:
    write_entry(server_named("ada", "ocean"), host_at("198.51.100.7", tmp_path))
    own = tmp_path / "config"
    if damage == "folder":
        own.mkdir()
    elif damage == "link":
        (tmp_path / "dotfiles").write_text("Host *\n")
        own.symlink_to(tmp_path / "dotfiles")
    else:
        content = {"nonsense": b"Hots *\n  Usre x\n", "binary": b"\xff\xfe\x00", "no entry": b""}
        own.write_bytes(content[damage])
    alias = "nb-moon" if damage == "no entry" else "nb-ocean"
    before = None if damage == "folder" else own.read_bytes()
    with pytest.raises(IncludeError, match="left as it was") as caught:
        include(own, alias)
    assert include_line() in caught.value.hint
    assert own.is_dir() if damage == "folder" else own.read_bytes() == before
    assert own.is_symlink() == (damage == "link")
    leftovers = [path.name for path in tmp_path.iterdir() if ".notebake-" in path.name]
    assert leftovers == []


@pytest.mark.parametrize("before", [b"Host sun\n", None])
def test_an_ssh_that_fails_the_second_time_leaves_the_configuration_as_it_was(
    before: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first question is whether ssh takes the file at all; there is none without a file."""
    write_entry(server_named("ada", "ocean"), host_at("198.51.100.7", tmp_path))
    own = tmp_path / "config"
    if before:
        own.write_bytes(before)
    programs, asked = tmp_path / "programs", tmp_path / "asked"
    programs.mkdir()
    (programs / "ssh").write_text(
        f"#!/bin/sh\ngrep -q Include {own} || exit 0\ntouch {asked}\nexec sleep 60\n"
    )
    (programs / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    monkeypatch.setattr(ssh_include, "SSH_SECONDS", 1)
    with pytest.raises(IncludeError, match="left as it was: ssh cannot be asked"):
        include(own, "nb-ocean")
    assert asked.exists(), "ssh was asked with the line in the file"
    assert (own.read_bytes() if own.exists() else None) == before


def test_the_user_s_configuration_is_where_ssh_looks_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/elsewhere")
    shown = run("ssh", "-v", "-o", "ProxyCommand=false", "x")
    assert ssh_include.user_config_path().name == "config"
    assert "/elsewhere" not in str(ssh_include.user_config_path())
    assert "/elsewhere" not in shown.stderr


def test_two_owners_servers_of_one_name_have_an_entry_each(tmp_path: Path) -> None:
    for owner, address in (("ada", "198.51.100.7"), ("bob@lab", "198.51.100.8")):
        host = host_at(address, tmp_path).model_copy(update={"instance_id": f"i-{owner[0]}"})
        write_entry(server_named(owner, "ocean"), host)
    aliases = {
        owner: alias_of(server_named(owner, "ocean")) for owner in ("ada", "bob@lab", "bob-lab")
    }

    assert aliases["ada"] == "nb-ocean", "whose entry came first has the short one"
    assert len(set(aliases.values())) == 3
    assert "@" not in "".join(aliases.values()), "ssh would take it for a user"
    assert settings(config_path(), aliases["ada"])["hostname"] == "198.51.100.7"
    assert settings(config_path(), aliases["bob@lab"])["hostname"] == "198.51.100.8"
    assert settings(config_path(), aliases["bob@lab"])["hostkeyalias"] == "i-b"

    remove_entry(server_named("ada", "ocean", instance_id="i-a"))
    assert alias_of(server_named("bob@lab", "ocean")) == aliases["bob@lab"], "it stays what it was"
    assert settings(config_path(), aliases["bob@lab"])["hostname"] == "198.51.100.8"
    assert settings(config_path(), "nb-ocean")["hostname"] == "nb-ocean"


def test_the_entry_of_another_owner_is_not_removed(tmp_path: Path) -> None:
    write_entry(server_named("ada", "ocean"), host_at("198.51.100.7", tmp_path))
    remove_entry(server_named("bob", "ocean", instance_id="i-1"))
    assert settings(config_path(), "nb-ocean")["hostname"] == "198.51.100.7"


def test_the_servers_of_one_name_in_two_regions_have_an_entry_each(tmp_path: Path) -> None:
    here, there = (
        server_named("ada", "ocean", region=region, account="1", instance_id=f"i-{region}")
        for region in ("us-west-2", "eu-central-1")
    )
    for server, address in ((here, "198.51.100.7"), (there, "198.51.100.8")):
        host = host_at(address, tmp_path).model_copy(update={"instance_id": server.instance_id})
        write_entry(server, host)

    assert (alias_of(here), alias_of(there)) == ("nb-ocean", "nb-ocean.ada.eu-central-1")
    assert settings(config_path(), alias_of(here))["hostname"] == "198.51.100.7"
    assert settings(config_path(), alias_of(there))["hostname"] == "198.51.100.8"

    remove_entry(here)
    assert known_hosts_path(there).read_text().startswith("i-eu-central-1 ")
    assert settings(config_path(), alias_of(there))["hostname"] == "198.51.100.8"


def test_the_host_key_of_another_machine_of_that_name_stays(tmp_path: Path) -> None:
    write_entry(server_named("ada", "ocean"), host_at("198.51.100.7", tmp_path))
    remove_entry(server_named("ada", "ocean", instance_id="i-0"))
    known_hosts = known_hosts_path(server_named("ada", "ocean"))
    assert known_hosts.read_text().startswith("i-1 ")
    assert settings(config_path(), "nb-ocean")["userknownhostsfile"] == str(known_hosts)
