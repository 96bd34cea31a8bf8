"""A build that waits for a person in Prefect: suspended, answered in the form, refused, expired."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.responses import OrchestrationResult, SetStateStatus
from prefect.exceptions import Pause
from prefect.states import AwaitingRetry, Cancelled, Failed, Pending, Running

from flows.build_image import build_image
from flows.prefect_ui import approval_form
from notebake.aws import tags
from notebake.aws.clients import connect, memory_of
from notebake.aws.launch_permissions import shared_with
from notebake.errors import ApprovalRefusedError
from notebake.images.image_state import accepted_image
from notebake.ledger import kinds
from notebake.ledger.chain import Chain, Writer
from notebake.resources.leftovers import find_leftovers
from notebake.resources.stack_instances import find_builder
from notebake.runs.approvals.approval_log import ApprovalLog, ApprovalOpenError
from notebake.runs.approvals.question import Question
from notebake.runs.lock_record import read_lock
from notebake.runs.open_store import open_store
from notebake.runs.registry import list_runs, load_run
from notebake.runs.reserved_ids import APPROVAL_LOG
from notebake.runs.run import Run
from notebake.runs.run_record import record_place
from notebake.waiting import wait_until
from sandbox.ec2.state.base_images import RELEASES, Release, image_id
from tests.cloud_world import REGION, CloudWorld
from tests.flows.baked_without_hosts import bake_without_hosts
from tests.flows.ui import artifacts_of, carried_out, now, set_state, started_in_ui
from tests.limits import HANG_SECONDS

pytestmark = pytest.mark.usefixtures("prefect_server")
RECIPE = "name: ocean\nnetwork: {ssh_from: [198.51.100.7/32]}\napproval_days: 2\n"
ACCOUNT = "210987654321"
BASE = "/publisher/newest"
BAKE = "approve: [bake]\n"
SHARED = f"share_with: ['{ACCOUNT}']\napprove: [share]\n"
YES = {"decision": "approve", "name": "Ada Lovelace", "reason": "the course begins"}
NO = {"decision": "refuse", "name": "Ada Lovelace", "reason": "not before the exam"}


@pytest.fixture(autouse=True)
def baked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that were baked, without hosts."""
    return bake_without_hosts(monkeypatch)


def begun(world: CloudWorld, more: str) -> FlowRun:
    write_recipe(world, more)
    store = str(world.directory / "runs")
    path = str(world.directory / "ocean.yaml")
    return started_in_ui(build_image, recipe_path=path, store=store)


def write_recipe(world: CloudWorld, more: str) -> None:
    (world.directory / "ocean.yaml").write_text(RECIPE + more)


def store_of(flow_run: FlowRun) -> str:
    return str(flow_run.parameters["store"])


def run_of(flow_run: FlowRun) -> Run:
    store = open_store(store_of(flow_run))
    wanted = [each for each in list_runs(store) if each.flow_run_id == str(flow_run.id)]
    return load_run(wanted[0].id, store)


def suspended(flow_run: FlowRun) -> Question:
    """Carry the flow run out until it waits, and return what it waits for."""
    with pytest.raises(Pause):
        carried_out(now(flow_run), build_image)
    state = state_of(flow_run)
    assert (state.type, state.name) == (StateType.PAUSED, "Suspended")
    return questions(flow_run)[-1]


def questions(flow_run: FlowRun) -> list[Question]:
    return list(ApprovalLog(store_of(flow_run)).questions().values())


def state_of(flow_run: FlowRun) -> State[Any]:
    state = now(flow_run).state
    assert state
    return state


def resume(flow_run: FlowRun, **typed: str) -> OrchestrationResult[Any]:
    """Press Resume with what is typed into the form."""
    with get_client(sync_client=True) as client:
        return client.resume_flow_run(flow_run.id, run_input=dict(typed))


def answer(flow_run: FlowRun, question: Question, typed: dict[str, str]) -> None:
    result = resume(flow_run, **typed, digest=question.digest)
    assert result.status == SetStateStatus.ACCEPT, result.details


