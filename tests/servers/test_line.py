"""A line to a real sshd: who is let in, who is refused, what commands and closed ports answer."""

import asyncio
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from notebake.errors import (
    HostCommandError,
    HostUnreachableError,
    LoginRefusedError,
    NotebakeError,
    TunnelForbiddenError,
    WrongHostKeyError,
)
from notebake.servers.folders import Reached
from notebake.servers.line_events import LineUp, Timing, Trouble
from notebake.servers.line_keeper import LineKeeper
from notebake.servers.locate import (
    Question,
    Search,
    ServerGoneError,
    ServerStoppedError,
    locate,
)
from notebake.servers.opening import Opening
from notebake.servers.tunnel import Tunnel
from notebake.ssh import dial
from notebake.ssh import host as hosts
from notebake.ssh.host import Host
from notebake.ssh.line import Line, open_line
from tests.servers.opened import Printed
from tests.ssh.own_sshd import Sshd, free_port, make_key, sshd_running, why_none

Start = Callable[..., Sshd]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    if reason := why_none():
        pytest.skip(f"No sshd here: {reason}")
    from contextlib import ExitStack

    with ExitStack() as stack:

        def begin(*options: str, **more: Any) -> Sshd:
            running = stack.enter_context(sshd_running(tmp_path / "sshd", *options, **more))
            monkeypatch.setattr(hosts, "SSH_PORT", running.port)
            return running

        yield begin


def on_line(host: Host, use: Callable[[Line], Any]) -> Any:
    """Return what comes of a line."""

    async def go() -> Any:
        line = await open_line(host)
        try:
            return await use(line)
        finally:
            line.drop(was_silent=False)

    return asyncio.run(go())


def with_other_host_key(sshd: Sshd, tmp_path: Path) -> Host:
    make_key(tmp_path / "other")
    public = (tmp_path / "other.pub").read_text()
    return sshd.host.model_copy(update={"host_key": " ".join(public.split()[:2])})


@pytest.mark.parametrize("shell", ["/bin/bash", "/bin/sh"])
def test_a_command_answers_whatever_the_shell_prints(start: Start, shell: str) -> None:
    sshd = start(login_shell=shell)
    (sshd.home / ".bashrc").write_text("echo noise; echo more >&2\n")
    assert on_line(sshd.host, lambda line: line.run("echo $((6 * 7)); echo x >&2")) == "42\n"
    with pytest.raises(HostCommandError, match="no such") as caught:
        on_line(sshd.host, lambda line: line.run("echo no such >&2; exit 3"))
    assert caught.value.exit_code == 3


def test_a_wrong_host_key_ends_it_before_the_key_is_shown(start: Start, tmp_path: Path) -> None:
    sshd = start()
    host = with_other_host_key(sshd, tmp_path)
    with pytest.raises(WrongHostKeyError, match="another ssh host key"):
        on_line(host, lambda line: line.run("true"))
    assert "publickey" not in sshd.log


def test_only_a_key_of_another_type_is_refused_too(start: Start) -> None:
    """The other host key, of type ecdsa, is there as well and must not be taken."""
    sshd = start()
    ecdsa = " ".join((sshd.home / "other-host.pub").read_text().split()[:2])
    taken = sshd.host.model_copy(update={"host_key": ecdsa})
    assert on_line(taken, lambda line: line.run("echo in")) == "in\n", "sshd has both"
    (sshd.home / "other-host").unlink()


def test_a_refused_key_and_a_missing_file_are_named(start: Start, tmp_path: Path) -> None:
    sshd = start()
    make_key(tmp_path / "stranger")
    stranger = sshd.host.model_copy(update={"private_key_path": str(tmp_path / "stranger")})
    with pytest.raises(LoginRefusedError, match="stranger"):
        on_line(stranger, lambda line: line.run("true"))
    lost = sshd.host.model_copy(update={"private_key_path": str(tmp_path / "lost")})
    with pytest.raises(NotebakeError, match="lost cannot be read") as caught:
        on_line(lost, lambda line: line.run("true"))
    assert "--key FILE" in caught.value.hint


