"""A host that comes up refuses for a while: that is waited for, and what never passes is named."""

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from notebake import clock
from notebake.commands.boot import BOOT_FINISHED_FILE
from notebake.errors import (
    KeyTypeRefusedError,
    LoginRefusedError,
    LoginShellError,
    WaitTimeoutError,
)
from notebake.machines.boot import wait_for_boot
from notebake.ssh import connection, login
from notebake.ssh import remote as ssh
from tests.quick_clock import QuickClock
from tests.ssh.conftest import Start
from tests.ssh.own_sshd import Sshd
from tests.ssh.test_hardened_sshd import fips_server

REFUSALS = 25
BEGAN = f"install -D /dev/null {BOOT_FINISHED_FILE}"
"""Then cloud-init is not asked."""


def after(sshd: Sshd, words: str, count: int, mend: Callable[[], object]) -> threading.Thread:
    """Mend something once sshd has said some words so often."""

    def watch() -> None:
        while sshd.log.count(words) < count:
            time.sleep(0.05)
        mend()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def test_a_key_installed_late_is_retried(start: Start) -> None:
    sshd = start("LogLevel=VERBOSE")
    ssh.run_command(sshd.host, BEGAN)
    connection.disconnect(sshd.host)
    allowed = sshd.home / "key.pub"
    key = allowed.read_text()
    allowed.write_text("")
    arrives = after(sshd, "Failed publickey", REFUSALS, lambda: allowed.write_text(key))
    with clock.replaced(QuickClock(10)):
        wait_for_boot(sshd.host)
    arrives.join()
    assert sshd.log.count("Failed publickey") >= REFUSALS


def test_a_host_that_refuses_logins_during_boot_is_retried(start: Start) -> None:
    """As pam_nologin does for everybody but root: the key is right, and the account is refused."""
    stack = "auth required pam_permit.so\nsession required pam_permit.so\n"
    pam = f"{stack}account required pam_exec.so /mnt/gate\n"
    sshd = start("LogLevel=VERBOSE", use_pam=True, etc_files={"pam.d/sshd": pam})
    (sshd.home / "gate").write_text("#!/bin/sh\nexec test -e /mnt/open\n")
    (sshd.home / "gate").chmod(0o755)
    (sshd.home / "open").touch()
    ssh.run_command(sshd.host, BEGAN)
    connection.disconnect(sshd.host)
    (sshd.home / "open").unlink()
    opens = after(sshd, "Access denied", REFUSALS, (sshd.home / "open").touch)
    with clock.replaced(QuickClock(10)):
        wait_for_boot(sshd.host)
    opens.join()


def test_a_permanently_refused_key_is_reported(start: Start) -> None:
    sshd = start()
    (sshd.home / "key.pub").write_text("")
    with clock.replaced(QuickClock(100)), pytest.raises(LoginRefusedError, match="not accept"):
        wait_for_boot(sshd.host)


def test_an_unreachable_host_is_named_with_its_answer(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    sshd = start()
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        monkeypatch.setattr(login, "SSH_PORT", nobody.getsockname()[1])
    with (
        clock.replaced(QuickClock(100)),
        pytest.raises(WaitTimeoutError, match=r"waiting for .* Last error: .*refused"),
    ):
        wait_for_boot(sshd.host)


def test_a_host_that_refuses_our_key_type_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fips_server(tmp_path, ["rsa-sha2-512"]) as (host, port):
        monkeypatch.setattr(login, "SSH_PORT", port)
        with pytest.raises(KeyTypeRefusedError):
            wait_for_boot(host)


def test_a_login_shell_that_runs_nothing_is_not_waited_for(start: Start) -> None:
    sshd = start(login_shell="/usr/sbin/nologin")
    with pytest.raises(LoginShellError, match="not available"):
        wait_for_boot(sshd.host)
    assert sshd.logins == 1