def entries(flow_run: FlowRun) -> list[str]:
    place = record_place(store_of(flow_run))
    return [entry.kind for entry in Chain(place, APPROVAL_LOG, Writer()).entries()]


def schema_of(flow_run: FlowRun) -> dict[str, Any]:
    found: dict[str, Any] = read_input(flow_run, "schema")
    return found


def read_input(flow_run: FlowRun, what: str) -> Any:
    keyset = state_of(flow_run).state_details.run_input_keyset
    assert keyset
    with get_client(sync_client=True) as client:
        found = client.filter_flow_run_input(
            flow_run_id=flow_run.id, key_prefix=keyset[what], limit=1, exclude_keys=set()
        )
    return found[0].decoded_value


def test_a_bake_is_asked_before_anything_is_launched(world: CloudWorld, baked: list[str]) -> None:
    flow_run = begun(world, BAKE)

    question = suspended(flow_run)

    run = run_of(flow_run)
    assert (question.kind, question.run_id, question.recipe) == ("bake", run.id, "ocean")
    assert not baked
    assert find_leftovers(run) == []
    lock = read_lock(run)
    assert lock
    assert lock.is_released
    message = str(state_of(flow_run).message)
    assert message.startswith(f"Approval wanted, question {question.number}: may we bake an image")
    assert "Press Resume to answer" in message
    assert state_of(flow_run).state_details.pause_timeout
    shown = str(read_input(flow_run, "description"))
    assert question.digest in shown
    assert "there is nothing to compare with" in shown
    assert "The build costs about $" in shown
    assert "Nothing is baked, and the run fails 2 days after it was asked" in shown
    assert artifacts_of(flow_run)[0].startswith("**May we bake an image of ocean")


def test_every_field_of_the_form_is_required_and_a_choice_where_it_can_be(
    world: CloudWorld,
) -> None:
    flow_run = begun(world, BAKE)
    question = suspended(flow_run)

    schema = schema_of(flow_run)

    assert set(schema["required"]) == {"decision", "name", "reason", "digest"}
    assert schema["properties"]["decision"]["enum"] == ["approve", "refuse"]
    assert schema["properties"]["digest"]["enum"] == [question.digest]
    for typed in (
        {},
        {**YES, "digest": "0" * 32},
        YES,
        {**YES, "name": " ", "digest": question.digest},
        {**YES, "reason": "", "digest": question.digest},
        {**YES, "decision": "perhaps", "digest": question.digest},
    ):
        assert resume(flow_run, **typed).status == SetStateStatus.REJECT
    assert state_of(flow_run).is_paused()


def test_an_approved_bake_goes_on(world: CloudWorld, baked: list[str]) -> None:
    flow_run = begun(world, BAKE)
    question = suspended(flow_run)

    answer(flow_run, question, YES)
    carried_out(now(flow_run), build_image)

    assert state_of(flow_run).is_completed()
    assert baked == [run_of(flow_run).id]
    (answered,) = questions(flow_run)
    assert answered.is_approved
    assert answered.answer
    assert (answered.answer.reason, answered.answer.channel) == ("the course begins", "Prefect")
    assert entries(flow_run) == [kinds.ASKED, kinds.GIVEN]


def test_a_refused_bake_says_who_and_why_and_leaves_nothing(
    world: CloudWorld, baked: list[str]
) -> None:
    flow_run = begun(world, BAKE)
    question = suspended(flow_run)

    answer(flow_run, question, NO)
    with pytest.raises(ApprovalRefusedError):
        carried_out(now(flow_run), build_image)

    state = state_of(flow_run)
    assert (state.type, state.name) == (StateType.FAILED, "Refused")
    assert "Not approved: Ada Lovelace has refused on " in str(state.message)
    assert ": not before the exam." in str(state.message)
    assert not baked
    assert find_leftovers(run_of(flow_run)) == []


