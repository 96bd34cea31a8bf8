"""`notebake explain NAME`: a server as AWS shows it now, without Prefect or a run store."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.cli.completers import find_explainable
from flows.cli.main import main
from notebake.aws import tags
from notebake.commands.volumes import device_link
from notebake.explanation.document import Explanation, Where
from notebake.explanation.server_explanation import explain_server
from notebake.explanation.server_facts import find_facts
from notebake.project import PROJECT
from notebake.runs.run_id import is_run_id
from notebake.servers import admission, keys, mounting
from notebake.servers.kept_volume import list_kept
from notebake.servers.power import stop_server
from notebake.servers.server_disks import disks_of_launch, tag_of_disks
from notebake.servers.wanted_volume import WantedVolume
from tests.cloud_world import REGION
from tests.explained_run import LINES, actions_of
from tests.json_documents import document
from tests.limits import HANG_SECONDS
from tests.server_world import HOST_KEY, OWNER, ServerWorld, server_named, server_world

PROGRAM = """
import json, sys
from flows.cli.main import main
code = main(sys.argv[1:])
slow = sorted({"prefect", "flows.build_plan", "tasks"} & {*sys.modules})
print(json.dumps([code, slow]), file=sys.stderr)
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ServerWorld]:
    with server_world(tmp_path) as opened:
        yield opened


@pytest.fixture
def plan_tags() -> dict[str, str]:
    return {tags.IDLE: "60", tags.JUPYTER_PORT: "8887", tags.DAILY_END_SET: "2026-11-30T12:00:00Z"}


def explained(name: str = "ocean") -> Explanation:
    return explain_server(find_facts(name, OWNER, REGION))


def text_of(explanation: Explanation, *places: Where) -> str:
    return "\n".join(action.text for action in actions_of(explanation, *places))


def test_a_running_server_is_explained_by_its_own_ids(
    world: ServerWorld, plan_tags: dict[str, str]
) -> None:
    keys.ensure_key(server_named(OWNER, "ocean"))
    server = world.start(world.plan(tags=plan_tags))

    explanation = explained()

    text = text_of(explanation, *LINES)
    (group,) = world.groups()
    assert [section.number for section in explanation.sections] == [1, 2, 3, 4]
    assert f"--client-token \\\n        {server.client_token}" in text
    assert text.count(group) >= 2
    assert f"@{server.address}" in text
    assert "-L localhost:7005:localhost:8887" in text
    assert HOST_KEY.split()[1] in text
    assert "sudo cat /etc/notebake/jupyter-token" in text
    assert text_of(explanation, Where.BROWSER) == "http://localhost:7005/lab"
    assert tags.IDLE in text
    assert tags.JUPYTER_PORT not in text, "it is asked of the server, later"
    assert tags.DAILY_END_SET not in text


def test_what_its_image_has_not_is_explained_too(
    world: ServerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "own_address", lambda _server: "198.51.100.1")
    monkeypatch.setattr(mounting, "run_on", lambda *_, **__: "mounted")
    keys.ensure_key(server_named(OWNER, "ocean"))
    volumes = (WantedVolume(name="data", size_gib=5),)
    made, mapping = disks_of_launch([WantedVolume(name="work", size_gib=2)], [], "ubuntu")
    marks = {tags.IDLE: "60", **tag_of_disks(made)}
    world.start(
        world.plan(volumes=volumes, disks=tuple(mapping), has_elastic_address=True, tags=marks)
    )
    (volume,) = list_kept(REGION)
    (address,) = world.world.ec2.describe_addresses()["Addresses"]

    explanation = explained()

    text = text_of(explanation, *LINES)
    assert f"--volume-id {volume.id}" in text
    assert text.count("aws ec2 create-volume") == 1
    assert "--size 5" in text
    assert "Ebs={VolumeSize=2," in text, "the disk is made by the launch"
    assert text.count("aws ec2 attach-volume") == 1
    assert device_link(volume.id) in text_of(explanation, Where.MACHINE)
    assert "mkfs" not in text, "it holds data by now"
    assert text.count(address["AllocationId"]) == 2, "associated, and released in the end"
    assert tags.RUNS not in text
    for each in (action.text for action in actions_of(explanation, *LINES)):
        assert subprocess.run(["bash", "-n", "-c", each], check=False).returncode == 0, each


