"""An sshd that allows little: few sessions, few callers, no tunnel, no key of our kind."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import paramiko
import pytest

from notebake.errors import (
    HostUnreachableError,
    KeyTypeRefusedError,
    LoginRefusedError,
    SessionRefusedError,
    TunnelForbiddenError,
    is_retryable,
)
from notebake.ssh import connection, connection_pool, file_transfer, login, tunnel
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host
from tests.ssh.conftest import Start
from tests.ssh.own_sshd import Sshd, free_port, make_key


def all_at_once(sshd: Sshd, count: int) -> list[str]:
    """Run commands that end only once all of them run, and return what they printed."""
    meet = f"touch $$.here; until [ $(ls *.here | wc --lines) -ge {count} ]; do sleep 0.05; done"
    with ThreadPoolExecutor(count) as pool:
        futures = [
            pool.submit(ssh.run_command, sshd.host, f"{meet}; echo {number}")
            for number in range(count)
        ]
        return [future.result() for future in futures]


@pytest.mark.parametrize("sessions", [1, 2, 10])
def test_more_commands_run_at_once_than_one_connection_allows(start: Start, sessions: int) -> None:
    sshd = start(f"MaxSessions={sessions}")
    assert all_at_once(sshd, 4) == ["0\n", "1\n", "2\n", "3\n"]
    assert sshd.logins == {1: 4, 2: 2, 10: 1}[sessions] or sessions == 2
    assert sshd.logins <= 4
    before = sshd.logins
    assert all_at_once(sshd, 4) == ["0\n", "1\n", "2\n", "3\n"]
    assert sshd.logins == before or sessions == 2, "the connections are kept"


def test_one_session_is_enough_for_sequential_commands_and_files(start: Start) -> None:
    sshd = start("MaxSessions=1")
    for number in range(20):
        file_transfer.put_file(sshd.host, f"file-{number}", b"content")
        assert ssh.run_command(sshd.host, f"cat file-{number}") == "content"
        assert file_transfer.get_file(sshd.host, f"file-{number}") == b"content"
    assert sshd.logins == 1


def test_a_command_during_a_file_transfer_needs_two_sessions(start: Start) -> None:
    sshd = start("MaxSessions=1")
    with file_transfer.sftp_client(sshd.host, "file") as files, files.open("file", "wb") as remote:
        assert ssh.run_command(sshd.host, "echo meanwhile") == "meanwhile\n"
        remote.write(b"content")
    assert file_transfer.get_file(sshd.host, "file") == b"content"
    assert sshd.logins == 2


def test_without_further_connections_a_free_session_is_awaited(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    sshd = start("MaxSessions=1")
    monkeypatch.setattr(connection_pool, "MAX_CONNECTIONS", 1)
    connection.disconnect(sshd.host)
    with ThreadPoolExecutor(3) as pool:
        futures = [
            pool.submit(ssh.run_command, sshd.host, f"sleep 0.3; echo {n}") for n in range(3)
        ]
        assert [future.result() for future in futures] == ["0\n", "1\n", "2\n"]
    assert sshd.logins == 1


def test_a_login_limit_met_during_work_is_not_a_failure(start: Start) -> None:
    """As pam_limits shows maxlogins: sshd lets in, and each command ends with 254."""
    stack = "auth required pam_permit.so\naccount required pam_permit.so\n"
    sshd = start(
        "MaxSessions=1",
        use_pam=True,
        etc_files={"pam.d/sshd": f"{stack}session required pam_exec.so /mnt/only-one\n"},
    )
    (sshd.home / "only-one").write_text("#!/bin/sh\nexec mkdir /tmp/the-only-login\n")
    (sshd.home / "only-one").chmod(0o755)
    with ThreadPoolExecutor(3) as pool:
        futures = [
            pool.submit(ssh.run_command, sshd.host, f"sleep 0.3; echo {n}") for n in range(3)
        ]
        assert [future.result() for future in futures] == ["0\n", "1\n", "2\n"]
    assert sshd.logins > 1, "others were tried"


def test_a_host_without_any_session_is_named(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_pool, "REFUSED_ALONE_SECONDS", 0.5)
    sshd = start("MaxSessions=0")
    with pytest.raises(SessionRefusedError, match=r"127\.0\.0\.1 \(i-1\) .* no session") as caught:
        ssh.run_command(sshd.host, "true")
    assert "MaxSessions" in caught.value.hint
    assert not is_retryable(caught.value)


def test_a_tunnel_opens_while_all_sessions_are_in_use(start: Start) -> None:
    sshd = start("MaxSessions=1")
    with file_transfer.sftp_client(sshd.host, "file"):
        assert first_words(sshd, sshd.port) == b"SSH-2.0-"
        tunnel.check_tunnel(sshd.host, sshd.port)
    assert sshd.logins == 1


@pytest.mark.parametrize(
    "option",
    ["AllowTcpForwarding=no", "AllowTcpForwarding=remote", "DisableForwarding=yes",
     "PermitOpen=none", "PermitOpen=localhost:9"],
)  # fmt: skip
def test_a_forbidden_tunnel_is_reported(start: Start, option: str) -> None:
    sshd = start(option)
    for look in (
        lambda: tunnel.check_tunnel(sshd.host, sshd.port),
        lambda: first_words(sshd, sshd.port),
    ):
        with pytest.raises(TunnelForbiddenError, match=f"forbids .* port {sshd.port}") as caught:
            look()
        assert "AllowTcpForwarding" in caught.value.hint
        assert not is_retryable(caught.value)
    assert "refused local port forward" in sshd.log or "the request was denied" in sshd.log
    assert ssh.run_command(sshd.host, "echo still here") == "still here\n"


def test_a_key_without_port_forwarding_is_reported_as_forbidden(start: Start) -> None:
    sshd = start()
    allowed = sshd.home / "key.pub"
    allowed.write_text(f"restrict {allowed.read_text()}")
    with pytest.raises(TunnelForbiddenError):
        tunnel.check_tunnel(sshd.host, sshd.port)


def test_a_closed_port_is_not_reported_as_forbidden(start: Start) -> None:
    sshd, port = start(), free_port()
    tunnel.check_tunnel(sshd.host, port)
    with pytest.raises(ConnectionError, match="nobody spoke"):
        first_words(sshd, port)


def first_words(sshd: Sshd, remote_port: int) -> bytes:
    """Return what a server behind a tunnel says first."""
    with (
        tunnel.open_tunnel(sshd.host, remote_port) as port,
        socket.create_connection(("127.0.0.1", port), 60) as line,
    ):
        line.settimeout(60)
        if not (message := line.recv(8)):
            raise ConnectionError("nobody spoke")
        return message


def test_a_command_that_times_out_does_not_end_others(start: Start) -> None:
    sshd = start()
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(ssh.run_command, sshd.host, "until [ -e go ]; do sleep 0.05; done; pwd")
        with pytest.raises(HostUnreachableError, match="no answer within 1 s"):
            ssh.run_command(sshd.host, "sleep 600", timeout_seconds=1)
        (sshd.home / "go").touch()
        assert other.result() == "/mnt\n"
    assert sshd.logins == 1


def test_a_login_dropped_under_load_is_retried(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "DROPPED_PAUSE_SECONDS", 0.05)
    sshd = start("MaxStartups=1", "LoginGraceTime=600")
    before = socket.create_connection(("127.0.0.1", sshd.port), 60)
    threading.Timer(1, before.close).start()
    assert before.recv(4) == b"SSH-", "it is the one that may be logging in"
    assert ssh.run_command(sshd.host, "echo in") == "in\n"
    assert "MaxStartups" in sshd.log or "drop connection" in sshd.log


def test_a_host_that_keeps_dropping_logins_is_unreachable(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "DROPPED_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(login, "CONNECTION_DROPPED_SECONDS", 0.5)
    sshd = start("MaxStartups=1", "LoginGraceTime=600")
    with socket.create_connection(("127.0.0.1", sshd.port), 60) as before:
        assert before.recv(4) == b"SSH-"
        with pytest.raises(
            HostUnreachableError, match=r"closes connections at once.*MaxStartups"
        ) as caught:
            ssh.run_command(sshd.host, "true")
    assert is_retryable(caught.value)


def test_an_sshd_without_ed25519_user_keys_gets_a_hint(start: Start) -> None:
    sshd = start("PubkeyAcceptedAlgorithms=rsa-sha2-512,ecdsa-sha2-nistp256")
    with pytest.raises(LoginRefusedError) as caught:
        ssh.run_command(sshd.host, "true")
    assert "signature algorithm ssh-ed25519 not in PubkeyAcceptedAlgorithms" in sshd.log
    assert "pubkeyaccepted must show ssh-ed25519" in caught.value.hint


def test_an_sshd_without_an_ed25519_host_key_is_named(start: Start) -> None:
    sshd = start("HostKeyAlgorithms=ecdsa-sha2-nistp256,rsa-sha2-512")
    with pytest.raises(KeyTypeRefusedError, match="no ssh-ed25519 host key") as caught:
        ssh.is_reachable(sshd.host)
    assert "FIPS" in caught.value.hint


class TellsOtherKinds(paramiko.Transport):  # type: ignore[misc]  # paramiko has no types
    """Tells its callers other kinds of keys than it knows itself."""

    taken: tuple[str, ...]
    _preferred_pubkeys: tuple[str, ...]

    def _activate_outbound(self) -> None:
        known, self._preferred_pubkeys = self._preferred_pubkeys, self.taken
        super()._activate_outbound()
        self._preferred_pubkeys = known


@contextmanager
def fips_server(folder: Path, taken: list[str]) -> Iterator[tuple[Host, int]]:
    """Give an ssh server that tells beforehand what kinds of keys it takes, and refuses all."""
    make_key(folder / "key")
    key = paramiko.Ed25519Key.from_private_key_file(str(folder / "key"))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            line = TellsOtherKinds(listener.accept()[0])
            line.taken = tuple(taken)
            line.add_server_key(key)
            line.start_server(server=paramiko.ServerInterface())
            line.join(60)

        threading.Thread(target=serve, daemon=True).start()
        host = Host(
            instance_id="i-1",
            address="127.0.0.1",
            user="ubuntu",
            host_key=f"{key.get_name()} {key.get_base64()}",
            private_key_path=str(folder / "key"),
        )
        yield host, listener.getsockname()[1]


def test_an_sshd_in_fips_mode_is_recognised_by_its_key_types(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = "rsa-sha2-512,rsa-sha2-256"
    with fips_server(tmp_path, taken.split(",")) as (host, port):
        monkeypatch.setattr(login, "SSH_PORT", port)
        with pytest.raises(KeyTypeRefusedError, match=taken) as caught:
            ssh.is_reachable(host)
    assert "FIPS" in caught.value.hint


def test_a_wrong_key_is_not_reported_as_a_refused_key_type(start: Start) -> None:
    sshd = start()
    (sshd.home / "key.pub").write_text("")
    with pytest.raises(
        LoginRefusedError, match="does not accept the ssh-ed25519 key of user root"
    ) as caught:
        ssh.run_command(sshd.host, "true")
    assert type(caught.value) is LoginRefusedError
