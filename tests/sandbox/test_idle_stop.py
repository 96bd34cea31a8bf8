"""Servers that end by themselves: no process of ours runs, and they stop, but do not terminate."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from notebake.aws import tags
from notebake.commands.idle_units import idle_stop_is_enabled
from notebake.machines.idle.times import parse_time
from notebake.servers.console_state import parse_use
from notebake.servers.idle_state import IDLE_FILE
from tests.sandbox.bake_world import wait_for
from tests.sandbox.bakery import Bakery
from tests.sandbox.idle_world import PROGRAMS, Server, launch_servers

pytestmark = pytest.mark.sandbox
DROP_IN = "/run/systemd/system/notebake-idle.timer.d/often.conf"
OFTEN = f"""
install -D /dev/stdin {DROP_IN} <<'END'
[Timer]
OnActiveSec=
OnUnitActiveSec=
OnActiveSec=1
OnUnitActiveSec=2
AccuracySec=1ms
END
systemctl daemon-reload
systemctl restart notebake-idle.timer
"""
"""The timer elapses every two seconds, so that limits can be seconds. It is gone with the boot."""
ZONE = "America/Los_Angeles"
ENDS = ("idle", "daily end", "hard end")
BY_HAND = "by hand"


@dataclass(frozen=True)
class Ended:
    """A server that has ended, and what its disk holds of the last checks."""

    server: Server
    log: str
    stop_calls: int
    """How often EC2 was asked meanwhile to stop or terminate anything."""
    shown: str = ""
    """What a terminal of it has shown."""

    def description(self) -> dict[str, Any]:
        return self.server.describe()


@pytest.fixture(scope="module")
def servers(
    bakery: Bakery, image: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Server]]:
    """Four machines of one image: three are servers, one was launched by hand."""
    wanted = [{tags.SERVER: name.replace(" ", "-"), tags.IDLE: "0"} for name in ENDS]
    folder = tmp_path_factory.mktemp("servers")
    launched = launch_servers(bakery.cloud, image["ImageId"], folder, *wanted, {"Name": BY_HAND})
    for server in launched:
        login = server.wait_until_up()
        login.run(idle_stop_is_enabled())
        login.run(OFTEN)
    yield dict(zip((*ENDS, BY_HAND), launched, strict=True))
    bakery.cloud.ec2().terminate_instances(InstanceIds=[server.id for server in launched])


def make_busy(server: Server) -> None:
    """Let a cell compute for ever: only an end stops that."""
    login = server.login()
    actor = (PROGRAMS / "actor.py").read_text()
    login.run(f"cat > /opt/actor.py <<'END OF THE FILE'\n{actor}\nEND OF THE FILE\n")
    login.run("/opt/notebake/python/bin/python /opt/actor.py cell a.ipynb 'while True: pass'")


@pytest.fixture(scope="module")
def ended(servers: dict[str, Server]) -> dict[str, Ended]:
    """Set the tags, as any computer can, and look at EC2 alone until the machines are off."""
    for name in ("daily end", "hard end"):
        make_busy(servers[name])
    before = stop_calls(servers["idle"])
    watched = servers["daily end"].login()
    words = [*watched.words(), "-tt", f"{watched.user}@{watched.address}"]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as terminal:
        assert terminal.stdout
        greeting = terminal.stdout.read(100)
        assert greeting, "the terminal is there before anything warns"
        now = datetime.now(UTC)
        minute = (now + timedelta(seconds=150)).astimezone(ZoneInfo(ZONE))
        servers["idle"].set_tags(**{tags.IDLE: "0.4"})
        servers["daily end"].set_tags(**{tags.DAILY_END: f"{minute:%H:%M} {ZONE}"})
        servers["hard end"].set_tags(**{tags.HARD_END: tags.as_tag(now + timedelta(seconds=60))})
        found = {name: wait_until_off(servers[name], name, before) for name in ENDS}
        terminal.kill()
        shown = (greeting + terminal.communicate()[0]).decode(errors="replace")
    found["daily end"] = replace(found["daily end"], shown=shown)
    return found


def wait_until_off(server: Server, name: str, calls_before: int) -> Ended:
    wait_for(lambda: server.state() == "stopped", f"the {name}")
    log = server.cloud.home.machines_path / server.id / "upper/var/log/syslog"
    return Ended(server, log.read_text(errors="replace"), stop_calls(server) - calls_before)


def stop_calls(server: Server) -> int:
    calls = server.cloud.calls
    return len(calls("StopInstances")) + len(calls("TerminateInstances"))


@pytest.mark.parametrize("name", ENDS)
def test_it_stops_by_itself_and_says_why(ended: dict[str, Ended], name: str) -> None:
    description = ended[name].description()

    assert description["State"]["Name"] == "stopped"
    assert description["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"
    assert f"Powers off: {name}." in ended[name].log
    assert ended[name].stop_calls == 0, "nobody had to ask for it"


@pytest.mark.parametrize(
    ("name", "said"), [("idle", "Not used since "), ("daily end", "In use"), ("hard end", "In use")]
)
def test_its_console_says_to_whoever_has_no_key_whether_it_was_used(
    ended: dict[str, Ended], name: str, said: str
) -> None:
    server = ended[name].server
    console = server.cloud.ec2().get_console_output(InstanceId=server.id, Latest=True)

    use = parse_use(console["Output"])

    assert use.startswith(said), console["Output"][-2000:]
    assert use == said or use.endswith(": idle")


def test_what_is_in_use_at_its_end_was_warned(ended: dict[str, Ended]) -> None:
    for name in ("daily end", "hard end"):
        warned = re.findall(r"this machine stops in \d minutes? .*", ended[name].log)
        assert [f"its {name}" in line for line in warned] == [True] * len(warned)
        assert warned
    assert "notebake: this machine stops in" in ended["daily end"].shown, "its terminals too"


def test_a_machine_of_the_image_that_was_launched_by_hand_goes_on(
    ended: dict[str, Ended], servers: dict[str, Server]
) -> None:
    assert len(ended) == len(ENDS)
    login = servers[BY_HAND].login()

    assert login.try_run(f"cat {IDLE_FILE}").returncode != 0
    journal = login.run("journalctl --no-pager --output=cat --unit=notebake-idle.service")
    lines = [line for line in journal.splitlines() if "Does nothing" in line]
    assert lines == ["Does nothing: the instance has no tag notebake:server"]


def test_a_server_whose_hard_end_is_over_can_be_started_again(ended: dict[str, Ended]) -> None:
    server = ended["hard end"].server
    server.cloud.ec2().start_instances(InstanceIds=[server.id])
    login = server.wait_until_up()
    login.run("systemctl start notebake-idle.service")
    report = json.loads(login.run(f"cat {IDLE_FILE}"))

    assert report["why"] == "hard end"
    assert parse_time(report["stops_at"]) > datetime.now(UTC).timestamp() + 23 * 3600
