"""A login shell that prints, traces, waits or ends changes no answer: it is taken from a frame."""

import os

import pytest

from notebake.errors import HostCommandError, LoginShellError
from notebake.ssh import file_transfer
from notebake.ssh import remote as ssh
from tests.ssh.conftest import Start
from tests.ssh.own_sshd import Sshd, has_program

CHATTER = {
    "a line": "echo Welcome to the corporate image",
    "no newline": "printf Welcome",
    "binary": "printf '\\000\\377\\200\\015'",
    "much": "head --bytes=300000 /dev/zero | tr '\\000' x",
    "errors": "for i in $(seq 20000); do echo noise $i >&2; done",
    "trace": "set -x",
    "trace for all": "set -x; export SHELLOPTS BASHOPTS",
    "verbose": "set -v",
    "end": "trap 'echo Goodbye; sleep 0.2; echo end' EXIT",
    "commands": "trap 'echo about to run \"$BASH_COMMAND\"' DEBUG",
    "joined": "exec 2>&1; set -x; echo joined",
    "slow": "echo Wait; sleep 1",
    "input": "read line; cat > /dev/null",
    "logged": "exec > >(tee -a ~/session.log)",
    "environment": "export CDPATH=/tmp:/usr POSIXLY_CORRECT=1 LC_ALL=xx_XX.UTF-8; cd /",
    "functions": "echo() { builtin echo mine; }; printf() { :; }; export -f echo printf",
    "errexit": "set -eu; set -o pipefail; export SHELLOPTS",
    "background": "sleep 300 &",
}
"""What has been seen in files that a login shell reads, by what it does."""


def check_answers(sshd: Sshd) -> None:
    """Fail unless commands and files behave as on a host that says nothing."""
    host, content = sshd.host, os.urandom(100_000)
    assert ssh.run_command(host, "echo hello") == "hello\n"
    assert ssh.run_command(host, "printf hello; echo trouble >&2") == "hello"
    assert ssh.run_command(host, "true") == ""
    answer = ssh.try_command(host, "printf 'a\\tb!'; echo 'é “q”' \"$0\"; (exit 7)")
    assert (answer.exit_code, answer.output) == (7, "a\tb!é “q” bash\n")
    assert not ssh.succeeds(host, "false")
    assert ssh.try_command(host, "cat; exit 5").exit_code == 5, "its input is at its end"
    assert ssh.try_command(host, "set -euo pipefail\nfalse\necho never").output == ""
    assert len(ssh.run_command(host, f"# {'x' * 96_000}\nhead --bytes=3000000 /dev/zero")) == 3e6
    file_transfer.put_file(host, "file", content)
    assert (sshd.home / "file").read_bytes() == content
    assert file_transfer.get_file(host, "file") == content
    with pytest.raises(FileNotFoundError):
        file_transfer.get_file(host, "none")


@pytest.mark.parametrize("chatter", CHATTER)
def test_output_of_bashrc_does_not_change_answers(start: Start, chatter: str) -> None:
    sshd = start()
    (sshd.home / ".bashrc").write_text(f"{CHATTER[chatter]}\ntouch ~/read\n")
    if chatter == "input":
        check_commands_only(sshd)
    else:
        check_answers(sshd)
    assert (sshd.home / "read").exists(), "the login shell read it"


def check_commands_only(sshd: Sshd) -> None:
    """What reads all input can be given none; a file needs a channel that stays open."""
    assert ssh.run_command(sshd.host, "echo hello") == "hello\n"


def test_stderr_is_that_of_the_command(start: Start) -> None:
    sshd = start()
    (sshd.home / ".bashrc").write_text("echo noise >&2\nset -x\n")
    answer = ssh.try_command(sshd.host, "echo trouble >&2; exit 3")
    assert (answer.exit_code, answer.output, answer.errors) == (3, "", "trouble\n")
    with pytest.raises(HostCommandError, match=r"exit code 3: .*\ntrouble$"):
        ssh.run_command(sshd.host, "echo trouble >&2; exit 3")


def test_output_of_BASH_ENV_does_not_change_answers(start: Start) -> None:  # noqa: N802
    sshd = start("SetEnv=BASH_ENV=/mnt/everywhere")
    (sshd.home / "everywhere").write_text("echo Everywhere\n")
    (sshd.home / ".bashrc").write_text("bash -c 'echo by the login shell' > ~/seen\n")
    check_answers(sshd)
    assert ssh.run_command(sshd.host, "bash -c 'echo deeper'") == "deeper\n"
    assert (sshd.home / "seen").read_text() == "Everywhere\nby the login shell\n", "it was set"


