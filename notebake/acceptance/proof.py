"""The proof of an image: what machines booted from it showed, in sentences."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from shlex import quote
from typing import NoReturn

from notebake.acceptance.allowed_findings import allowed_sentences
from notebake.acceptance.evidence import MachineEvidence, Proof
from notebake.aws import instances, tags
from notebake.aws.model import Image, Instance
from notebake.commands.boot import paths_are_mounted, read_machine_id
from notebake.commands.lease_timer import lease_is_armed
from notebake.commands.login_methods import LIST_LOGIN_METHODS, parse_login_methods
from notebake.errors import (
    ImageNotAcceptedError,
    LoginRefusedError,
    NextCommand,
    ResourceLostError,
    WaitTimeoutError,
    resume,
)
from notebake.humanize import pluralize
from notebake.jupyter.checks import check_jupyter
from notebake.machines import identity
from notebake.machines.boot import wait_for_boot
from notebake.machines.builder import as_host
from notebake.machines.console_host_key import wait_for_host_key
from notebake.notebook.execute import execute_notebook
from notebake.notebook.kept_results import check_results, find_earlier_verdict, record_machine
from notebake.resources import own_machines
from notebake.runs import files, keys
from notebake.runs.run import Run
from notebake.runs.tag_repair import tag_resource
from notebake.ssh import connection
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host
from notebake.timeouts import FIRST_BOOT_SECONDS, LAZY_LOAD_SECONDS
from notebake.waiting import interrupting_waits

FILE = "proof.json"


def find_proof(run: Run, image: Image) -> Proof | None:
    """Return the kept proof of exactly this image."""
    kept = files.get_file(run, FILE)
    proof = Proof.model_validate_json(kept) if kept else None
    return proof if proof and proof.image_id == image.id else None


def prove(run: Run, image: Image, machines: list[Instance]) -> Proof:
    """Put every machine to the test at the same time, compare them, and keep the proof.

    Raises:
        ImageNotAcceptedError: one of them did not show what it should.
    """
    with ThreadPoolExecutor(len(machines)) as pool:
        asked = [pool.submit(copy_context().run, inspect_machine, run, one) for one in machines]
        with interrupting_waits():
            shown = [one.result() for one in asked]
    check_identities(run, shown)
    proof = Proof(image_id=image.id, sentences=tuple(sentences(run, shown)))
    files.put_file(run, FILE, proof.model_dump_json(indent=2).encode())
    return proof


def inspect_machine(run: Run, machine: Instance) -> MachineEvidence:
    """Return what one machine from the image shows, as a stranger with the second key sees it.

    Raises:
        ResourceLostError: it was stopped, or never let anybody in; the next launch replaces it.
    """
    if machine.state in {"stopping", "stopped"}:
        give_up(run, machine, f"is {machine.state}")
    try:
        machine = instances.wait_for_state(machine.id, run.recipe.region, "running")
        host_key = wait_for_host_key(machine.id, run.recipe.region)
        host = as_host(run, machine, key_name="acceptance", host_key=host_key)
        wait_for_boot(host, timeout_seconds=FIRST_BOOT_SECONDS)
    except WaitTimeoutError as error:
        give_up(run, machine, "never let anybody in", error)
    check_build_key_is_refused(run, machine, host_key)
    points = [one.mount_point for one in run.recipe.volumes if one.is_in_image]
    ssh.run_command(host, paths_are_mounted(points))
    ssh.run_command(host, lease_is_armed())
    check_nothing_was_left(host)
    name = kept_as(machine)
    with ThreadPoolExecutor(1) as pool:
        server = pool.submit(copy_context().run, check_jupyter, host, run.recipe.jupyter_port)
        verdict = find_earlier_verdict(run, machine.id, name) or execute_notebook(
            run, host, name, spare_seconds=LAZY_LOAD_SECONDS
        )
        version = server.result()
    record_machine(run, machine.id, name)
    compared = check_results(run, machine.id, name)
    return MachineEvidence(
        instance_id=machine.id,
        instance_type=machine.instance_type,
        host_key=host_key,
        machine_id=ssh.run_command(host, read_machine_id()).strip(),
        jupyter_version=version,
        verdict=verdict,
        compared=compared,
        ways_in=parse_login_methods(ssh.run_command(host, LIST_LOGIN_METHODS)),
    )


def kept_as(machine: Instance) -> str:
    """Return the name under which what a machine from the image showed is kept."""
    return f"acceptance-{machine.tags.get(tags.NUMBER, machine.id)}"


def give_up(
    run: Run, machine: Instance, why: str, error: WaitTimeoutError | None = None
) -> NoReturn:
    """Mark a machine as lost, so that the next launch replaces it."""
    tag_resource(run, machine.id, {tags.LOST: why})
    reason = f" {error.message}" if error else ""
    raise ResourceLostError(
        f"{machine.id}, started from {machine.image_id}, {why}.{reason}",
    ).with_next(resume(run.id, purpose="To start another machine")) from error


def check_build_key_is_refused(run: Run, machine: Instance, host_key: str) -> None:
    """Raise unless the key with which the image was built is locked out of it."""
    with_build_key = as_host(run, machine, key_name="builder", host_key=host_key)
    try:
        ssh.try_command(with_build_key, "true")
    except LoginRefusedError:
        return
    connection.disconnect(with_build_key)
    raise ImageNotAcceptedError(f"The build's key opens {machine.id}: it is still in the image.")


def check_nothing_was_left(host: Host) -> None:
    """Raise HostCommandError where another key than the second one may log in, as anyone."""
    home = quote(f"/home/{host.user}/.ssh/authorized_keys")
    ssh.run_command(
        host,
        f'test "$(sudo grep --count ssh- {home})" = 1'
        " && ! sudo grep --quiet --extended-regexp '^(ssh|ecdsa)-' /root/.ssh/authorized_keys",
    )


def check_identities(run: Run, shown: list[MachineEvidence]) -> None:
    """Raise unless every machine has a host key and a machine-id of its own.

    What could not be determined proves nothing, and refuses the image.
    """
    built = identity.read_builder_ids(run)
    if not built:
        raise ImageNotAcceptedError(
            f"The machine-id of the builder of run {run.id} is not kept in its run store, so nobody"
            " can tell whether the image still has it.",
            "Give the image up, and build it anew.",
        ).with_next(NextCommand(("tear-down", run.id), "To give it up"))
    host_keys = [keys.keys_of(run, "builder-host").public, *(one.host_key for one in shown)]
    machine_ids = [*built, *(one.machine_id for one in shown)]
    places = [one.instance_id for one in shown]
    identity.check_all_differ(
        "ssh host key", [identity.as_host_key(one) for one in host_keys], ["the builder", *places]
    )
    identity.check_all_differ(
        "machine-id",
        [identity.as_machine_id(one) for one in machine_ids],
        [*("the builder" for _ in built), *places],
    )


def other_ways_in(shown: list[MachineEvidence]) -> list[str]:
    """Return the sentence about who else is let in: "no other key" does not mean nobody else."""
    ways = list(dict.fromkeys(way for one in shown for way in one.ways_in))
    if not ways:
        return []
    return [f"Beside keys: {'; '.join(ways)}."]


def sentences(run: Run, shown: list[MachineEvidence]) -> list[str]:
    """Return what was proven, for people."""
    ids = " and ".join(f"{one.instance_id} ({one.instance_type})" for one in shown)
    points = ", ".join(one.mount_point for one in run.recipe.volumes if one.is_in_image)
    verdict = shown[0].verdict
    lost = [
        f"{one.id} ({one.tags[tags.LOST]})"
        for one in own_machines.find_launched(run, "acceptance")
        if tags.LOST in one.tags
    ]
    return [
        f"Booted from the image: {ids}.",
        *([f"Replaced: {', '.join(lost)}."] if lost else []),
        "Their ssh host keys and machine-ids are new, and differ.",
        "The build's key is refused; no other key is left.",
        *other_ways_in(shown),
        *([f"The volumes are mounted: {points}."] if points else []),
        f"JupyterLab (server {shown[0].jupyter_version}) ran a cell through an ssh tunnel.",
        f"The notebook passed on each: {pluralize(verdict.cells, 'cell')},"
        f" {pluralize(verdict.figures, 'figure')}"
        f"{format_comparison(run, shown[0])}.",
        *allowed_sentences(run),
    ]


def format_comparison(run: Run, shown: MachineEvidence) -> str:
    """Return what was compared with the builder's results, as the end of a sentence."""
    wanted = run.recipe.notebook
    if wanted.compare == "nothing":
        return "; its numbers were not compared, as the recipe says"
    if not shown.compared:
        return "; it shows no numbers that could be compared"
    within = f", within {wanted.tolerance:g}" if wanted.tolerance else ""
    numbers = "number" if shown.compared == 1 else f"{shown.compared} numbers"
    return f", with the builder's {numbers}{within}"
