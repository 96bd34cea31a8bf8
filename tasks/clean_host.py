"""The builder cleaned, searched for credentials, and shut off: nothing secret enters the image.

Needs   all work on the host done
Gives   Done: the builder carries the tag notebake:sealed with the digest of what was asked for
Costs   nothing of its own
"""

from shlex import quote

from notebake.acceptance.allowed_findings import keep_allowed
from notebake.aws import tags
from notebake.commands.boot import read_machine_id
from notebake.commands.clean import remove_login, scan_and_clean, work_name
from notebake.commands.credential_scan import engine_was_unavailable
from notebake.commands.jupyter import UNIT
from notebake.commands.jupyter_units import TOKEN_SERVICE
from notebake.credentials.report import format_findings, is_clean, parse_report
from notebake.errors import (
    CredentialFoundError,
    HostCommandError,
    HostUnreachableError,
    ImageNotAcceptedError,
    ResourceLostError,
    resume,
)
from notebake.images.baked import current_image, is_finished
from notebake.machines import identity
from notebake.machines.builder import builder_host
from notebake.machines.credential_search import carry_engine, search_program
from notebake.resources import own_machines
from notebake.runbook.digests import step_digest
from notebake.runbook.step import Done, Step
from notebake.runs.run import Run
from notebake.runs.tag_repair import tag_resource
from notebake.ssh import connection
from notebake.ssh import remote as ssh
from notebake.ssh.detached import run_detached
from notebake.ssh.host import Host

NAME = "clean_host"
CLEAN_SECONDS = 7200


def find(run: Run) -> Done | None:
    """Return that the builder is sealed, or has become an image."""
    digest = step_digest(run.recipe, NAME)
    instance = own_machines.find_builder(run)
    if instance:
        is_done = is_finished(run, instance)
        return Done(digest=digest, detail=f"{instance.id} is finished") if is_done else None
    image = current_image(run)
    return Done(digest=digest, detail=f"in {image.id}") if image else None


def make(run: Run) -> Done:
    """Search, clean, search again, and only then remove the login and seal the builder.

    Raises:
        CredentialFoundError: a credential was found, or something could not be read. The machine is
            left as it is; the message names files, never secrets.
    """
    host = builder_host(run)
    digest = step_digest(run.recipe, NAME)
    keep_identity(run, host)
    searched = clean_and_search(run, host, digest)
    seal(run, host, digest)
    return Done(digest=digest, detail=f"no credential in {searched} files")


def keep_identity(run: Run, host: Host) -> None:
    """Keep what the machines from the image must differ in.

    Raises:
        ImageNotAcceptedError: it cannot be determined, and was not when a run was killed in here
            before: the proof would refuse the image.
    """
    found = identity.as_machine_id(ssh.run_command(host, read_machine_id()))
    if found:
        identity.keep_builder_id(run, found)
    elif not identity.read_builder_ids(run):
        raise ImageNotAcceptedError(
            f"{host.address} ({host.instance_id}) has no machine-id of its own, so that no image of"
            " it could be told from it.",
            "Type on the machine: sudo systemd-machine-id-setup",
        ).with_next(resume(run.id))


def seal(run: Run, host: Host, digest: str) -> None:
    """Remove the login over the connection that is still open, and say so by a tag.

    Whoever is killed in between finds the tag "sealing": the machine may let nobody in any more,
    and a stop and a start makes cloud-init put the login back.
    """
    tag_resource(run, host.instance_id, {tags.SEALED: tags.SEALING})
    try:
        ssh.run_command(host, f"sudo bash -c {quote(remove_login(user=host.user))}")
    except HostUnreachableError as error:
        # It was done, and its answer lost on the way: nobody can be let in to ask.
        raise ResourceLostError(
            f"{host.instance_id} has not said whether its login is removed. {error.message}"
        ).with_next(resume(run.id)) from error
    connection.disconnect(host)
    tag_resource(run, host.instance_id, {tags.SEALED: digest})


def clean_and_search(run: Run, host: Host, digest: str) -> int:
    """Do it in one piece of work, and return how many files were searched at last.

    Raises:
        CredentialFoundError: anything was found.
        HostCommandError: the search did not come to its end.
    """
    script = scan_and_clean(
        program=search_program(),
        user=host.user,
        units=[UNIT, TOKEN_SERVICE],
        mount_points=[one.mount_point for one in run.recipe.volumes if one.is_in_image],
        allowed=[(one.path, one.rule) for one in run.recipe.credentials.allow],
    )
    printed = run_detached(host, work_name(digest), script, timeout_seconds=CLEAN_SECONDS)
    if engine_was_unavailable(printed):
        carry_engine(host)
        printed = run_detached(host, work_name(digest), script, timeout_seconds=CLEAN_SECONDS)
    try:
        report = parse_report(printed)
    except ValueError as error:
        raise HostCommandError(host.address, "search for credentials", 0, printed) from error
    if not is_clean(report):
        raise CredentialFoundError(
            f"The image is not baked, for what was found on {host.address}:\n"
            f"{format_findings(report)}",
            "Log in and remove it, or let the recipe allow what is no secret (credentials.allow:"
            " path, rule, reason).",
        ).with_next(resume(run.id))
    keep_allowed(run, report)
    return report["files"]


STEP = Step(NAME, "Clean and search for credentials", find, make)