def test_a_key_with_a_passphrase_comes_from_the_agent(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sshd = start()
    key = Path(sshd.host.private_key_path)
    key.with_suffix(".pub").write_bytes((sshd.home / "key.pub").read_bytes())
    agent = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(agent)], stdout=subprocess.DEVNULL) as it:
        while not agent.exists():
            threading.Event().wait(0.02)
        subprocess.run(
            ["ssh-add", "-q", str(key)],
            check=True,
            env={**os.environ, "SSH_AUTH_SOCK": str(agent)},
            stderr=subprocess.DEVNULL,
        )
        subprocess.run(
            ["ssh-keygen", "-q", "-p", "-N", "secret words", "-f", str(key)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
        assert on_line(sshd.host, lambda line: line.run("echo in")) == "in\n"
        monkeypatch.delenv("SSH_AUTH_SOCK")
        with pytest.raises(LoginRefusedError):
            on_line(sshd.host, lambda line: line.run("true"))
        it.terminate()


def test_nobody_at_the_address_is_an_error_and_not_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "SSH_PORT", free_port())
    host = Host(
        instance_id="i-1",
        address="127.0.0.1",
        user="root",
        private_key_path="/none",
        host_key="ssh-ed25519 AAAA",
    )
    with pytest.raises(HostUnreachableError, match="does not answer over ssh"):
        on_line(host, lambda line: line.run("true"))


def test_a_dropped_connection_is_dialled_beside_the_one_that_waits() -> None:
    """A listener whose queue is full drops what arrives, as a network does that is away."""

    async def go() -> int:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            port = full.getsockname()[1]
            holding = [socket.create_connection(("127.0.0.1", port))]
            connecting = asyncio.create_task(dial.connect_socket("127.0.0.1", port))
            await asyncio.sleep(2.5 * dial.RETRY_SECONDS)
            assert not connecting.done()
            others = len(asyncio.all_tasks()) - 2
            full.accept()[0].close()
            (await connecting).close()
            for each in holding:
                each.close()
            return others

    assert asyncio.run(go()) >= 2


def test_an_sshd_without_tunnels_is_named(start: Start) -> None:
    sshd = start("AllowTcpForwarding=no")

    async def join(line: Line) -> None:
        from notebake.ssh.relay import ClientSide

        await line.join(ClientSide(lambda _: None), 8888)

    with pytest.raises(TunnelForbiddenError, match="forbids an ssh tunnel"):
        on_line(sshd.host, join)


def keeper_of(host: Host, events: list[Any], *, is_fresh: bool, found: Host) -> LineKeeper:
    timing = Timing(find_seconds=0.3)
    return LineKeeper(
        lambda: found, events.append, port=lambda: 1, host=host, is_fresh=is_fresh, timing=timing
    )


def test_a_fresh_address_with_a_wrong_host_key_ends_the_opening(
    start: Start, tmp_path: Path
) -> None:
    sshd = start()
    wrong = with_other_host_key(sshd, tmp_path)

    async def go() -> None:
        await keeper_of(wrong, [], is_fresh=True, found=wrong).run()

    with pytest.raises(WrongHostKeyError):
        asyncio.run(go())


def test_a_remembered_address_that_is_somebody_else_s_by_now_is_passed_over_in_silence(
    start: Start, tmp_path: Path
) -> None:
    sshd = start()
    stale = with_other_host_key(sshd, tmp_path)
    events: list[Any] = []

    async def go() -> None:
        keeper = keeper_of(stale, events, is_fresh=False, found=sshd.host)
        running = asyncio.create_task(keeper.run())
        await keeper.wait_for_line(asyncio.get_running_loop().time() + 600)
        running.cancel()
        keeper.close()

    asyncio.run(go())
    assert [type(event) for event in events] == [LineUp]
    assert not any(isinstance(event, Trouble) for event in events)


def test_bytes_arrive_whole_in_both_directions(start: Start) -> None:
    sshd = start()
    sent = os.urandom(5_000_000)

    def echo(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            while chunk := connection.recv(65536):
                connection.sendall(chunk)

    async def go(port: int) -> bytes:
        keeper = keeper_of(sshd.host, [], is_fresh=True, found=sshd.host)
        running = asyncio.create_task(keeper.run())
        tunnel = Tunnel(keeper, port)
        near = free_port()
        await tunnel.listen(near)
        reader, writer = await asyncio.open_connection("127.0.0.1", near)
        writer.write(sent)
        writer.write_eof()
        received = await reader.read(-1)
        writer.close()
        tunnel.close()
        running.cancel()
        keeper.close()
        return received

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=echo, args=(server,))
        thread.start()
        assert asyncio.run(go(server.getsockname()[1])) == sent
        thread.join()


def test_opening_ends_with_the_error_itself_and_writes_no_page(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "home"))
    sshd = start()
    reached = Reached(
        name="ocean",
        owner="ada",
        region="us-west-2",
        host=with_other_host_key(sshd, tmp_path),
        jupyter_port=8888,
    )
    opening = Opening(
        Question(name="ocean", region="us-west-2"),
        reached,
        Printed(),
        port=free_port(),
        is_fresh=True,
        find=lambda _question, _report: reached,
    )
    with pytest.raises(WrongHostKeyError):
        asyncio.run(opening.run())
    assert list((tmp_path / "home").rglob("open.html")) == []


