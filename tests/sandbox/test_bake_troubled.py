"""The life of a run to which everything happens: each time it goes on from where it was.

One machine is killed under, failed on, planted with secrets and locked, in this order; each
fixture is one chapter, and needs those before it.
"""

import json
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from notebake.commands.clean import work_name
from notebake.ledger.attempt import AttemptHistory
from notebake.ledger.kinds import SENT, STEP
from tests.limits import HANG_SECONDS
from tests.sandbox.bake_world import wait_for
from tests.sandbox.bakery import Bakery, Done, Login, RunFolder
from tests.sandbox.killing_proxy import killing_proxy

pytestmark = pytest.mark.sandbox

INSTALLING = "building the environment with uv"
# What it writes would be in the way of its next run, and of a checkout.
WRITES = """depths = [10, 200]
import os
os.mkdir("maps")
with open("maps/large", "wb") as large:
    for _ in range(300):
        large.write(bytes(1 << 20))
with open("../table.csv", "w") as table:
    table.write("overwritten")"""
TABLE = "depth,chlorophyll\n"
NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": "# Depths", "id": "a"},
        *(
            {
                "cell_type": "code",
                "execution_count": None,
                "id": f"c{number}",
                "metadata": {},
                "outputs": [],
                "source": source,
            }
            for number, source in enumerate(
                (WRITES, "import tabulate", "print(sum(depths), tabulate.__name__)")
            )
        ),
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
# None of these opens anything.
AWS_KEY_ID = "AK" + "IA" + "Q3EGTXVWZ2LMNB7C"
TOKEN = "gh" + "p_" + "Qm4tZ7xL0vRk2bNs9wYc5dHf8gJp1aEu3iTo"
PASSWORD = "Tr0ub4dor-and-3"  # noqa: S105
PLANTED = {
    "/home/ubuntu/depths/notebooks/mine.ipynb": json.dumps(
        {
            "cells": [
                {
                    "cell_type": "code",
                    "source": "print(session)",
                    "outputs": [{"output_type": "stream", "name": "stdout", "text": AWS_KEY_ID}],
                }
            ],
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    ),
    "/home/ubuntu/.netrc": f"machine ocean.org login me password {PASSWORD}\n",
    "/home/ubuntu/.bash_history": f"ls\ngit push https://{TOKEN}@git.ocean.org/me/a\n",
}
KEY_FILE = "/home/ubuntu/.config/ocean/deploy"
CLOUD_INIT_MEMORY = "/var/lib/cloud/instance"
CLEANING = f"'notebake-{work_name()}'"


@dataclass(frozen=True)
class Chapter:
    """What one command did to the run."""

    run: RunFolder
    done: Done
    machine_id: str
    login: Login
    launches: int = 0


def resume(bakery: Bakery, before: Chapter) -> Chapter:
    done = bakery.notebake("resume", before.run.id)
    found = [machine["InstanceId"] for machine in before.run.machines()] or [""]
    login = before.run.login() if found[0] else before.login
    return Chapter(before.run, done, found[0], login)


@pytest.fixture(scope="module")
def recipe(bakery: Bakery) -> Path:
    files = {"notebooks/depths.ipynb": json.dumps(NOTEBOOK), "table.csv": TABLE}
    address = bakery.cloud.serve("depths", files, bakery.folder / "depths")
    return write_recipe(bakery, address, packages=[])


def write_recipe(bakery: Bakery, address: str, packages: list[str]) -> Path:
    return bakery.write_recipe(
        "troubled",
        volumes=[{"name": "data", "mount_point": "/data", "size_gib": 1}],
        software={"manager": "pip", "packages": packages},
        repository={"url": address, "ref": "main"},
        notebook={"path": "notebooks/depths.ipynb", "minimum_cells": 3, "minimum_figures": 0},
    )


@dataclass(frozen=True)
class Killed:
    """What was seen around the kill."""

    run: RunFolder
    refused: Done
    machine_id: str
    launches: int
    """How many machines had been asked for in the whole sandbox."""


@pytest.fixture(scope="module")
def killed(bakery: Bakery, recipe: Path) -> Iterator[Killed]:
    """Kill the build while uv installs; uv itself is held, so that it still does afterwards."""
    process = bakery.start("build", str(recipe))
    try:
        wait_for(lambda: list(bakery.store.glob("troubled-*")), "the run")
        run = bakery.run_of("troubled")
        wait_for(lambda: INSTALLING in run.log() or process.poll(), "the install")
        assert process.poll() is None
        login = run.login()
        held = "for i in $(seq 300); do pkill -STOP -x uv && exit 0; sleep 0.1; done; exit 1"
        login.run(held)
        refused = bakery.notebake("resume", run.id)
        assert process.poll() is None, "it was killed, and did not end by itself"
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=HANG_SECONDS)
        launches = len(bakery.cloud.calls("RunInstances"))
        yield Killed(run, refused, run.machines()[0]["InstanceId"], launches)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def failed(bakery: Bakery, killed: Killed) -> Chapter:
    """Resume while uv is still at work: let it go on once the resume looks at it."""
    run, login = killed.run, killed.run.login()
    assert login.run("ps -o stat= -C uv").startswith("T"), "the install is still in its middle"
    process = bakery.start("resume", run.id)
    wait_for(lambda: run.log().count(INSTALLING) == 2 or process.poll(), "the resume")
    login.run("pkill -CONT -x uv")
    printed, _ = process.communicate(timeout=HANG_SECONDS)
    launches = len(bakery.cloud.calls("RunInstances"))
    machine_id = run.machines()[0]["InstanceId"]
    return Chapter(run, Done(process.returncode, printed), machine_id, login, launches)


