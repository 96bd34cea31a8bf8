"""The truth table on a real host: what somebody does there, and whether the server would stop.

`python -m tests.idle` keeps what the checks see; the rules of others are scored on that.
"""

import json
from collections.abc import Iterator
from shlex import quote
from typing import Any

import pytest

from tests.idle.cases import BURN, CASES, Case
from tests.idle.recording import judge_last, parse_recording, stops
from tests.sandbox.bakery import Bakery
from tests.sandbox.idle_record import prepare, record, why_not
from tests.sandbox.idle_world import Server, launch_servers

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def server(
    bakery: Bakery, image: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("truth")
    (launched,) = launch_servers(
        bakery.cloud, image["ImageId"], folder, {"notebake:server": "truth"}
    )
    prepare(launched)
    yield launched
    bakery.cloud.ec2().terminate_instances(InstanceIds=[launched.id])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_stops_where_nobody_uses_it_and_nowhere_else(server: Server, case: Case) -> None:
    if reason := why_not(case):
        pytest.skip(reason)
    recording = parse_recording(record(server, case))

    assert stops(recording) is case.stops, judge_last(recording)


COMPARE = """
import json, sys, time
from pathlib import Path
sys.path.insert(0, "/opt/notebake/idle")
from notebake.machines.idle import processors
readers = (processors.read_processor_time, lambda: processors._by_process(Path("/proc")))
before = [read() for read in readers]
time.sleep(5)
print(json.dumps([processors.difference(was, read()) for was, read in zip(before, readers)]))
"""


def test_processes_add_up_to_what_their_groups_have_used(server: Server) -> None:
    """Of the two ways to read it: cgroup2, and /proc for hosts with version 1 alone."""
    login = server.login()
    login.run(f"systemd-run --quiet --unit=own-job bash -c {quote(BURN)}")
    by_group, by_process = json.loads(login.run(f"/usr/bin/python3 -I -c {quote(COMPARE)}"))
    login.run("systemctl stop own-job.service")

    assert by_group["own-job.service"] > 0.1
    assert by_process["own-job.service"] == pytest.approx(by_group["own-job.service"], rel=0.3)