def test_an_earlier_answer_is_not_reused(start: Start) -> None:
    sshd = start()
    (sshd.home / ".bashrc").write_text("cat ~/earlier 2> /dev/null\nexec > >(tee -a ~/earlier)\n")
    assert ssh.run_command(sshd.host, "echo first") == "first\n"
    assert ssh.try_command(sshd.host, "echo second; exit 1").output == "second\n"
    assert ssh.run_command(sshd.host, "echo third") == "third\n"
    assert b" begin\nfirst\n" in (sshd.home / "earlier").read_bytes(), "the frame was printed again"


@pytest.mark.parametrize(
    ("shell", "file"),
    [
        ("/bin/dash", ".profile"),
        ("/usr/bin/zsh", ".zshenv"),
        ("/usr/bin/fish", ".config/fish/config.fish"),
        ("/usr/bin/tcsh", ".tcshrc"),
        ("/usr/bin/ksh93", ".profile"),
    ],
)
def test_the_login_shells_language_does_not_matter(start: Start, shell: str, file: str) -> None:
    if not has_program(shell):
        pytest.skip(f"there is no {shell} in the sshd's system")
    sshd = start(login_shell=shell)
    place = sshd.home / file
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("echo Welcome\ntouch ~/read\n")
    check_answers(sshd)
    if shell not in ("/bin/dash", "/usr/bin/ksh93"):
        assert (sshd.home / "read").exists(), "the login shell read it"


@pytest.mark.parametrize(
    ("text", "code"),
    [("echo Closed for today; exit 0", 0), ("exit 4", 4), ("exec echo instead of a shell", 0)],
)
def test_a_shell_that_exits_early_is_not_an_answer(start: Start, text: str, code: int) -> None:
    sshd = start()
    (sshd.home / ".bashrc").write_text(f"{text}\n")
    for ask in (
        lambda: ssh.succeeds(sshd.host, "test -e /there"),
        lambda: file_transfer.get_file(sshd.host, "file"),
        lambda: file_transfer.put_file(sshd.host, "file", b"content"),
        lambda: ssh.is_reachable(sshd.host),
    ):
        with pytest.raises(LoginShellError, match=f"exit code {code}") as caught:
            ask()
        printed = text.partition("echo ")[2].partition(";")[0]
        assert printed in caught.value.message
        assert "127.0.0.1" in caught.value.message
        assert "~/.bashrc" in caught.value.hint


def test_an_unusable_login_shell_is_named(start: Start) -> None:
    sshd = start(login_shell="/usr/sbin/nologin")
    with pytest.raises(LoginShellError, match="This account is currently not available"):
        ssh.succeeds(sshd.host, "true")


HIDE_SFTP = "mount -t tmpfs tmpfs /usr/lib/openssh; ls /usr/lib/openssh"


@pytest.mark.parametrize("server", ["internal-sftp", "/mnt/elsewhere"])
def test_without_an_sftp_subsystem_sshd_s_own_server_is_started(start: Start, server: str) -> None:
    sshd = start(f"Subsystem=sftp {server}", "MaxSessions=1")
    hide = f"cp /usr/lib/openssh/sftp-server /mnt/elsewhere; {HIDE_SFTP}"
    assert ssh.run_command(sshd.host, hide) == ""
    (sshd.home / ".bashrc").write_text("echo Welcome; touch ~/read\n")
    content = os.urandom(100_000)
    file_transfer.put_file(sshd.host, "file", content)
    assert file_transfer.get_file(sshd.host, "file") == content
    with pytest.raises(FileNotFoundError):
        file_transfer.get_file(sshd.host, "none")


@pytest.mark.parametrize("options", [[], ["Subsystem=sftp /mnt/none"]])
def test_a_host_that_serves_no_files_is_named(start: Start, options: list[str]) -> None:
    sshd = start(*options)
    assert ssh.run_command(sshd.host, HIDE_SFTP) == ""
    (sshd.home / ".bashrc").write_text("echo Welcome\n")
    with pytest.raises(LoginShellError, match="no sftp-server is installed") as caught:
        file_transfer.get_file(sshd.host, "file")
    assert "~/.bashrc" in caught.value.hint
