"""Steps whose product is on the builder: they find it, make it, and mark it there."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from notebake.aws.model import Instance
from notebake.commands import markers
from notebake.commands.shell import script
from notebake.errors import HostCommandError
from notebake.images.image_state import current_image, is_finished
from notebake.machines.builder import builder_host
from notebake.resources import stack_instances
from notebake.runbook.plan import step_digest
from notebake.runbook.step import Done
from notebake.runs.run import Run
from notebake.ssh import remote as ssh
from notebake.ssh.detached import run_detached
from notebake.ssh.host import Host
from notebake.ssh.remote import retry_until_reachable

Probe = Callable[[Run, Host], str | None]
"""Checks a step's product on the host; returns a phrase about it, or None if it is not valid."""


class Product(NamedTuple):
    """How a step's product is known on the host."""

    command: str
    """Succeeds if it is valid."""
    detail: str = ""
    """A phrase about it, instead of the marker's."""


Keep = Callable[[Run, Host], str]
"""Copies files of a step from the host to the run store; returns a phrase about them."""


def find_finished(run: Run, builder: Instance | None, digest: str) -> Done | None:
    """Return the result of a step whose builder is finished, or gone with its image made."""
    if builder is None:
        image = current_image(run)
        return Done(digest=digest, detail=f"in {image.id}") if image else None
    if is_finished(run, builder):
        return Done(digest=digest, detail=f"{builder.id} is finished")
    return None


def find_on_host(
    run: Run,
    step: str,
    probe: Probe | None = None,
    *,
    installed: str = "",
    product: Product | None = None,
) -> Done | None:
    """Return the result of a step that is done on the builder, or in its image; else None.

    The marker on the host must contain the step's current digest, or the command `installed` must
    succeed, if it is given. `product` or `probe` checks the product itself; the former costs no
    round trip of its own.
    """
    digest = step_digest(run.recipe, step)
    instance = stack_instances.find_builder(run)
    if (done := find_finished(run, instance, digest)) or instance is None:
        return done
    if instance.state != "running":
        return None
    host = builder_host(run)
    check = product.command if product else ""
    question = markers.read_marker(step, digest, installed=installed, product=check)
    answer = ssh.try_command(host, question)
    detail = markers.parse_marker(answer.output, digest)
    if answer.exit_code != 0 or detail is None:
        return None
    if product is not None:
        detail = product.detail or detail
    if probe is not None:
        found = probe(run, host)
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
    product: Product | None = None,
    keep: Keep | None = None,
    timeout_seconds: float = 600,
) -> Done:
    """Run a step's scripts on the builder, each in its own shell, and find the product.

    The last line of the same detached work writes the marker. So after a kill there is either the
    running work or its marker. With `keep` the marker is written when the files are kept: after a
    kill before that the scripts are run again.

    Raises:
        HostCommandError: it failed, or succeeded without making the product.
    """
    host = builder_host(run)
    digest = step_digest(run.recipe, step)
    work = [f"(\n{text}\n)" for text in scripts]
    if keep is None:
        work.append(markers.write_marker(step, digest))
    name = f"{step}-{digest}"
    output = run_detached(host, name, script(*work), timeout_seconds=timeout_seconds)
    if keep is not None:
        detail = retry_until_reachable(host, name, lambda: keep(run, host))
        retry_until_reachable(host, name, lambda: mark_on_host(run, host, step, detail))
    done = find_on_host(run, step, probe, product=product)
    if done is None:
        raise HostCommandError(host.address, f"find the product of {step}", 1, output)
    return done


def mark_on_host(run: Run, host: Host, step: str, detail: str) -> Done:
    """Write a step's marker on the host, as the last action of the step."""
    digest = step_digest(run.recipe, step)
    ssh.run_command(host, markers.write_marker(step, digest, detail))
    return Done(digest=digest, detail=detail)