def test_an_answer_to_a_changed_recipe_is_refused_and_asked_anew(
    world: CloudWorld, baked: list[str]
) -> None:
    flow_run = begun(world, BAKE)
    first = suspended(flow_run)

    write_recipe(world, f"{BAKE}instance_types: [m5.xlarge]\n")
    answer(flow_run, first, YES)
    second = suspended(flow_run)

    assert not baked
    assert second.number != first.number
    assert second.digest != first.digest
    before, _ = questions(flow_run)
    assert before.answer, "it is in the record"
    assert before.voided.startswith("something else would be done now: recipe ")
    assert "builder m6i.large -> m5.xlarge" in before.voided
    assert entries(flow_run) == [kinds.ASKED, kinds.GIVEN, kinds.VOIDED, kinds.ASKED]
    # A form that was opened before the change does not answer for what is asked now.
    stale = resume(flow_run, **YES, digest=first.digest)
    assert stale.status == SetStateStatus.REJECT
    answer(flow_run, second, YES)
    carried_out(now(flow_run), build_image)
    assert len(baked) == 1


def test_an_answer_about_another_base_image_is_refused(world: CloudWorld, baked: list[str]) -> None:
    name_base(RELEASES[0])
    flow_run = begun(world, f"{BAKE}base_image: {{ssm_parameter: {BASE}}}\n")
    first = suspended(flow_run)
    older, newer = (image_id(release, REGION) for release in RELEASES)
    assert base_of(first, flow_run) == older

    name_base(RELEASES[1])
    answer(flow_run, first, YES)
    second = suspended(flow_run)

    assert not baked
    assert base_of(second, flow_run) == newer
    assert questions(flow_run)[0].voided.endswith(f"base image {older} -> {newer}")


def test_no_newer_base_image_is_taken_than_the_approved_one(world: CloudWorld) -> None:
    name_base(RELEASES[0])
    flow_run = begun(world, f"{BAKE}base_image: {{ssm_parameter: {BASE}}}\n")
    question = suspended(flow_run)
    answer(flow_run, question, YES)
    publishes = BeforeCall("ImportKeyPair", lambda: name_base(RELEASES[1]))

    with world.intercepting(publishes):
        carried_out(now(flow_run), build_image)

    assert publishes.fired
    image = accepted_image(run_of(flow_run))
    assert image
    assert image.tags[tags.BASE_IMAGE] == image_id(RELEASES[0], REGION)


@dataclass
class BeforeCall:
    """Does something once, before a call that really asks for something."""

    action: str
    act: Callable[[], object]
    fired: list[str] = field(default_factory=list)

    def before(self, call: Any) -> None:
        if call.action == self.action and not self.fired:
            self.fired.append(call.action)
            self.act()

    def after(self, call: Any, reply: Any) -> Any:
        del call
        return reply


def name_base(release: Release) -> None:
    """Let the parameter of the recipe name a release, as its publisher does."""
    memory_of(REGION).clear()
    connect("ssm", REGION).put_parameter(
        Name=BASE, Value=image_id(release, REGION), Type="String", Overwrite=True
    )


def base_of(question: Question, flow_run: FlowRun) -> str:
    shown = ApprovalLog(store_of(flow_run)).read_shown(question)
    return next(fact.value for fact in shown.facts if fact.name == "base image")


def test_sharing_is_asked_when_nothing_runs_any_more(world: CloudWorld, baked: list[str]) -> None:
    flow_run = begun(world, SHARED)

    question = suspended(flow_run)

    run = run_of(flow_run)
    image = accepted_image(run)
    assert image
    assert (question.kind, question.image_ids) == ("share", (image.id,))
    assert find_leftovers(run) == []
    assert shared_with(image.id, run.region) == set()
    assert find_builder(run) is None

    answer(flow_run, question, YES)
    carried_out(now(flow_run), build_image)

    assert shared_with(image.id, run.region) == {ACCOUNT}
    assert state_of(flow_run).is_completed()
    assert len(baked) == 1


def test_refused_sharing_leaves_the_image_unshared(world: CloudWorld) -> None:
    flow_run = begun(world, SHARED)
    question = suspended(flow_run)

    answer(flow_run, question, NO)
    carried_out(now(flow_run), build_image)

    run = run_of(flow_run)
    image = accepted_image(run)
    assert image
    assert shared_with(image.id, run.region) == set()
    state = state_of(flow_run)
    assert state.is_completed()
    assert "; not shared: Ada Lovelace has refused on " in str(state.message)


