"""What is on its way to a host whose line is cut or freezes: nothing is lost or begun twice."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from notebake import clock
from notebake.errors import HostCommandError, HostUnreachableError
from notebake.ssh import connection, file_transfer, login, pooled_connection, tunnel
from notebake.ssh import remote as ssh
from notebake.ssh.detached import run_detached
from notebake.ssh.host import Host
from tests.limits import HANG_SECONDS
from tests.quick_clock import QuickClock
from tests.sandbox.bake_world import wait_for
from tests.sandbox.one_host import as_root_of, one_host_opened
from tests.sandbox.test_hosts import Cloud, wait_for_ssh

pytestmark = pytest.mark.sandbox
WORK = """
echo began >> /var/lib/{name}
echo first
until [ -e /run/notebake-sandbox/{name}-may-end ]; do sleep 0.1; done
seq 3
echo ended >> /var/lib/{name}
"""
WHOLE = ["first", "1", "2", "3"]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with one_host_opened(tmp_path_factory.mktemp("lines")) as cloud:
        yield cloud


@pytest.fixture
def host(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """Give the host, to which no silence lasts longer than a second or two."""
    for name in ("CONNECT_SECONDS", "KEEPALIVE_SECONDS", "UNACKNOWLEDGED_SECONDS"):
        monkeypatch.setattr(login, name, 1)
    for module in (pooled_connection, tunnel):
        monkeypatch.setattr(module, "OPEN_SECONDS", 1)
    host = as_root_of(cloud)
    yield host
    cloud.machines.thaw_ssh("i-1")
    connection.disconnect(host)


@pytest.fixture
def root(cloud: Cloud) -> Path:
    """Return a folder of the host, as it lies on disk."""
    return cloud.home.machines_path / "i-1/upper/var/lib"


@contextmanager
def meanwhile(fault: Callable[[], None]) -> Iterator[None]:
    """Let a fault happen beside the block, and fail if it could not."""
    with ThreadPoolExecutor(1) as beside:
        struck = beside.submit(fault)
        yield
        struck.result()


def let_end(cloud: Cloud, name: str) -> None:
    """Let the work end; a frozen host is told so too."""
    (cloud.home.machines_path / "i-1/shared" / f"{name}-may-end").touch()


def started(root: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Wait until the work has begun, its first output is known, and more is being waited for."""
    wait_for(lambda: "first" in caplog.messages, f"{name} to begin")
    assert (root / name).read_text() == "began\n"
    threading.Event().wait(0.5)


def test_detached_work_survives_a_cut_connection_and_is_joined_again(
    cloud: Cloud, host: Host, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "notebake")

    def cut() -> None:
        started(root, "cut", caplog)
        assert cloud.machines.cut_ssh("i-1") > 0
        wait_for(lambda: "Lost" in caplog.text, "the cut to be noticed")
        let_end(cloud, "cut")

    with meanwhile(cut):
        printed = run_detached(host, "cut", WORK.format(name="cut"), timeout_seconds=60)
    assert printed.split() == WHOLE
    assert (root / "cut").read_text() == "began\nended\n", "it ran once"
    assert [record.message for record in caplog.records if hasattr(record, "remote")] == WHOLE
    assert f"{host.address} answers again" in caplog.text


def test_detached_work_survives_a_frozen_connection_and_is_joined_again(
    cloud: Cloud, host: Host, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "notebake")

    def freeze_a_while() -> None:
        started(root, "frozen", caplog)
        cloud.machines.freeze_ssh("i-1")
        let_end(cloud, "frozen")
        wait_for(lambda: "ended" in (root / "frozen").read_text(), "the work to end")
        wait_for(lambda: "Lost" in caplog.text, "the silence to be noticed")
        assert cloud.machines.thaw_ssh("i-1") > 1

    with meanwhile(freeze_a_while):
        printed = run_detached(host, "frozen", WORK.format(name="frozen"), timeout_seconds=60)
    assert printed.split() == WHOLE
    assert (root / "frozen").read_text() == "began\nended\n"
    assert [record.message for record in caplog.records if hasattr(record, "remote")] == WHOLE
    assert f"{host.address} answers again" in caplog.text


def test_a_start_with_a_lost_answer_is_not_repeated(
    cloud: Cloud, host: Host, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "notebake")
    go = "until [ -e /run/notebake-sandbox/start-may-end ]; do sleep 0.1; done"
    ssh.run_command(host, f"systemd-run --quiet flock /root sh -c '{go}'")

    def freeze_while_it_starts() -> None:
        waiting = "[ $(pgrep --count --exact flock) = 2 ] && echo yes || true"
        wait_for(lambda: cloud.ssh("i-1", waiting), "the start to wait for its turn")
        cloud.machines.freeze_ssh("i-1")
        let_end(cloud, "start")
        wait_for((root / "start").exists, "the work, begun and ended unseen")
        wait_for(lambda: "Lost" in caplog.text, "the silence to be noticed")
        assert cloud.machines.thaw_ssh("i-1") > 1

    script = "echo began >> /var/lib/start; echo in vain; exit 7"
    with meanwhile(freeze_while_it_starts), pytest.raises(HostCommandError, match="vain") as caught:
        run_detached(host, "start", script, timeout_seconds=60)
    assert caught.value.exit_code == 7
    assert (root / "start").read_text() == "began\n", "it failed once"
    assert f"{host.address} answers again" in caplog.text


