"""`notebake explain RUN`: as far as the run went, with its own ids, in lines that a shell takes."""

import re
import subprocess

import pytest

from flows.cli.main import main
from flows.terminal.explanation_text import print_explanation
from notebake.errors import NotebakeError
from notebake.explanation.document import ExplainedStep, Explanation, Where
from notebake.explanation.filled_parameters import YOUR_ADDRESS
from notebake.recipe import (
    Dataset,
    Efs,
    InstanceStore,
    Notebook,
    Recipe,
    Repository,
    Software,
    Volume,
)
from notebake.resources import stack_instances
from notebake.runbook.plan import PLAN
from notebake.runs import events
from notebake.runs.executing import executing
from notebake.runs.run import Run
from tests.cloud_steps import CLOUD_STEPS, step_named
from tests.cloud_world import RECIPE, CloudWorld, RefusedCall
from tests.explained_run import LINES, WANTED, actions_of, bake, do, explained, tear_down
from tests.json_documents import document

WIDE = 80
UNBREAKABLE = re.compile(r"\s*(?:-\S+ |chmod 400 )?\S+(?: \\)?")
"""A line of one word, which no shell lets one break: a path, or a token."""
RICH = Recipe(
    name="rich",
    instance_types=("m5d.large",),
    instance_store=InstanceStore(),
    volumes=(
        Volume(name="data", mount_point="/data", size_gib=1),
        Volume(name="old", mount_point="/old", snapshot_id="snap-0123456789abcdef0"),
        Volume(name="mine", mount_point="/mine", volume_id="vol-0123456789abcdef0"),
    ),
    efs=(
        Efs(
            file_system_id="fs-0123456789abcdef0",
            mount_point="/shared",
            access_point_id="fsap-0123456789abcdef0",
        ),
    ),
    software=Software(
        apt=("ffmpeg",),
        manager="conda",
        python="3.12",
        packages=("xarray>=2024", "netcdf4"),
        pip=("utm<1",),
        requirements="name: rich\ndependencies:\n- cmocean\n",
    ),
    datasets=(
        Dataset(
            name="web", source="https://example.org/a%20b.nc?x=1", path="/data/w", sha256="a" * 64
        ),
        Dataset(name="bucket", source="s3://bucket/key/", path="/data/bucket"),
        Dataset(name="host", source="sftp://ada@example.org/a", path="/data/host"),
    ),
    repository=Repository(url="https://example.org/ocean.git", ref="v1.0"),
    notebook=Notebook(path="chlorophyll.ipynb", parameters={"title": "Ada's $HOME"}),
)


def step_of(explanation: Explanation, name: str) -> ExplainedStep:
    """Return one step of an explanation."""
    (found,) = [
        step for section in explanation.sections for step in section.steps if step.name == name
    ]
    return found


def text_of(explanation: Explanation, *places: Where) -> str:
    return "\n".join(action.text for action in actions_of(explanation, *places or tuple(Where)))


def test_efs_is_explained_with_its_client_and_not_mounted(rich_run: Run) -> None:
    mounting, installing = (
        "\n".join(action.text for action in step_of(explained(rich_run), name).actions)
        for name in ("mount_volumes", "install_packages")
    )

    assert 'echo "fs-0123456789abcdef0:/ /shared efs $options 0 0" |' in mounting
    assert "options=_netdev,nofail,tls,iam,accesspoint=fsap-0123456789abcdef0\n" in mounting
    assert "mount /shared" not in mounting
    assert "amazon-efs-utils-3.2.0-1_$architecture.deb" in installing


@pytest.fixture
def rich_run(world: CloudWorld) -> Run:
    """A run of which every step is done, as its record says; nothing was made."""
    run = world.new_run(RICH)
    with executing(run):
        for name in PLAN:
            events.record_outcome(run, name, "done", seconds=1.0, detail={"result": "192.0.2.1"})
    return run


def test_an_accepted_run_is_explained_with_what_stays(world: CloudWorld) -> None:
    run = bake(world)
    tear_down(run)

    explanation = explained(run)

    image = world.ec2.describe_images(Owners=["self"])["Images"][0]["ImageId"]
    (builder, *_) = re.findall(r"i-[0-9a-f]{17}", step_of(explanation, "launch_instance").outcome)
    assert [section.number for section in explanation.sections] == [1, 6, 7, 8]
    assert f"--instance-id {builder}" in text_of(explanation)
    assert any(image in ending for ending in explanation.endings)
    removed = step_of(explanation, "tear_down")
    assert "The image stays." in removed.purpose
    assert f"--instance-ids {builder}" in "".join(action.text for action in removed.actions)
    assert image not in "".join(action.text for action in removed.actions)


def test_an_unfinished_run_says_what_is_there_and_how_it_goes(world: CloudWorld) -> None:
    run = world.new_run()
    with executing(run):
        for step in CLOUD_STEPS[:3]:
            do(step, run)

    explanation = explained(run)

    assert "not finished" in explanation.lines[-1]
    assert "Ask for the image" in explanation.endings[0]
    removal = step_of(explanation, "tear_down")
    operations = re.findall(r"aws ec2 ([a-z-]+)", "\n".join(a.text for a in removal.actions))
    assert operations == [
        *("terminate-instances", "wait", "delete-security-group", "delete-key-pair"),
    ]
    builder = stack_instances.find_builder(run)
    assert builder
    assert builder.id in removal.purpose
    (command,) = explanation.next_commands
    assert command.words == ("tear-down", run.id)


