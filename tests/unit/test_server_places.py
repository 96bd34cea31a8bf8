"""What this computer keeps of servers: folders, ports, keys, and where they were reached."""

import socket
import stat
from pathlib import Path

import pytest

from notebake.errors import NotebakeError
from notebake.servers import keys, place, ports
from notebake.servers.place import Reached, folder_of, recall, remember
from notebake.ssh.host import Host
from tests.server_world import ServerName

HOST = Host(
    instance_id="i-1",
    address="198.51.100.7",
    user="ubuntu",
    private_key_path="/k",
    host_key="ssh-ed25519 AAAA",
)


def of_ada(name: str) -> ServerName:
    return ServerName(name=name, owner="ada", region="us-west-2")


def reached(name: str = "ocean", owner: str = "ada", **more: object) -> Reached:
    whole = {"name": name, "owner": owner, "region": "us-west-2", "host": HOST}
    credentials = place.credentials_of({"AWS_PROFILE": "lab"})
    return Reached.model_validate({**whole, "credentials": credentials, **more})


@pytest.fixture(autouse=True)
def lab(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in place.CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_PROFILE", "lab")


def test_owners_never_share_a_folder() -> None:
    owners = ["ada", "ada@lab.org", "ada/lab", "ada-lab", "..", ".", "ada lab"]
    folders = {folder_of(owner, "ocean") for owner in owners}
    assert len(folders) == len(owners)
    assert {folder.parent.parent for folder in folders} == {place.servers_folder()}


def test_a_server_is_recalled_only_with_the_credentials_that_found_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remember(reached())
    assert recall("ocean", owner="", region="us-west-2") == reached()
    assert recall("ocean", owner="ada", region="us-west-2") == reached()
    assert recall("ocean", owner="bob", region="us-west-2") is None
    assert recall("ocean", owner="", region="eu-west-1") is None
    monkeypatch.setenv("AWS_PROFILE", "home")
    assert recall("ocean", owner="", region="us-west-2") is None


def test_of_two_owners_none_is_guessed_and_damage_is_passed_over() -> None:
    remember(reached())
    remember(reached(owner="bob"))
    assert recall("ocean", owner="", region="us-west-2") is None
    (folder_of("bob", "ocean") / "reached.json").write_text('{"name": 1')
    assert recall("ocean", owner="", region="us-west-2") == reached()


def test_whoever_has_the_key_of_another_server_of_that_name_is_guessed_nothing() -> None:
    remember(reached(owner="bob"))
    assert recall("ocean", owner="", region="us-west-2") == reached(owner="bob")
    keys.ensure_key("ada", "ocean")
    assert recall("ocean", owner="", region="us-west-2") is None
    assert recall("ocean", owner="bob", region="us-west-2") == reached(owner="bob")


def test_a_port_is_kept_and_no_other_server_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = {7005}
    monkeypatch.setattr(ports, "is_free", lambda port: port not in taken)
    assert ports.keep_port(of_ada("ocean")) == 7006
    assert ports.keep_port(of_ada("ice")) == 7007
    taken.clear()
    assert ports.keep_port(of_ada("ocean")) == 7006, "its page may still be open"
    assert ports.keep_port(of_ada("sun")) == 7005
    assert ports.keep_port(of_ada("ocean"), 7050) == 7050
    assert ports.keep_port(of_ada("ocean")) == 7050
    taken.update(range(7005, 7100))
    with pytest.raises(ports.PortTakenError, match="7005 to 7099"):
        ports.keep_port(of_ada("moon"))


def test_a_taken_port_leads_to_the_next_command() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert not ports.is_free(port)
        error = ports.port_taken_error(of_ada("ocean"), port)
    assert f"listens on port {port}" in error.message
    assert error.next_commands[0].words[:3] == ("open", "ocean", "--port")
    assert int(error.next_commands[0].words[3]) > port


def test_a_key_is_made_once_and_only_its_owner_may_read_it() -> None:
    public = keys.ensure_key("ada", "ocean")
    path = keys.key_path("ada", "ocean")
    assert public.startswith("ssh-ed25519 ")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.ensure_key("ada", "ocean") == public
    assert keys.ensure_key("ada", "ice") != public
    path.with_name("id_ed25519.pub").unlink()
    assert keys.public_key_of(path) == public
    keys.check_key(path, of_ada("ocean"))


def test_an_own_key_is_remembered_and_not_copied(tmp_path: Path) -> None:
    keys.ensure_key("ada", "ocean")
    own = tmp_path / "mine"
    own.write_bytes(keys.key_path("ada", "ocean").read_bytes())
    assert keys.ensure_key("ada", "ice", own=str(own)) == keys.public_key_of(own)
    assert keys.key_path("ada", "ice") == own
    with pytest.raises(NotebakeError, match="nowhere") as caught:
        keys.ensure_key("ada", "sun", own=str(tmp_path / "nowhere"))
    assert "--key FILE" in caught.value.hint


def test_a_lost_or_readable_key_is_refused_with_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(NotebakeError, match="does not exist") as caught:
        keys.check_key(tmp_path / "lost", of_ada("ocean"))
    assert caught.value.next_commands[0].words == (
        *("open", "ocean", "--key", "FILE", "--owner", "ada"),
    )
    key = tmp_path / "key"
    key.touch(mode=0o644)
    key.chmod(0o644)
    with pytest.raises(NotebakeError, match="Others may read") as caught:
        keys.check_key(key, of_ada("ocean"))
    assert caught.value.hint == f"Type: chmod 600 {key}"


@pytest.mark.parametrize(
    ("platform", "path", "line"),
    [
        ("linux", "/home/ada/my key", "chmod 600 '/home/ada/my key'"),
        ("darwin", "/Volumes/ada/key", "chmod 600 /Volumes/ada/key"),
        (
            "win32",
            "C:\\Users\\ada\\key",
            'icacls "C:\\Users\\ada\\key" /inheritance:r /grant:r "$($env:USERNAME):F"',
        ),
        (
            "linux",
            "/mnt/c/Volumes/ada/key",
            "cp /mnt/c/Volumes/ada/key ~/.ssh/ && chmod 600 ~/.ssh/key",
        ),
    ],
)
def test_the_line_that_mends_permissions_is_that_of_the_system(
    platform: str, path: str, line: str
) -> None:
    assert keys.restricting_command(Path(path), platform) == line
