"""What this computer keeps of servers: folders, ports, keys, and where they were reached."""

import os
import socket
import stat
from pathlib import Path

import pytest

from flows.cli.completers import find_opened_servers
from notebake.errors import NotebakeError
from notebake.local.atomic_files import create_file
from notebake.runs.keys import generate_keys
from notebake.servers import folders as server_folders
from notebake.servers import keys, place, ports
from notebake.servers.folders import (
    CREDENTIALS,
    NewServer,
    Reached,
    claim_folder,
    credentials_of,
    folder_of,
    servers_folder,
)
from notebake.servers.keys import forget_own
from notebake.servers.place import forget, recall, remember
from notebake.ssh.host import Host
from tests.server_world import server_named

HOST = Host(
    instance_id="i-1",
    address="198.51.100.7",
    user="ubuntu",
    private_key_path="/k",
    host_key="ssh-ed25519 AAAA",
)


def of_ada(name: str) -> NewServer:
    return NewServer(name=name, owner="ada", region="us-west-2")


def reached(name: str = "ocean", owner: str = "ada", **more: object) -> Reached:
    whole = {"name": name, "owner": owner, "region": "us-west-2", "host": HOST}
    credentials = credentials_of({"AWS_PROFILE": "lab"})
    return Reached.model_validate({**whole, "credentials": credentials, **more})