def test_a_failed_run_names_the_step_and_the_reason(world: CloudWorld) -> None:
    run = world.new_run()
    refused = RefusedCall("CreateSecurityGroup", "VpcLimitExceeded", status=400)
    with world.intercepting(refused), executing(run):
        do(CLOUD_STEPS[0], run)
        with pytest.raises(NotebakeError):
            do(CLOUD_STEPS[1], run)

    explanation = explained(run)

    assert refused.fired
    failed = step_of(explanation, "open_ssh")
    assert f"failed at {failed.number}" in explanation.lines[-1]
    assert "VpcLimitExceeded" in failed.outcome
    assert failed.remarks == (
        "AWS was also asked for CreateSecurityGroup, in vain: VpcLimitExceeded.",
    )
    assert "Launch the builder" in explanation.endings[0]


def test_a_failed_run_that_was_removed_tells_what_was_never_reached(world: CloudWorld) -> None:
    run = world.new_run()
    with executing(run):
        for step in CLOUD_STEPS[:3]:
            do(step, run)
        events.record_outcome(run, "wait_for_host", "failed", detail={"message": "no answer"})
    tear_down(run)

    explanation = explained(run)

    assert "is removed since (section 8)" in explanation.lines[-1]
    assert "Ask for the image" in explanation.endings[0]
    assert "Removed again since" in step_of(explanation, "launch_instance").outcome
    assert explanation.next_commands == ()
    removed = "\n".join(action.text for action in step_of(explanation, "tear_down").actions)
    assert re.findall(r"aws ec2 ([a-z-]+)", removed) == [
        *("terminate-instances", "wait", "delete-security-group", "delete-key-pair"),
    ]


def test_a_place_without_room_is_told_and_not_typed(world: CloudWorld) -> None:
    run = world.new_run()
    refused = RefusedCall(
        "RunInstances", "InsufficientInstanceCapacity", lambda _: not refused.fired
    )
    with world.intercepting(refused), executing(run):
        for step in CLOUD_STEPS[:3]:
            do(step, run)

    launch = step_of(explained(run), "launch_instance")

    assert refused.fired == 1
    assert "InsufficientInstanceCapacity" in launch.remarks[0]
    assert sum("run-instances" in action.text for action in launch.actions) == 1


def test_a_resumed_run_tells_each_step_once(world: CloudWorld) -> None:
    run = world.new_run(WANTED)
    for _ in range(2):
        with executing(run):
            for step in CLOUD_STEPS[:3]:
                do(step, run)

    explanation = explained(run)

    assert "sg-" in step_of(explanation, "open_ssh").outcome
    assert text_of(explanation).count("aws ec2 run-instances") == 1


def test_an_address_that_the_record_leaves_out_is_named_as_such(world: CloudWorld) -> None:
    network = RECIPE.network.model_copy(update={"ssh_from": ("auto",)})
    run = world.new_run(RECIPE.model_copy(update={"network": network}))
    with executing(run):
        do(step_named("open_ssh"), run)

    step = step_of(explained(run), "open_ssh")

    (rule,) = [action for action in step.actions if "authorize" in action.text]
    assert f"CidrIp={YOUR_ADDRESS}" in rule.text
    assert "checkip.amazonaws.com" in rule.note


def test_an_image_that_is_not_shared_has_the_line_that_would_share_it(world: CloudWorld) -> None:
    run = bake(world, RECIPE)

    step = step_of(explained(run), "publish_image")

    assert "Add=[{UserId=ACCOUNT-ID}]" in step.actions[-1].text


def test_every_line_is_one_that_bash_takes(rich_run: Run) -> None:
    texts = [action.text for action in actions_of(explained(rich_run), *LINES)]

    assert len(texts) > 20
    for text in texts:
        done = subprocess.run(
            ["bash", "-n", "-c", text], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), text


def test_existing_data_is_never_formatted(rich_run: Run) -> None:
    actions = step_of(explained(rich_run), "mount_volumes").actions
    by_folder = {
        folder: action.text
        for folder in ("/data", "/old", "/mine", "/scratch")
        for action in actions
        if f"{folder}" in action.text
    }

    assert {folder for folder, text in by_folder.items() if "mkfs" in text} == {
        "/data",
        "/scratch",
    }
    assert len(by_folder) == 4


def test_the_text_fits_eighty_columns(
    world: CloudWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = bake(world)
    tear_down(run)
    monkeypatch.setenv("COLUMNS", str(WIDE))

    print_explanation(explained(run))

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 100
    assert [line for line in lines if len(line) > WIDE and not UNBREAKABLE.fullmatch(line)] == []
    assert [line for line in lines if line != line.rstrip()] == []


def test_the_document_has_the_fields_that_help_lists(
    world: CloudWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    run = bake(world)

    found = document(["--store", run.store, "explain", run.id], capsys)

    assert (found["kind"], found["subject"]) == ("run", run.id)


def test_a_run_that_is_not_there_is_refused_with_the_ones_that_are(
    world: CloudWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    run = bake(world)
    wrong = f"{run.id[:-4]}0000"

    assert main(["--store", run.store, "explain", wrong]) == 1

    assert run.id in capsys.readouterr().err


def test_a_run_that_was_never_executed_has_nothing_to_explain(
    world: CloudWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    run = world.new_run()

    assert main(["--store", run.store, "explain", run.id]) == 1

    assert "nothing of it is in the ledger" in " ".join(capsys.readouterr().err.split())
