"""The builder as a host: where its address, its key and what has been done on it come together."""

from collections.abc import Callable, Sequence

from notebake.aws import images, instances, tags
from notebake.commands import markers
from notebake.commands.shell import script
from notebake.errors import HostCommandError, LostError
from notebake.machines.console_host_key import parse_host_key
from notebake.records import Done, Host, Image, Instance, Run
from notebake.runbook.digests import asked_for
from notebake.runs import keys
from notebake.ssh import host as ssh
from notebake.ssh.detached import run_detached
from notebake.timeouts import CATCH_UP_SECONDS
from notebake.waiting import wait_until

Probe = Callable[[Host], str | None]
"""Looks at a step's product on the host: a phrase about it, or None where it does not hold."""


def as_host(run: Run, instance: Instance, *, key_name: str, host_key: str) -> Host:
    """Return an instance as ssh sees it."""
    public = run.recipe.network.address == "public"
    return Host(
        instance_id=instance.id,
        address=(instance.public_address if public else instance.private_address) or "",
        user=run.recipe.base_image.user,
        private_key_path=keys.private_key_path(run, key_name),
        host_key=host_key,
    )


def builder_host(run: Run) -> Host:
    """Return the running builder as a host.

    Raises:
        LostError: there is none, or it is not running.
    """
    instance = instances.find_builder(run)
    if instance is None or instance.state != "running":
        state = f"{instance.state} ({instance.id})" if instance else "gone"
        raise LostError(
            f"The builder of run {run.id} is {state}.", f"Type: notebake resume {run.id}"
        )
    return host_of(run, instance)


def host_of(run: Run, builder: Instance) -> Host:
    """Return the builder as ssh sees it; its host key is the one that we gave it."""
    host_key = keys.keys_of(run, "builder-host").public
    return as_host(run, builder, key_name="builder", host_key=host_key)


def host_key_of(run: Run, instance: Instance, role: str) -> str | None:
    """Return the host key that we gave to a builder, or that another machine has told by now."""
    if role == "builder":
        return keys.keys_of(run, "builder-host").public
    return parse_host_key(instances.read_console(instance.id, run.recipe.region))


def is_sealed(run: Run, instance: Instance) -> bool:
    """Tell whether the builder has been cleaned and shut off, ready for its image."""
    return instance.tags.get(tags.SEALED) == asked_for(run.recipe, "clean_host")


def is_finished(run: Run, instance: Instance) -> bool:
    """Tell whether no work on the builder is left: it is sealed, or its image has been asked for.

    One that was started again after that is not sealed any more, but its image is of before.
    """
    if is_sealed(run, instance):
        return True
    if not instance.tags.get(tags.BAKED):
        return False
    image = standing_image(run)
    return image is not None and image.id == instance.tags[tags.BAKED]


def find_on_host(
    run: Run, step: str, probe: Probe | None = None, *, installed: str = ""
) -> Done | None:
    """Return that a step is done on the builder, or in the image that was made of it.

    The marker on the host must hold the digest of what is asked for now, or the command
    `installed` succeed, where one is given; `probe` looks at the product itself and returns a
    phrase about it, or None where it does not hold.
    """
    digest = asked_for(run.recipe, step)
    instance = instances.find_builder(run)
    if instance is None:
        image = baked_image(run)
        return Done(digest=digest, detail=f"in {image.id}") if image else None
    if is_finished(run, instance):
        return Done(digest=digest, detail=f"{instance.id} is finished")
    if instance.state != "running":
        return None
    host = builder_host(run)
    answer = ssh.try_command(host, markers.read_mark(step, digest, installed=installed))
    detail = markers.parse_mark(answer.output, digest)
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
    digest = asked_for(run.recipe, step)
    whole = script(*(f"(\n{one}\n)" for one in scripts), markers.mark(step, digest))
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
    digest = asked_for(run.recipe, step)
    ssh.run_command(host, markers.mark(step, digest, detail))
    return Done(digest=digest, detail=detail)


def accepted_image(run: Run) -> Image | None:
    """Return the run's image where it has been accepted: then nothing is left to be done for it."""
    image = baked_image(run)
    return image if image and tags.ACCEPTED in image.tags else None


def standing_image(run: Run) -> Image | None:
    """Return the run's image, unless it is broken or of an older recipe."""
    image = baked_image(run)
    return image if image and image.state not in images.BROKEN_STATES else None


def shown_image(run: Run) -> Image:
    """Return the image that has been asked for; EC2 may show what it has just named only later.

    Raises:
        WaitTimeoutError: EC2 does not show it.
    """
    return wait_until(
        lambda: baked_image(run),
        what=f"EC2 to show the image of run {run.id}",
        timeout_seconds=CATCH_UP_SECONDS,
    )


def baked_image(run: Run) -> Image | None:
    """Return the run's image where it was made of a machine as the recipe asks for it now."""
    image = images.find_image(run)
    wanted = asked_for(run.recipe, "clean_host")
    return image if image and image.tags.get(tags.SEALED) == wanted else None
