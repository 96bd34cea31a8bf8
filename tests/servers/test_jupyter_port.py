"""A server is asked for its JupyterLab by a real sshd: none there, a refused key, another host."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from notebake.errors import LoginRefusedError, WrongHostKeyError
from notebake.servers.jupyter_port import with_jupyter_port
from notebake.servers.line_events import Timing
from notebake.servers.server import Server
from notebake.ssh import host as hosts
from notebake.ssh.host import Host
from tests.ssh.own_sshd import Sshd, make_key, sshd_running, why_none

AT_ONCE = Timing(refused_seconds=0, first_line_seconds=0)
SERVER = Server(
    id="i-0123456789abcdef0",
    name="ocean",
    owner="ada",
    region="us-west-2",
    state="running",
    instance_type="t3.large",
    zone="us-west-2a",
    image_id="ami-0123456789abcdef0",
    started_at=datetime(2026, 11, 1, tzinfo=UTC),
)


@pytest.fixture
def sshd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    if reason := why_none():
        pytest.skip(f"No sshd here: {reason}")
    with sshd_running(tmp_path / "sshd") as running:
        monkeypatch.setattr(hosts, "SSH_PORT", running.port)
        yield running


def changed(host: Host, **fields: str) -> Host:
    return host.model_copy(update=fields)


def test_a_server_without_our_jupyterlab_is_left_as_it_is(sshd: Sshd) -> None:
    found = with_jupyter_port(SERVER, sshd.host, AT_ONCE)
    assert sshd.logins == 1, "it was asked"
    assert found == SERVER
    assert found.jupyter_port is None


def test_a_server_that_is_known_to_have_it_is_not_asked(sshd: Sshd) -> None:
    known = SERVER.model_copy(update={"tags": {"notebake:jupyter-port": "8887"}})
    assert with_jupyter_port(known, sshd.host, AT_ONCE) == known
    assert sshd.logins == 0


def test_a_refused_key_says_how_to_set_another_login_user(sshd: Sshd, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    refused = changed(sshd.host, private_key_path=str(tmp_path / "other"))
    with pytest.raises(LoginRefusedError, match="does not accept the key") as caught:
        with_jupyter_port(SERVER, refused, AT_ONCE)
    assert f"--resources {SERVER.id} --tags Key=notebake:login,Value=USER" in caught.value.hint


def test_another_host_key_is_not_borne_for_a_moment(sshd: Sshd, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    public = " ".join((tmp_path / "other.pub").read_text().split()[:2])
    with pytest.raises(WrongHostKeyError, match="another ssh host key") as caught:
        with_jupyter_port(SERVER, changed(sshd.host, host_key=public))
    assert caught.value.next_commands[0].words == ("servers",)
    assert sshd.logins == 0