@pytest.fixture(scope="module")
def left_by_notebook(failed: Chapter) -> str:
    """What there is of the failed notebook: in the clone, on the disk, in the list of mounts."""
    return failed.login.run(
        "cd /home/ubuntu/depths; git -c safe.directory='*' status --porcelain --ignored; ls;"
        " cat table.csv; grep --extended-regexp 'depths|notebake-view' /proc/mounts || true;"
        " ls --almost-all / | grep notebake || true"
    )


@pytest.fixture(scope="module")
def stopped(bakery: Bakery, recipe: Path, failed: Chapter, left_by_notebook: str) -> Chapter:
    """Mend the recipe, and leave secrets on the machine as people do; then resume."""
    assert left_by_notebook
    address = re.search(r"url: (\S+)", recipe.read_text())
    assert address
    write_recipe(bakery, address[1], packages=["tabulate"])
    for path, content in PLANTED.items():
        failed.login.run(
            f"install -D -o ubuntu -g ubuntu -m 600 /dev/stdin {path} <<'END'\n{content}\nEND\n"
        )
    failed.login.run(f"mkdir -p $(dirname {KEY_FILE}); ssh-keygen -qt ed25519 -N '' -f {KEY_FILE}")
    return resume(bakery, failed)


@pytest.fixture(scope="module")
def half_cleaned(bakery: Bakery, stopped: Chapter) -> Chapter:
    """Remove the secrets, resume, and be killed while it cleans, which is held in its middle."""
    stopped.login.run(f"rm {KEY_FILE} {KEY_FILE}.pub {' '.join(PLANTED)}")
    stop = f"sudo systemctl kill --signal=STOP {CLEANING}"
    process = bakery.start("resume", stopped.run.id)
    try:
        held = f"until sudo test ! -e {CLOUD_INIT_MEMORY}; do sleep 0.02; done; {stop}"
        wait_for(lambda: stopped.login.try_run(held).returncode == 0 or process.poll(), "the hold")
        assert process.poll() is None
    finally:
        process.kill()
        printed, _ = process.communicate(timeout=HANG_SECONDS)
    machine_id = stopped.run.machines()[0]["InstanceId"]
    return Chapter(stopped.run, Done(process.returncode, printed), machine_id, stopped.login)