def test_an_opening_asks_for_the_server_that_it_found_first(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "home"))
    nobody = start().host.model_copy(update={"address": "127.0.0.2"})
    reached = Reached(name="ocean", owner="bob", region="us-west-2", host=nobody, jupyter_port=8888)
    asked: list[Question] = []

    def find(question: Question, _report: object) -> Reached:
        asked.append(question)
        raise ServerGoneError("There is no server ocean.")

    opening = Opening(
        Question(name="ocean", region="us-west-2"),
        reached,
        Printed(),
        port=free_port(),
        is_fresh=False,
        find=find,
    )
    with pytest.raises(ServerGoneError):
        asyncio.run(opening.run())
    assert [(each.instance_id, each.server_owner) for each in asked] == [
        (nobody.instance_id, "bob")
    ]


def test_the_answer_of_a_search_that_was_begun_is_used_while_the_old_address_is_dialled(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "home"))
    found = start().host
    nobody = found.model_copy(update={"address": "127.0.0.2"})
    before = Reached(name="ocean", owner="ada", region="us-west-2", host=nobody, jupyter_port=1)
    search = mock.create_autospec(Search, instance=True, is_answered=False)
    search.answer.return_value = before.model_copy(update={"host": found})
    find = mock.create_autospec(locate)
    opening = Opening(
        Question(name="ocean", region="us-west-2"),
        before,
        Printed(),
        port=free_port(),
        is_fresh=False,
        find=find,
        search=search,
    )

    async def go() -> None:
        running = asyncio.create_task(opening.run())
        while opening.reached.host != found:
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(go())
    search.answer.assert_called()
    find.assert_not_called()


def test_a_server_that_is_gone_ends_the_opening(start: Start) -> None:
    sshd = start()

    def find() -> Host:
        raise ServerGoneError("There is no server ocean.")

    async def go() -> None:
        timing = Timing(find_seconds=0.2)
        nobody = sshd.host.model_copy(update={"address": "127.0.0.2"})
        keeper = LineKeeper(
            find, lambda _: None, port=lambda: 1, host=nobody, is_fresh=False, timing=timing
        )
        await keeper.run()

    with pytest.raises(ServerGoneError):
        asyncio.run(go())


def test_a_stop_is_said_once_and_the_dialling_goes_on(start: Start) -> None:
    sshd = start()
    events: list[Any] = []
    finds: list[int] = []

    def find() -> Host:
        if not events:
            return sshd.host  # a slow machine asks before the first line is up
        finds.append(1)
        raise ServerStoppedError("ocean is stopped.")

    async def go() -> None:
        timing = Timing(find_seconds=0.1)
        keeper = LineKeeper(
            find, events.append, port=lambda: 1, host=sshd.host, is_fresh=True, timing=timing
        )
        running = asyncio.create_task(keeper.run())
        await keeper.wait_for_line(asyncio.get_running_loop().time() + 600)
        hosts.SSH_PORT, before = free_port(), hosts.SSH_PORT
        keeper.close()
        while len(finds) < 3 and not running.done():
            await asyncio.sleep(0.05)
        hosts.SSH_PORT = before
        while not isinstance(events[-1], LineUp) and not running.done():
            await asyncio.sleep(0.05)
        assert not running.done(), running.exception()
        running.cancel()
        keeper.close()

    asyncio.run(go())
    said = [event.error.message for event in events if isinstance(event, Trouble)]
    assert said.count("ocean is stopped.") == 1