def test_an_image_of_notebakes_has_a_jupyterlab_before_it_was_ever_opened(
    world: ServerWorld,
) -> None:
    keys.ensure_key(server_named(OWNER, "ocean"))
    world.start(world.plan(tags={tags.IDLE: "60", tags.RECIPE: "ocean"}))
    text = text_of(explained(), *LINES)
    assert "sudo cat /etc/notebake/jupyter-token" in text
    assert "-L localhost:7005:localhost:YOUR-PORT" in text
    assert "jupyter lab --no-browser" not in text


def test_a_stopped_server_has_no_address_to_type(world: ServerWorld) -> None:
    server = world.start(world.plan())
    stop_server(server)

    text = text_of(explained(), *LINES)

    assert 'ubuntu@"$address"' in text
    assert ".PublicIpAddress'" in text
    assert str(server.address) not in text


def test_every_line_is_one_that_bash_takes(world: ServerWorld) -> None:
    world.start(world.plan())

    texts = [action.text for action in actions_of(explained(), *LINES)]

    assert len(texts) > 15
    for text in texts:
        done = subprocess.run(
            ["bash", "-n", "-c", text], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), text


def allowed_to_users() -> set[str]:
    """Return the calls that only read, and that whoever uses images may make."""
    policy = json.loads((PROJECT / "deployments/policy-use.json").read_text())
    actions = [action for statement in policy["Statement"] for action in statement["Action"]]
    return {each.removeprefix("ec2:") for each in actions if each.startswith("ec2:Describe")}


def test_it_only_reads(world: ServerWorld, capsys: pytest.CaptureFixture[str]) -> None:
    world.start(world.plan())
    before = len(world.world.actions())

    found = document(["explain", "ocean", "--owner", OWNER, "--region", REGION], capsys)

    assert (found["kind"], found["subject"]) == ("server", "ocean")
    asked = {*world.world.actions()[before:]}
    assert "DescribeInstances" in asked
    assert asked - allowed_to_users() == set()


def test_neither_prefect_nor_a_run_store_is_needed(
    world: ServerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.start(world.plan())
    monkeypatch.setenv("NOTEBAKE_RUNS", "/dev/null/no-store")

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "explain", "ocean", "--owner", OWNER, "--region", REGION],
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
    )

    assert json.loads(done.stderr.splitlines()[-1]) == [0, []], done.stderr
    assert "The server ocean, by hand" in done.stdout


def test_an_unknown_server_is_refused_with_the_name_that_was_meant(
    world: ServerWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world.start(world.plan())

    assert main(["explain", "ocaen", "--owner", OWNER, "--region", REGION]) == 1

    assert "Did you mean ocean?" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("word", "is_run"),
    [
        ("ocean-20261123-120000-1a2b", True),
        ("my-ocean-20261123-120000-ffff", True),
        ("ocean", False),
        ("ocean-20261123", False),
        ("i-0123456789abcdef0", False),
        ("20261123-120000-1a2b", False),
    ],
)
def test_a_word_is_a_run_by_its_form_alone(word: str, *, is_run: bool) -> None:
    assert is_run_id(word) is is_run


def test_completion_offers_runs_and_opened_servers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path))
    monkeypatch.setenv("NOTEBAKE_RUNS", str(tmp_path / "runs"))
    place = tmp_path / "servers" / OWNER / "ocean"
    place.mkdir(parents=True)
    (place / "reached.json").write_text("{}")
    run = tmp_path / "runs" / "ocean-20261123-120000-1a2b"
    run.mkdir(parents=True)
    (run / "run.json").write_text("{}")

    class Given:
        store = ""

    assert sorted(find_explainable("oc", Given())) == ["ocean", run.name]  # type: ignore[arg-type]
