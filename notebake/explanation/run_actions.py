"""What is clicked and typed for each step of a run: its recorded calls, and what is around them."""

from collections.abc import Callable, Sequence
from shlex import quote

from notebake.explanation import host_disks, host_software, host_work
from notebake.explanation.call_actions import actions_of_calls, waiting
from notebake.explanation.document import Action, on_computer, on_console, on_machine
from notebake.explanation.filled_parameters import Filler
from notebake.explanation.login_lines import address_line, known_login_line, login_line
from notebake.explanation.recorded_calls import TEAR_DOWN, RecordedCall
from notebake.explanation.removing import calls_to_remove
from notebake.explanation.run_facts import RunFacts

Lines = Callable[[RunFacts], Sequence[Action]]


def actions_of(step: str, facts: RunFacts, filler: Filler) -> list[Action]:
    """Return what a person does for a step, in order."""
    calls = [call for call in facts.calls if call.step == step and call.is_done]
    if step == TEAR_DOWN:
        calls += calls_to_remove(facts)
    before, after = BEFORE.get(step, _nothing)(facts), AFTER.get(step, _nothing)(facts)
    started = [call for call in calls if call.operation == "StartInstances"]
    others = [call for call in calls if call not in started]
    if started:
        # A machine that was started is looked at before anything else happens to it.
        return [*actions_of_calls(started, filler), *after, *actions_of_calls(others, filler)]
    return [*before, *actions_of_calls(calls, filler), *after]


def _nothing(_: RunFacts) -> list[Action]:
    return []


def _signing_in(facts: RunFacts) -> list[Action]:
    base, region = facts.recipe.base_image, facts.recipe.region
    signed_in = on_computer(
        "aws sts get-caller-identity",
        "Says who you are to AWS; before that, `aws configure` asks for your keys.",
    )
    region_menu = on_console(f"Sign in > the menu of regions, upper right > {region}")
    if base.image_id:
        return [region_menu, signed_in]
    resolved = facts.summary.base_image
    gave = f"It gave {resolved}." if resolved else ""
    asking = (
        f"aws ssm get-parameter --region {region} --output text \\\n"
        f"    --query Parameter.Value --name \\\n    {base.parameter}"
    )
    return [region_menu, signed_in, on_computer(asking, "The newest image of this kind.", gave)]


def _making_keys(role: str) -> Lines:
    def lines(facts: RunFacts) -> list[Action]:
        key = facts.key(role)
        is_there = role in facts.key_paths
        note = "notebake has done that for this run: it is there already." if is_there else ""
        command = f"ssh-keygen -t ed25519 -N '' \\\n    -f {quote(key)}\nchmod 400 {quote(key)}"
        return [on_computer(command, f"Makes both halves. {note}".strip())]

    return lines


def _booting(facts: RunFacts) -> list[Action]:
    region, machine = facts.recipe.region, facts.builder_id
    if not machine:
        return []
    actions = [
        on_console(f"EC2 > Instances > {machine} > Connect > SSH client"),
        on_computer(waiting("instance-running", region, machine)),
        on_computer(address_line(machine, region, facts.recipe.network.address)),
    ]
    if facts.address:
        actions.append(
            on_computer(known_login_line(facts), "Ends with `exit`; the machine runs on.")
        )
    actions.append(on_machine("cloud-init status --wait", note="Waits for the first boot to end."))
    return actions


def _stopping(facts: RunFacts) -> list[Action]:
    return [on_computer(waiting("instance-stopped", facts.recipe.region, facts.builder_id))]


def _imaging(facts: RunFacts) -> list[Action]:
    if not facts.image_id:
        return []
    return [
        on_console(f"EC2 > Images > AMIs > {facts.image_id} > Status"),
        on_computer(waiting("image-available", facts.recipe.region, facts.image_id)),
    ]


def _sharing(facts: RunFacts) -> list[Action]:
    """Return how an image is shared, where the run has shared it with nobody."""
    if not facts.image_id or any(call.step == "publish_image" for call in facts.calls):
        return []
    parameters = {
        "ImageId": facts.image_id,
        "LaunchPermission": {"Add": [{"UserId": "ACCOUNT-ID"}]},
    }
    note = "This run has shared it with nobody. ACCOUNT-ID is the other account's 12 digits."
    call = RecordedCall(
        step="publish_image",
        service="ec2",
        operation="ModifyImageAttribute",
        region=facts.recipe.region,
        parameters=parameters,
    )
    console, typed = actions_of_calls([call], Filler((), {}))
    return [console, typed.model_copy(update={"note": note})]


def _proving(facts: RunFacts) -> list[Action]:
    logins = [
        on_computer(login_line(facts, machine, "acceptance")) for machine in facts.acceptance_ids
    ]
    return [*logins, *host_work.notebook(facts)] if logins else []


BEFORE: dict[str, Lines] = {
    "preflight": _signing_in,
    "import_key_pair": _making_keys("builder"),
    "snapshot_disks": host_work.flushing,
    "launch_acceptance": _making_keys("acceptance"),
}
"""What comes before the recorded calls of a step."""
AFTER: dict[str, Lines] = {
    "wait_for_host": _booting,
    "mount_volumes": host_disks.mounting,
    "install_packages": host_software.packages,
    "install_software": host_software.environment,
    "start_jupyter": host_work.jupyter,
    "check_server": host_work.browser,
    "clone_repository": host_work.repository,
    "fetch_datasets": host_work.datasets,
    "install_papermill": host_software.papermill,
    "run_notebook": host_work.notebook,
    "clean_host": host_work.cleaning,
    "stop_builder": _stopping,
    "wait_for_image": _imaging,
    "restart_host": host_work.coming_back,
    "prove_image": _proving,
    "publish_image": _sharing,
}
"""What comes after them."""