@pytest.fixture(autouse=True)
def lab(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_PROFILE", "lab")


def test_owners_never_share_a_folder() -> None:
    owners = ["ada", "ada@lab.org", "ada/lab", "ada-lab", "..", ".", "ada lab"]
    folders = {folder_of(server_named(owner, "ocean")) for owner in owners}
    assert len(folders) == len(owners)
    assert {folder.parent.parent for folder in folders} == {servers_folder()}


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
    (folder_of(server_named("bob", "ocean")) / "reached.json").write_text('{"name": 1')
    assert recall("ocean", owner="", region="us-west-2") == reached()


def test_whoever_has_the_key_of_another_server_of_that_name_is_guessed_nothing() -> None:
    remember(reached(owner="bob"))
    assert recall("ocean", owner="", region="us-west-2") == reached(owner="bob")
    keys.ensure_key(server_named("ada", "ocean"))
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
    public = keys.ensure_key(server_named("ada", "ocean"))
    path = keys.key_path(server_named("ada", "ocean"))
    assert public.startswith("ssh-ed25519 ")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.ensure_key(server_named("ada", "ocean")) == public
    assert keys.ensure_key(server_named("ada", "ice")) != public
    path.with_name("id_ed25519.pub").unlink()
    assert keys.public_key_of(path) == public
    keys.check_key(path, of_ada("ocean"))


def test_an_own_key_is_remembered_and_not_copied(tmp_path: Path) -> None:
    keys.ensure_key(server_named("ada", "ocean"))
    own = tmp_path / "mine"
    own.write_bytes(keys.key_path(server_named("ada", "ocean")).read_bytes())
    assert keys.ensure_key(server_named("ada", "ice"), own=str(own)) == keys.public_key_of(own)
    assert keys.key_path(server_named("ada", "ice")) == own
    with pytest.raises(NotebakeError, match="nowhere") as caught:
        keys.ensure_key(server_named("ada", "sun"), own=str(tmp_path / "nowhere"))
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


WEST = server_named("ada", "ocean", account="1", instance_id="i-1")
EAST = server_named("ada", "ocean", account="1", instance_id="i-2", region="us-east-1")
OTHERS = server_named("ada", "ocean", account="2", instance_id="i-3")
OTHERS_EAST = server_named("ada", "ocean", account="2", instance_id="i-4", region="us-east-1")


def reached_as(server: NewServer) -> Reached:
    host = HOST.model_copy(update={"instance_id": server.instance_id})
    return reached(region=server.region, account=server.account, host=host)


def test_no_two_places_share_a_folder_and_the_first_has_the_short_name() -> None:
    places = [WEST, EAST, OTHERS, OTHERS_EAST]
    folders = [claim_folder(place) for place in places]

    assert len(set(folders)) == len(places)
    assert [folder.name for folder in folders[:3]] == [
        *("ocean", "ocean@us-east-1", "ocean@us-west-2")
    ]
    assert folders[3].name.startswith("ocean@us-east-1-")
    assert [folder_of(place) for place in reversed(places)] == folders[::-1], "each keeps its own"
    another = WEST.model_copy(update={"instance_id": "i-9"})
    assert folder_of(another) == folders[0], "the next machine in its place"


def test_servers_of_one_name_in_two_regions_keep_what_is_theirs(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text(generate_keys().private)
    keys.ensure_key(WEST, own=str(own))
    keys.ensure_key(EAST)
    for server in (WEST, EAST):
        remember(reached_as(server))

    assert keys.key_path(WEST) == own
    assert keys.key_path(EAST).name == "id_ed25519"
    assert ports.keep_port(WEST) != ports.keep_port(EAST)
    for server in (WEST, EAST):
        assert recall("ocean", owner="", region=server.region) == reached_as(server)
    assert place.process_path(WEST) != place.process_path(EAST)

    forget_own(WEST)
    forget(WEST, is_last=True)
    assert recall("ocean", owner="", region="us-west-2") is None
    assert recall("ocean", owner="", region="us-east-1") == reached_as(EAST)
    assert ports.kept_port(EAST)


def test_of_two_machines_of_a_name_in_one_place_the_one_that_goes_takes_nothing_along() -> None:
    remember(reached_as(WEST))
    port = ports.keep_port(WEST)
    forget(WEST.model_copy(update={"instance_id": "i-9"}), is_last=False)
    assert (ports.kept_port(WEST), recall("ocean", owner="ada", region="us-west-2")) == (
        *(port, reached_as(WEST)),
    )


def test_a_folder_from_before_places_were_kept_stays_that_of_its_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys.ensure_key(server_named("ada", "ocean"))
    key = keys.key_path(server_named("ada", "ocean"))
    assert folder_of(EAST) == key.parent, "with a key alone it is the first's to ask"
    before = reached()
    remember(before)
    assert not (key.parent / "place.json").exists()

    assert recall("ocean", owner="", region="us-west-2") == before
    assert folder_of(before) == key.parent
    assert folder_of(EAST).name == "ocean@us-east-1"
    assert keys.key_path(WEST) == key
    monkeypatch.setenv("AWS_PROFILE", "home")
    assert keys.key_path(WEST) == key, "by its id"
    assert folder_of(OTHERS).name == "ocean@us-west-2"
    assert claim_folder(WEST) == key.parent
    remember(reached_as(WEST))
    assert folder_of(before) == key.parent


def test_servers_that_shared_a_key_from_before_go_on_with_it() -> None:
    shared = folder_of(WEST) / "id_ed25519"
    keys.ensure_key(server_named("ada", "ocean"))
    os.utime(shared, (1, 1))
    remember(reached(host=HOST.model_copy(update={"instance_id": "i-2"}), region="us-east-1"))

    for server in (EAST, WEST):
        claim_folder(server)
        assert keys.key_path(server) == shared
    anew = WEST.model_copy(update={"region": "eu-west-1", "instance_id": ""})
    keys.ensure_key(anew)
    assert keys.key_path(anew).parent.name == "ocean@eu-west-1"


def test_a_key_that_is_for_one_place_is_none_for_another() -> None:
    keys.ensure_key(WEST)
    assert keys.key_path(EAST).parent.name == "ocean@us-east-1"


def test_two_processes_that_claim_a_folder_at_once_get_two(monkeypatch: pytest.MonkeyPatch) -> None:
    def other_first(path: Path, content: bytes) -> bool:
        monkeypatch.setattr(server_folders, "create_file", create_file)
        claim_folder(EAST)
        return create_file(path, content)

    monkeypatch.setattr(server_folders, "create_file", other_first)
    assert claim_folder(WEST).name == "ocean@us-west-2"
    assert folder_of(EAST).name == "ocean"


def test_the_key_of_another_region_does_not_make_a_server_unclear() -> None:
    remember(reached_as(WEST))
    keys.ensure_key(EAST)
    assert recall("ocean", owner="", region="us-west-2") == reached_as(WEST)


def test_names_are_completed_without_their_places() -> None:
    for server in (WEST, EAST):
        remember(reached_as(server))
    assert find_opened_servers("oc") == {"ocean": ""}