def test_a_permanently_frozen_connection_gives_an_error_with_a_hint(
    cloud: Cloud, host: Host, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "notebake")

    def freeze() -> None:
        started(root, "lost", caplog)
        cloud.machines.freeze_ssh("i-1")

    with (
        clock.replaced(QuickClock(30)),
        meanwhile(freeze),
        pytest.raises(HostUnreachableError, match=r"unreachable for (18|19|2\d)\d s") as caught,
    ):
        run_detached(host, "lost", WORK.format(name="lost"), timeout_seconds=3600)
    assert cloud.machines.thaw_ssh("i-1") > 1
    assert f"{host.address} (i-1)" in caught.value.message
    assert "Resuming the run" in caught.value.hint
    let_end(cloud, "lost")
    wait_for(lambda: (root / "lost").read_text() == "began\nended\n", "the work to go on")


def test_a_command_with_a_cut_connection_has_not_failed(
    cloud: Cloud, host: Host, root: Path
) -> None:
    def cut() -> None:
        wait_for((root / "commanded").exists, "the command to run")
        assert cloud.machines.cut_ssh("i-1") > 0

    with meanwhile(cut), pytest.raises(HostUnreachableError, match="was lost: cut off"):
        ssh.run_command(host, "touch /var/lib/commanded; sleep 60")
    with pytest.raises(HostCommandError) as caught:
        ssh.run_command(host, "kill -KILL $BASHPID")
    assert caught.value.exit_code == 128 + 9, "a signal ended it, and the line is sound"
    with pytest.raises(HostUnreachableError, match="no answer within 1 s"):
        ssh.run_command(host, "sleep 60", timeout_seconds=1)


def test_a_connection_from_before_a_start_is_not_trusted(cloud: Cloud, host: Host) -> None:
    ssh.run_command(host, "touch /run/before")
    cloud.machines.freeze_ssh("i-1")
    cloud.machines.kill("i-1")
    cloud.exits.get(timeout=HANG_SECONDS)
    cloud.machines.boot("i-1", lambda *_: None)
    assert cloud.machines.thaw_ssh("i-1") > 0, "the end of the connection was told to nobody"
    wait_for_ssh(host.address)
    assert not ssh.succeeds(host, "test -e /run/before"), "it is the new one that answers"


def test_an_upload_interrupted_by_a_freeze_is_completed_by_the_next_try(
    cloud: Cloud, host: Host, root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "notebake")
    big, place, beside = tmp_path / "big", root / "big", root / "big.part"
    big.write_bytes(os.urandom(96 * 1024**2))

    def freeze() -> None:
        wait_for(lambda: beside.exists() and beside.stat().st_size > 1024**2, "bytes")
        cloud.machines.freeze_ssh("i-1")

    with meanwhile(freeze), pytest.raises(HostUnreachableError, match=host.address):
        file_transfer.put_path(host, big, "/var/lib/big")
    assert cloud.machines.thaw_ssh("i-1") > 1
    brought = beside.stat().st_size
    assert 1024**2 < brought < big.stat().st_size, "it was in the middle"
    assert not place.exists(), "nobody takes a part for the whole"
    file_transfer.put_path(host, big, "/var/lib/big")
    assert f"big: {brought} bytes are on the host already" in caplog.messages
    assert digest(place) == digest(big)
    assert not beside.exists()


def test_a_foreign_partial_file_is_not_continued(host: Host, root: Path, tmp_path: Path) -> None:
    local = tmp_path / "small"
    local.write_bytes(b"right")
    (root / "small.part").write_bytes(b"wrong")
    file_transfer.put_path(host, local, "/var/lib/small")
    assert (root / "small").read_bytes() == b"right"
    (root / "small.part").write_bytes(b"right and more")
    file_transfer.put_path(host, local, "/var/lib/small")
    assert file_transfer.get_file(host, "/var/lib/small") == b"right"
    with pytest.raises(FileNotFoundError):
        file_transfer.get_file(host, "/var/lib/none")
    with pytest.raises(HostCommandError, match=r"sftp /root\n.*Failure"):
        file_transfer.put_file(host, "/root", b"a folder has this name")


def test_a_frozen_tunnel_refuses_requests_and_names_the_host(cloud: Cloud, host: Host) -> None:
    serve = "systemd-run --quiet python3 -m http.server --directory /srv --bind 127.0.0.1 8887"
    listens = "until curl --silent http://127.0.0.1:8887/ > /dev/null; do sleep 0.1; done"
    ssh.run_command(host, f"{serve}; {listens}")
    with tunnel.open_tunnel(host, 8887) as port:
        assert httpx.get(f"http://127.0.0.1:{port}/", timeout=HANG_SECONDS).status_code == 200
    with pytest.raises(httpx.TransportError), tunnel.open_tunnel(host, 8888) as port:
        httpx.get(f"http://127.0.0.1:{port}/", timeout=HANG_SECONDS)
    with pytest.raises(HostUnreachableError, match=host.address) as caught:
        ask_through_a_frozen_tunnel(cloud, host)
    assert isinstance(caught.value.__cause__, httpx.TransportError)
    assert not isinstance(caught.value.__cause__, httpx.TimeoutException), "it was told at once"
    assert cloud.machines.thaw_ssh("i-1") > 1


def ask_through_a_frozen_tunnel(cloud: Cloud, host: Host) -> None:
    with tunnel.open_tunnel(host, 8887) as port:
        cloud.machines.freeze_ssh("i-1")
        httpx.get(f"http://127.0.0.1:{port}/", timeout=HANG_SECONDS)


def digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