@pytest.fixture(scope="module")
def locked(bakery: Bakery, stopped: Chapter, half_cleaned: Chapter) -> Chapter:
    """Resume, and be killed after the login is gone, before the seal is on."""
    assert half_cleaned.login.run(f"systemctl is-active {CLEANING}") == "active"
    with killing_proxy(bakery.cloud.home.api_url, is_last_tag_of_seal) as proxy:
        process = bakery.start("resume", stopped.run.id, endpoint_url=proxy.url)
        proxy.victim = process.pid
        printed, _ = process.communicate(timeout=HANG_SECONDS)
        assert proxy.killed.is_set(), printed
    forget_seal(stopped.run)
    machine_id = stopped.run.machines()[0]["InstanceId"]
    return Chapter(stopped.run, Done(process.returncode, printed), machine_id, stopped.login)


def forget_seal(run: RunFolder) -> None:
    """Let the kill have come a moment earlier: before the ledger said that the seal is sent."""
    *earlier, last = run.entries()
    assert last.kind == SENT
    assert re.fullmatch(r"[0-9a-f]{16}", last.body["marks"]["notebake:sealed"])
    assert [entry.sequence for entry in earlier] == list(range(1, last.sequence))
    run.entry_files()[-1].unlink()


def is_last_tag_of_seal(body: str) -> bool:
    """Tell the call that seals the machine from the one that says it is being sealed."""
    is_seal = "Action=CreateTags" in body and "notebake%3Asealed" in body
    return is_seal and re.search(r"Tag\.\d+\.Value=[0-9a-f]{16}(&|$)", body) is not None


@pytest.fixture(scope="module")
def baked(bakery: Bakery, locked: Chapter) -> Chapter:
    nobody = locked.login.try_run("true")
    assert nobody.returncode == 255, "the kill came when nobody could log in any more"
    return resume(bakery, locked)


def test_a_second_execution_is_refused_while_the_first_lives(killed: Killed) -> None:
    assert killed.refused.exit_code == 1
    assert f"Run {killed.run.id} is being executed by process" in killed.refused.text
    assert "Traceback" not in killed.refused.printed


def test_a_resume_after_a_kill_joins_the_running_installation(
    killed: Killed, failed: Chapter
) -> None:
    assert failed.machine_id == killed.machine_id
    assert failed.launches == killed.launches > 0, "EC2 was asked for no other machine"
    log = "/run/notebake/work/install_software-*/log"
    assert failed.login.run(f"grep -c '{INSTALLING}' {log}") == "1", "one start, and one log"
    assert failed.login.run(f"grep -c 'downloading uv==' {log}") == "1"
    assert "Install the software: done" in failed.done.printed
    history = AttemptHistory()
    for entry in failed.run.entries():
        history.add(entry)
    launches = [attempt for attempt in history.attempts() if attempt.name == "builder-1"]
    assert [attempt.made for attempt in launches] == [(failed.machine_id,)]


def test_a_failing_notebook_names_the_module_and_the_cell_and_is_kept(failed: Chapter) -> None:
    assert failed.done.exit_code == 1
    assert (
        "notebook notebooks/depths.ipynb failed: Cell 2 (`import tabulate`) needs the module"
        " tabulate, which is not installed" in failed.done.text
    )
    executed = json.loads((failed.run.path / "notebook/executed.ipynb").read_text())
    outputs = [output for cell in executed["cells"] for output in cell.get("outputs", [])]
    assert "ModuleNotFoundError" in [output.get("ename") for output in outputs]
    assert "ModuleNotFoundError" in (failed.run.path / "notebook/executed.html").read_text()
    assert f"notebake resume {failed.run.id} --from clone_repository" in failed.done.text


def test_a_failed_notebook_leaves_the_clone_as_cloned(left_by_notebook: str) -> None:
    assert left_by_notebook == f"notebooks\ntable.csv\n{TABLE}".strip()


def test_leftovers_of_a_failure_are_listed_with_the_next_commands(failed: Chapter) -> None:
    for text in (
        f"{failed.machine_id} (builder, m6i.large) is running, about $",
        f"notebake resume {failed.run.id}",
        f"notebake tear-down {failed.run.id}",
    ):
        assert text in failed.done.text
    login = f"ssh -i {failed.login.key} ubuntu@{failed.login.address}"
    assert login in failed.done.printed, "a command stays one line"


