"""The proof of an image: what machines that booted from it showed, in sentences."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from notebake.acceptance.allowed_findings import allowed_sentences
from notebake.acceptance.evidence import MachineEvidence, Proof
from notebake.acceptance.inspection import inspect_machine
from notebake.acceptance.machines import check_complete
from notebake.aws import tags
from notebake.aws.model import Image, Instance
from notebake.errors import ImageNotAcceptedError, NextCommand
from notebake.humanize import pluralize
from notebake.machines import identity
from notebake.resources import stack_instances
from notebake.runs import files, keys
from notebake.runs.run import Run
from notebake.waiting import interrupting_waits

FILE = "proof.json"


def find_proof(run: Run, image: Image) -> Proof | None:
    """Return the stored proof of exactly this image."""
    stored = files.get_file(run, FILE)
    proof = Proof.model_validate_json(stored) if stored else None
    return proof if proof and proof.image_id == image.id else None


def prove(run: Run, image: Image, machines: list[Instance]) -> Proof:
    """Inspect all machines concurrently, compare them, and store the proof.

    Raises:
        ImageNotAcceptedError: a machine failed the inspection.
        ResourceLostError: there are fewer machines than the proof needs.
    """
    check_complete(run, image, machines)
    with ThreadPoolExecutor(len(machines)) as pool:
        futures = [
            pool.submit(copy_context().run, inspect_machine, run, machine) for machine in machines
        ]
        with interrupting_waits():
            evidence = [future.result() for future in futures]
    check_identities(run, evidence)
    proof = Proof(image_id=image.id, sentences=tuple(proof_sentences(run, evidence)))
    files.put_file(run, FILE, proof.model_dump_json(indent=2).encode())
    return proof


def check_identities(run: Run, evidence: list[MachineEvidence]) -> None:
    """Raise ImageNotAcceptedError unless each machine has its own host key and machine-id.

    An identity that could not be determined is an error, too.
    """
    built = identity.read_builder_ids(run)
    if not built:
        raise ImageNotAcceptedError(
            f"The machine-id of the builder of run {run.id} is not in its run store, so whether the"
            " image still has it cannot be determined.",
            "Abandon the image, and build it again.",
        ).with_next(NextCommand(("tear-down", run.id), "To abandon it"))
    host_keys = [keys.keys_of(run, "builder-host").public, *(each.host_key for each in evidence)]
    machine_ids = [*built, *(each.machine_id for each in evidence)]
    ids = [each.instance_id for each in evidence]
    identity.check_all_differ(
        "ssh host key", [identity.as_host_key(key) for key in host_keys], ["the builder", *ids]
    )
    identity.check_all_differ(
        "machine-id",
        [identity.as_machine_id(machine_id) for machine_id in machine_ids],
        [*("the builder" for _ in built), *ids],
    )


def other_login_methods(evidence: list[MachineEvidence]) -> list[str]:
    """Return the sentence about ways to log in without a key on the machine."""
    methods = list(dict.fromkeys(method for each in evidence for method in each.login_methods))
    if not methods:
        return []
    return [f"Besides keys: {'; '.join(methods)}."]


def proof_sentences(run: Run, evidence: list[MachineEvidence]) -> list[str]:
    """Return what was proven, for people."""
    ids = " and ".join(f"{each.instance_id} ({each.instance_type})" for each in evidence)
    volumes = [volume for volume in run.recipe.volumes if volume.is_in_image]
    points = ", ".join(volume.mount_point for volume in volumes)
    shared = ", ".join(each.mount_point for each in run.recipe.efs)
    first = evidence[0]
    lost = [
        f"{machine.id} ({machine.tags[tags.LOST]})"
        for machine in stack_instances.find_launched(run, "acceptance")
        if tags.LOST in machine.tags
    ]
    return [
        f"Booted from the image: {ids}.",
        *([f"Replaced: {', '.join(lost)}."] if lost else []),
        "Their ssh host keys and machine-ids are new, and differ.",
        "The build's key is refused; no other key is left.",
        *other_login_methods(evidence),
        *([f"The volumes are mounted: {points}."] if points else []),
        *([f"EFS at {shared} is in fstab; without a role it was not mounted."] if shared else []),
        f"JupyterLab (server {first.jupyter_version}) ran a cell through an ssh tunnel.",
        f"The notebook passed on each: {pluralize(first.verdict.cells, 'cell')},"
        f" {pluralize(first.verdict.figures, 'figure')}"
        f"{format_comparison(run, first)}.",
        *allowed_sentences(run),
    ]


def format_comparison(run: Run, evidence: MachineEvidence) -> str:
    """Return how the results were compared with the builder's, as the end of a sentence."""
    wanted = run.recipe.notebook
    if wanted.compare == "nothing":
        return "; its numbers were not compared, as the recipe demands"
    if not evidence.compared:
        return "; it shows no numbers that could be compared"
    within = f", within {wanted.tolerance:g}" if wanted.tolerance else ""
    numbers = "number" if evidence.compared == 1 else f"{evidence.compared} numbers"
    return f", with the builder's {numbers}{within}"
