"""Two servers of one name and one person, in two regions: each is reached by what is its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.cli.main import main
from notebake.runs.keys import generate_keys
from notebake.servers import admission, keys
from notebake.servers.find import list_servers
from notebake.servers.reach import reach
from notebake.servers.server import Server
from notebake.servers.ssh_config import alias_of, known_hosts_path
from sandbox.ec2.state.base_images import RELEASES, image_id
from tests.cloud_world import REGION
from tests.conformance.account import FRIEND
from tests.server_world import OWNER, ServerWorld, server_world

ACCOUNT = "123456789012"
TYPED = ("--name", "ocean", "--owner", OWNER, "--yes")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServerWorld]:
    monkeypatch.setattr(admission, "own_address", lambda _server: "198.51.100.1")
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "home"))
    with server_world(tmp_path) as opened:
        yield opened


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("region", "account"), [("eu-central-1", ACCOUNT), (REGION, FRIEND)], ids=["region", "account"]
)
def test_a_server_of_the_same_name_elsewhere_takes_nothing(
    tmp_path: Path, become: Callable[[str], None], region: str, account: str
) -> None:
    own = tmp_path / "own"
    own.write_text(generate_keys().private)
    own.chmod(0o600)

    def start(region: str, *words: str) -> Server:
        image = image_id(RELEASES[0], region)
        assert main(["start", image, *TYPED, "--region", region, *words]) == 0
        (server,) = list_servers(region)
        return server

    become(ACCOUNT)
    here = start(REGION, "--key", str(own))
    first = reach(here, OWNER, own_key="", may_start=False)
    become(account)
    there = start(region)
    second = reach(there, OWNER, own_key="", may_start=False)
    become(ACCOUNT)

    assert (here.account, there.account) == (ACCOUNT, account)
    assert reach(here, OWNER, own_key="", may_start=False) == first
    assert first.private_key_path == str(own)
    assert second.private_key_path == str(keys.key_path(there)) != str(own)
    assert alias_of(here) != alias_of(there)

    assert main(["terminate", *TYPED[1:], "--region", REGION]) == 0
    assert keys.key_path(here) != own, "it was for the one that is gone"
    assert known_hosts_path(there).read_text().startswith(there.id)
    become(account)
    assert reach(there, OWNER, own_key="", may_start=False) == second
