"""Records what the checks of a server see while somebody does there what a case says."""

import shutil
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from notebake.aws import tags
from notebake.commands.apt import install_packages
from tests.idle.cases import Case
from tests.idle.recording import CHECKS, SECONDS
from tests.sandbox.bake_world import wait_for
from tests.sandbox.idle_acts import held_open, logged_in, open_tab
from tests.sandbox.idle_world import PROGRAMS, UNTIL_IT_ANSWERS, Server

RECORDING = "var/tmp/recording.json"
SHELL = """
set -eu
act() { /opt/notebake/python/bin/python /opt/actor.py "$@"; }
keep_acting() {
    systemd-run --quiet --collect --unit=notebake-actor /opt/notebake/python/bin/python \
        /opt/actor.py "$@"
}
"""
RESET = """
systemctl stop notebake-actor.service own-job.service 2> /dev/null || true
systemctl kill --signal=KILL notebake-jupyter.service 2> /dev/null || true
for group in /sys/fs/cgroup/systemd/system.slice/ssh.service \
        /sys/fs/cgroup/system.slice/ssh.service; do
    [ -e "$group/cgroup.procs" ] || continue
    for process in $(cat "$group/cgroup.procs"); do
        owner=$(stat --format=%U "/proc/$process" 2> /dev/null || true)
        [ "$(cat "/proc/$process/comm" 2> /dev/null || true)" != sshd ] || continue
        [ "$owner" != ubuntu ] || kill -KILL "$process" 2> /dev/null || true
    done
done
"""
START = """
rm --force /var/tmp/recording.json /data/field/*.ipynb /home/ubuntu/*.ipynb /home/ubuntu/big
systemctl restart notebake-jupyter.service
"""


def why_not(case: Case) -> str:
    """Return why a case cannot be tried here; "" if it can."""
    if case.uses == "tab" and not shutil.which("chromium"):
        return "chromium is not installed"
    return ""


def prepare(server: Server) -> None:
    """Put on the server what the cases need, and keep its own timer from judging meanwhile."""
    login = server.wait_until_up()
    login.run(f"systemctl stop notebake-idle.timer\n{install_packages(['tmux'])}")
    for name in ("actor", "recorder"):
        text = (PROGRAMS / f"{name}.py").read_text()
        login.run(f"cat > /opt/{name}.py <<'END OF THE FILE'\n{text}\nEND OF THE FILE\n")


def record(server: Server, case: Case) -> str:
    """Do what the case says, and return what the checks see, as JSON."""
    login = server.login()
    login.run(RESET + START + UNTIL_IT_ANSWERS)
    keep = ""
    if case.keep_seconds is not None:
        keep = tags.as_tag(datetime.now(UTC) + timedelta(seconds=case.keep_seconds))
    server.set_tags(**{tags.KEEP_UNTIL: keep})
    with ExitStack() as stack:
        stack.enter_context(held_open(login, case))
        if case.on_host:
            login.run(SHELL + case.on_host)
        if case.uses == "tab":
            stack.enter_context(open_tab(server, login))
        if case.login:
            stack.enter_context(logged_in(server, login, case.login))
        words = f"{CHECKS} {SECONDS} /{RECORDING} /opt/notebake/idle"
        recorder = "systemd-run --quiet --collect --unit=notebake-recorder /usr/bin/python3 -I"
        login.run(f"{recorder} /opt/recorder.py {words}")
        # Its disk is looked at, as a question by ssh would be a connection.
        kept = server.cloud.home.machines_path / server.id / "upper" / RECORDING
        wait_for(kept.exists, f"the recording of {case.name}")
        text = kept.read_text()
    login.run(RESET)
    return text