def test_a_second_run_is_not_asked_while_the_first_one_waits(world: CloudWorld) -> None:
    first = begun(world, BAKE)
    question = suspended(first)
    second = begun(world, BAKE)

    with pytest.raises(ApprovalOpenError):
        carried_out(second, build_image)

    message = str(state_of(second).message)
    assert message.startswith(f"Question {question.number} of run {question.run_id} is open: ")
    assert state_of(second).is_failed()
    assert len(questions(first)) == 1

    set_state(first.id, Cancelled())
    set_state(second.id, AwaitingRetry())
    asked = suspended(second)
    assert asked.run_id == run_of(second).id
    assert questions(first)[0].voided == "its flow run is Cancelled, and nobody can answer there"


def test_an_expired_question_is_asked_anew_by_retry(
    world: CloudWorld, baked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    flow_run = begun(world, BAKE)
    first = suspended(flow_run)
    # As Prefect's server does when a pause has run out; it runs none of our code.
    set_state(flow_run.id, Failed(message="The flow was paused and never resumed."))
    late = first.until + 60
    monkeypatch.setattr(ApprovalLog, "now", lambda _self: late)

    set_state(flow_run.id, AwaitingRetry())
    second = suspended(flow_run)

    assert not baked
    assert second.number != first.number
    assert (second.digest, second.status(late)) == (first.digest, "open")
    answer(flow_run, second, YES)
    carried_out(now(flow_run), build_image)
    assert len(baked) == 1


def test_an_answer_that_was_taken_before_a_kill_is_found_again(
    world: CloudWorld, baked: list[str]
) -> None:
    flow_run = begun(world, BAKE)
    question = suspended(flow_run)
    answer(flow_run, question, YES)
    # The process that was started for the answer is killed before it has recorded it.
    set_state(flow_run.id, Running())
    set_state(flow_run.id, Failed(message="killed"))
    set_state(flow_run.id, AwaitingRetry())

    carried_out(now(flow_run), build_image)

    assert state_of(flow_run).is_completed()
    assert len(baked) == 1
    assert entries(flow_run) == [kinds.ASKED, kinds.GIVEN]


def test_a_run_that_waits_frees_its_concurrency_slot(world: CloudWorld) -> None:
    flow_run = begun(world, BAKE)
    assert flow_run.deployment_id
    with get_client(sync_client=True) as client:
        client.update_deployment(flow_run.deployment_id, DeploymentUpdate(concurrency_limit=1))
        other = client.create_flow_run_from_deployment(flow_run.deployment_id)
        assert client.set_flow_run_state(flow_run.id, Pending()).status == SetStateStatus.ACCEPT
        taken: OrchestrationResult[Any] = client.set_flow_run_state(other.id, Pending())
        assert taken.state
        assert taken.state.name == "AwaitingConcurrencySlot"

    suspended(flow_run)

    with get_client(sync_client=True) as client:
        free: OrchestrationResult[Any] = client.set_flow_run_state(other.id, Pending())
    assert free.status == SetStateStatus.ACCEPT, free.details


def test_an_event_says_that_an_approval_is_wanted(world: CloudWorld) -> None:
    flow_run = begun(world, BAKE)
    question = suspended(flow_run)

    def find() -> dict[str, Any] | None:
        wanted = {"filter": {"event": {"name": [approval_form.EVENT]}}}
        with get_client(sync_client=True) as client:
            found = client.request("POST", "/events/filter", json=wanted).json()["events"]
        return next((each for each in found if each["payload"]["digest"] == question.digest), None)

    event = wait_until(find, what="the event", timeout_seconds=HANG_SECONDS)

    assert event["resource"]["prefect.resource.id"] == f"notebake.approval.{question.number}"
    assert event["related"][0]["prefect.resource.id"] == f"prefect.flow-run.{flow_run.id}"
