"""The truth table on a real host: what somebody does there, and whether the server would stop.

`python -m tests.idle` keeps what the checks see; the rules of others are scored on that.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.idle.cases import CASES, Case
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
