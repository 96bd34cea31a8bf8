"""A step whose product lies on the builder: looked for there, made there, marked there."""

from collections.abc import Callable, Sequence

from notebake.commands import markers
from notebake.commands.shell import script
from notebake.errors import HostCommandError
from notebake.images.baked import current_image, is_finished
from notebake.machines.builder import builder_host
from notebake.resources import own_machines
from notebake.runbook.digests import step_digest
from notebake.runbook.step import Done
from notebake.runs.run import Run
from notebake.ssh import remote as ssh
from notebake.ssh.detached import run_detached
from notebake.ssh.host import Host

Probe = Callable[[Host], str | None]
"""Looks at a step's product on the host: a phrase about it, or None where it does not hold."""


def find_on_host(
    run: Run, step: str, probe: Probe | None = None, *, installed: str = ""
) -> Done | None:
    """Return that a step is done on the builder, or in the image that was made of it.

    The marker on the host must hold the digest of what is asked for now, or the command
    `installed` succeed, where one is given; `probe` looks at the product itself and returns a
    phrase about it, or None where it does not hold.
    """
    digest = step_digest(run.recipe, step)
    instance = own_machines.find_builder(run)
    if instance is None:
        image = current_image(run)
        return Done(digest=digest, detail=f"in {image.id}") if image else None
    if is_finished(run, instance):
        return Done(digest=digest, detail=f"{instance.id} is finished")
    if instance.state != "running":
        return None
    host = builder_host(run)
    answer = ssh.try_command(host, markers.read_marker(step, digest, installed=installed))
    detail = markers.parse_marker(answer.output, digest)
    if answer.exit_code != 0 or detail is None:
        return None
    if probe is not None:
        found = probe(host)
        if found is None:
            return None
        detail = found or detail
    return Done(digest=digest, detail=detail)


def make_on_host(
    run: Run,
    step: str,
    scripts: Sequence[str],
    *,
    probe: Probe | None = None,
    timeout_seconds: float = 600,
) -> Done:
    """Run a step's scripts on the builder, each in a shell of its own, and then look for it.

    The marker is the last line of the same detached work: whoever is killed while it runs finds
    either the work, or its marker.

    Raises:
        HostCommandError: it failed, or ended well without the product being there.
    """
    host = builder_host(run)
    digest = step_digest(run.recipe, step)
    whole = script(*(f"(\n{one}\n)" for one in scripts), markers.write_marker(step, digest))
    printed = run_detached(
        host,
        f"{step}-{digest}",
        whole,
        timeout_seconds=timeout_seconds,
    )
    done = find_on_host(run, step, probe)
    if done is None:
        raise HostCommandError(host.address, f"look for what {step} made", 1, printed)
    return done


def mark_on_host(run: Run, host: Host, step: str, detail: str) -> Done:
    """Write a step's marker on the host, as the last thing that the step does."""
    digest = step_digest(run.recipe, step)
    ssh.run_command(host, markers.write_marker(step, digest, detail))
    return Done(digest=digest, detail=detail)