def test_a_planted_credential_stops_the_bake_and_is_named_but_not_shown(
    bakery: Bakery, failed: Chapter, stopped: Chapter
) -> None:
    assert stopped.machine_id == failed.machine_id, "the mended recipe needs no new machine"
    assert stopped.done.exit_code == 1
    for path in (*PLANTED, KEY_FILE):
        assert path in stopped.done.text
    reported = stopped.done.printed + stopped.run.log()
    cleanings = [
        entry.body["happening"]
        for entry in stopped.run.entries()
        if entry.kind == STEP and entry.body["step"] == "clean_host"
    ]
    assert cleanings == ["failed"]
    reported += "".join(path.read_text() for path in stopped.run.entry_files())
    for secret in (AWS_KEY_ID, TOKEN, PASSWORD):
        assert secret not in reported
    images = bakery.cloud.ec2().describe_images(
        Owners=["self"], Filters=[{"Name": "tag:notebake:run", "Values": [stopped.run.id]}]
    )
    assert images["Images"] == []


def test_a_machine_with_a_credential_is_kept_unchanged(locked: Chapter, stopped: Chapter) -> None:
    """`locked` could remove them: they were all still there."""
    assert locked.machine_id == stopped.machine_id
    assert "already there" in locked.done.printed


def test_an_interrupted_cleaning_is_stopped_and_repeated(
    half_cleaned: Chapter, locked: Chapter
) -> None:
    assert half_cleaned.done.exit_code == -signal.SIGKILL
    assert "Clean and search for credentials: done" not in half_cleaned.done.printed
    assert locked.done.exit_code == -signal.SIGKILL, "it came to the seal"
    assert "Wait for the builder: failed" not in locked.done.printed
    assert locked.machine_id == half_cleaned.machine_id


def test_a_locked_machine_is_opened_for_the_run_again(locked: Chapter, baked: Chapter) -> None:
    assert locked.done.exit_code == -signal.SIGKILL
    assert baked.done.exit_code == 0, baked.done.printed
    assert (
        f"{locked.machine_id} was sealed and may accept no login: restarting it" in baked.run.log()
    )
    assert re.search(r"Image ami-\w+ is accepted", baked.done.text)
    assert sorted(baked.run.resources()) == ["image", "snapshot", "snapshot"]


def test_a_notebook_makes_its_directory_on_the_builder_and_on_machines_from_the_image(
    baked: Chapter,
) -> None:
    for name in ("notebook", *(path.name for path in baked.run.path.glob("acceptance-*"))):
        verdict = json.loads((baked.run.path / name / "verdict.json").read_text())
        assert (verdict["error"], verdict["cells"]) == (None, 3), name
    assert len(list(baked.run.path.glob("acceptance-*/verdict.json"))) == 2


def test_all_executions_used_one_machine(bakery: Bakery, baked: Chapter) -> None:
    pages = bakery.cloud.ec2().describe_instances(
        Filters=[{"Name": "tag:notebake:run", "Values": [baked.run.id]}]
    )["Reservations"]
    roles = [
        tag["Value"]
        for page in pages
        for instance in page["Instances"]
        for tag in instance["Tags"]
        if tag["Key"] == "notebake:role"
    ]
    assert sorted(roles) == ["acceptance", "acceptance", "builder"]


def test_prefect_shows_what_was_already_done(bakery: Bakery, baked: Chapter) -> None:
    flows = bakery.prefect("/flow_runs/filter", sort="START_TIME_ASC")
    ours = [flow_run for flow_run in flows if flow_run["parameters"].get("run_id") == baked.run.id]
    states = [flow_run["state"]["type"] for flow_run in ours]
    assert states[-1] == "COMPLETED"
    assert states.count("FAILED") >= 2
    last = {"flow_runs": {"id": {"any_": [ours[-1]["id"]]}}}
    tasks = {
        task_run["name"]: task_run["state"]["name"]
        for task_run in bakery.prefect("/task_runs/filter", **last)
    }
    assert tasks["Launch the builder"] == "Already done"
    assert tasks["Install the software"] == "Already done"
    assert tasks["Clean and search for credentials"] == "Completed"
