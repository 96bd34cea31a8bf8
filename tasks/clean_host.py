"""Cleans the builder, searches it for credentials and removes its login, ready for its image.

Needs   all other work on the host
Gives   Done: the builder carries the tag notebake:sealed with the digest of this step
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
from notebake.machines import identity
from notebake.machines.builder import builder_host
from notebake.machines.credential_search import copy_engine, search_program
from notebake.machines.host_step import find_finished
from notebake.resources import stack_instances
from notebake.runbook.plan import step_digest
from notebake.runbook.step import Done, Step
from notebake.runs.run import Run
from notebake.runs.tag_repair import tag_resource
from notebake.ssh import connection
from notebake.ssh import remote as ssh
from notebake.ssh.detached import run_detached
from notebake.ssh.host import Host
from notebake.ssh.host_errors import describe_host

NAME = "clean_host"
CLEAN_SECONDS = 7200


def find(run: Run) -> Done | None:
    """Return the result if the builder is sealed or its image exists."""
    builder = stack_instances.find_builder(run)
    return find_finished(run, builder, step_digest(run.recipe, NAME))


def make(run: Run) -> Done:
    """Search, clean, search again, and only then remove the login and seal the builder.

    Raises:
        CredentialFoundError: a credential was found, or a file could not be read. The machine stays
            as it is; the message names files, never credentials.
    """
    host = builder_host(run)
    digest = step_digest(run.recipe, NAME)
    keep_identity(run, host)
    searched = clean_and_search(run, host, digest)
    seal(run, host, digest)
    return Done(digest=digest, detail=f"no credential in {searched} files")


def keep_identity(run: Run, host: Host) -> None:
    """Record the builder's machine-id, from which the machines from the image must differ.

    Raises:
        ImageNotAcceptedError: it is neither readable nor recorded by an earlier try, so the proof
            would fail.
    """
    found = identity.as_machine_id(ssh.run_command(host, read_machine_id()))
    if found:
        identity.keep_builder_id(run, found)
    elif not identity.read_builder_ids(run):
        raise ImageNotAcceptedError(
            f"{describe_host(host)} has no machine-id, so whether a machine from its image has"
            " another one could not be determined.",
            "Type on the machine: sudo systemd-machine-id-setup",
        ).with_next(resume(run.id))


def seal(run: Run, host: Host, digest: str) -> None:
    """Remove the login over the connection that is still open, and record it in a tag.

    After a kill in between, the tag is "sealing": the machine may accept no login any more, and a
    stop and a start makes cloud-init restore the login.
    """
    tag_resource(run, host.instance_id, {tags.SEALED: tags.SEALING})
    try:
        ssh.run_command(host, f"sudo bash -c {quote(remove_login(user=host.user))}")
    except HostUnreachableError as error:
        # The login may be removed, so another connection cannot find out.
        raise ResourceLostError(
            f"Whether the login of {host.instance_id} is removed is unknown. {error.message}"
        ).with_next(resume(run.id)) from error
    connection.disconnect(host)
    tag_resource(run, host.instance_id, {tags.SEALED: digest})


def clean_and_search(run: Run, host: Host, digest: str) -> int:
    """Clean and search in one detached work; return how many files the last search read.

    Raises:
        CredentialFoundError: a credential was found.
        HostCommandError: the search did not finish.
    """
    in_image = [volume for volume in run.recipe.volumes if volume.is_in_image]
    script = scan_and_clean(
        program=search_program(),
        user=host.user,
        units=[UNIT, TOKEN_SERVICE],
        mount_points=[volume.mount_point for volume in in_image if not volume.volume_id],
        # An existing volume is somebody's own: what is on it stays there.
        only_searched=[volume.mount_point for volume in in_image if volume.volume_id],
        allowed=[(entry.path, entry.rule) for entry in run.recipe.credentials.allow],
    )
    printed = run_detached(host, work_name(digest), script, timeout_seconds=CLEAN_SECONDS)
    if engine_was_unavailable(printed):
        copy_engine(host)
        printed = run_detached(host, work_name(digest), script, timeout_seconds=CLEAN_SECONDS)
    try:
        report = parse_report(printed)
    except ValueError as error:
        raise HostCommandError(host.address, "search for credentials", 0, printed) from error
    if not is_clean(report):
        raise CredentialFoundError(
            f"The image is not made because of these findings on {host.address}:\n"
            f"{format_findings(report)}",
            "Log in and type for each file: sudo shred --remove FILE. A file that is only deleted"
            " stays readable in the image's snapshot. And revoke what was found: others may have"
            " seen it. Or allow in the recipe what is no credential (credentials.allow: path, rule,"
            " reason).",
        ).with_next(resume(run.id))
    keep_allowed(run, report)
    return report["files"]


STEP = Step(NAME, "Clean and search for credentials", find, make)
