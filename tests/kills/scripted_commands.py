"""The commands that a scripted host understands: those that notebake's own texts make.

Each is compared as a whole with what notebake writes; whatever else is said fails loudly.
"""

import base64
import gzip
import hashlib
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from notebake.commands import (
    acceptance,
    apt,
    boot,
    clean,
    datasets,
    jupyter,
    lease_timer,
    markers,
    papermill,
    repository,
    software,
    volumes,
)
from notebake.commands.detached import ROOT, read_status, start_work, upload_path
from notebake.commands.fitness import CLOCK, PRINT_FITNESS, SWITCH
from notebake.commands.package_lock import find_holder
from notebake.commands.shell import as_root
from notebake.notebook import execute as notebook_run
from notebake.notebook import recipe_notebook
from notebake.notebook.papermill_script import status_path
from notebake.recipe import Recipe, Volume
from notebake.record import digest_of
from notebake.runbook.plan import PLAN
from tasks.wait_for_host import host_is_ready, prepare_for_work
from tests.kills.scripted_host import Boot, ScriptedHost
from tests.kills.scripted_work import LOCKS, cached_digest, notebook, perform, volumes_by_id

READING_SECONDS = 4.0
"""How long one reading waits for news of a work."""


class UnknownCommandError(BaseException):
    """Something was said that no host here understands; no `except Exception` may hide that."""


@dataclass(frozen=True)
class Spoken:
    """What a command gave."""

    code: int = 0
    output: str = ""
    errors: str = ""


@dataclass(frozen=True)
class Question:
    """Whether a work is to be started."""

    name: str
    id: str


Deed = Callable[[], Spoken]


def answer(recipe: Recipe, host: ScriptedHost, command: str) -> Spoken:
    """Do what a command says, on a host that is on."""
    assert host.boot
    for understand in (fixed, marking, starting, reading, looking_at_part):
        if deed := understand(recipe, host, host.boot, command):
            return deed()
    raise UnknownCommandError(f"{host.id} does not understand: {command[:2000]}")


def succeed(holds: object, output: str = "") -> Spoken:
    return Spoken(0, output) if holds else Spoken(1)


def fixed(recipe: Recipe, host: ScriptedHost, up: Boot, command: str) -> Deed | None:
    """Commands whose whole text is known."""
    root, points = host.root, [volume.mount_point for volume in recipe.volumes]
    baked = [volume.mount_point for volume in recipe.volumes if volume.is_in_image]
    known: dict[str, Deed] = {
        "true": Spoken,
        boot.wait_for_cloud_init(): Spoken,
        host_is_ready(): lambda: succeed(up.lease_until and not cleanings(up)),
        PRINT_FITNESS: lambda: show_fitness(host, up),
        prepare_for_work(): lambda: end_cleanings(up),
        as_root(find_holder()): Spoken,
        boot.read_machine_id(): lambda: Spoken(0, root.machine_id + "\n"),
        lease_timer.renew_lease(recipe.lease_hours): lambda: renew(host),
        jupyter.jupyter_is_running(recipe.jupyter_port): lambda: succeed(up.jupyter_runs),
        jupyter.wait_for_jupyter(recipe.jupyter_port): lambda: Spoken(
            0 if up.jupyter_runs else jupyter.STILL_STARTING
        ),
        jupyter.wait_for_jupyter(recipe.jupyter_port, jupyter.read_token()): lambda: (
            succeed(root.token, root.token + "\n")
            if up.jupyter_runs
            else Spoken(jupyter.STILL_STARTING)
        ),
        volumes.flush_disks(): Spoken,
        software.read_locks(): lambda: succeed(root.software, locks_as_printed()),
        f"test -f {status_path(recipe_notebook.OUTPUT)}": lambda: succeed(
            status_path(recipe_notebook.OUTPUT) in root.files
        ),
        **{
            notebook_run.prepare_command(recipe.base_image.user, name): partial(
                end_notebooks, up, name
            )
            for name, _, _ in notebook(recipe, host)
        },
        f"sudo bash -c {shlex.quote(clean.remove_login(user=recipe.base_image.user))}": (
            lambda: remove_login(host)
        ),
        volumes.volumes_are_mounted(pairs(recipe, host)): lambda: succeed(
            all(up.mounted.get(mount_point) for mount_point in points)
        ),
    }
    known[boot.paths_are_mounted(points)] = partial(succeed, all(map(up.mounted.get, points)))
    shows_all = (
        *(all(map(up.mounted.get, baked)), up.lease_until, root.jupyter_port),
        len(root.authorized) == 1,
    )
    known[acceptance.ask_machine(user=recipe.base_image.user, mount_points=baked)] = partial(
        succeed, all(shows_all), root.machine_id + "\n"
    )
    packages = cached_digest(recipe, "install_packages")
    installed = apt.packages_are_installed(recipe.software.apt)
    looking = markers.read_marker("install_packages", packages, installed=installed)
    known[looking] = partial(
        succeed, root.packages >= {"git", *recipe.software.apt}, f"{packages}\n\n"
    )
    for step in (name for name, planned in PLAN.items() if planned.uses):
        digest = cached_digest(recipe, step)
        known[markers.read_marker(step, digest)] = partial(read_mark, host, step, digest)
    for step, (product, is_valid) in products(recipe, host, up).items():
        digest = cached_digest(recipe, step)
        looking = markers.read_marker(step, digest, product=product)
        known[looking] = partial(read_mark, host, step, digest) if is_valid else partial(Spoken, 1)
    missing = [each.name for each in recipe.datasets if digest_of(each) not in root.datasets]
    known[datasets.print_missing(recipe.datasets)] = partial(
        Spoken, 0, "".join(f"{name}\n" for name in missing)
    )
    for dataset in recipe.datasets:
        staging = datasets.prepare_staging(dataset, user=recipe.base_image.user)
        known[f"sudo bash -c {shlex.quote(staging)}"] = Spoken
    if recipe.repository_path:
        text = repository.repository_commit(recipe.repository_path)
        known[text] = lambda: succeed(root.commit, root.commit + "\n")
    return known.get(command)


def products(recipe: Recipe, host: ScriptedHost, up: Boot) -> dict[str, tuple[str, object]]:
    """Return for steps what looks at their product, and whether that is valid."""
    root = host.root
    digest = cached_digest(recipe, "install_software")
    lock = f"{software.LOCK_FILE_DIRECTORY}/{papermill.LOCK_FILE}"
    are_there = all(digest_of(each) in root.datasets for each in recipe.datasets)
    return {
        "install_software": (software.software_is_installed(digest), root.software == digest),
        "install_papermill": (papermill.papermill_is_installed(), lock in root.files),
        "start_jupyter": (jupyter.jupyter_is_running(recipe.jupyter_port), up.jupyter_runs),
        "fetch_datasets": (datasets.datasets_are_in_place(recipe.datasets), are_there),
    }


def marking(recipe: Recipe, host: ScriptedHost, up: Boot, command: str) -> Deed | None:
    """Write a marker: its phrase is not known before."""
    del recipe, up
    found = re.search(r"printf %s ('[^']*'|\S+) > ('[^']*'|\S+)\n", inner_script(command))
    if not found or "/steps/." not in found[2]:
        return None
    digest, _, detail = shlex.split(found[1])[0].rstrip("\n").partition("\n")
    step = Path(shlex.split(found[2])[0]).name.removeprefix(".").removesuffix(".new")
    if markers.write_marker(step, digest, detail) != command:
        return None

    def mark() -> Spoken:
        host.root.marks[step] = (digest, detail)
        return Spoken()

    return mark


def starting(recipe: Recipe, host: ScriptedHost, up: Boot, command: str) -> Deed | None:
    """Start a work whose script is carried along or was uploaded, unless it runs."""
    name = re.search(r"systemctl is-active '?notebake-([\w.-]+)'? ", command)
    limit = re.search(r"RuntimeMaxSec=(\d+)", command)
    carried_id = re.search(r"grep -qxF (\w+) ", command)
    if not name or not limit or not carried_id:
        return None
    carried = re.search(r"\necho (\S+) \| base64 --decode \| gzip", command)
    packed = carried[1] if carried else None
    if start_work(name[1], int(limit[1]), request_id=carried_id[1], carried=packed) != command:
        return None
    script = gzip.decompress(base64.b64decode(packed)) if packed else None
    return partial(start, recipe, host, up, Question(name[1], carried_id[1]), script)


def start(
    recipe: Recipe, host: ScriptedHost, up: Boot, question: Question, carried: bytes | None
) -> Spoken:
    """Start what was carried along or uploaded, as `start_work` does."""
    script = carried or host.root.files.pop(upload_path(question.name), None)
    work = up.works.get(question.name)
    if work and (not work.result or work.request_id == question.id):
        return Spoken()
    if script is None:
        return Spoken(1, "", f"install: cannot stat '{upload_path(question.name)}'")
    deed = perform(recipe, host, question.name, script.decode())
    if deed is None:
        text = script.decode()[:3000]
        raise UnknownCommandError(f"{host.id} does not understand {question.name}:\n{text}")
    host.start_work(question.name, question.id, deed.seconds, deed.effect)
    return Spoken()


def reading(recipe: Recipe, host: ScriptedHost, up: Boot, command: str) -> Deed | None:
    """Read how a work is getting on; the reading itself waits a while for news."""
    del recipe
    message = shlex.split(command)[-1] if command.startswith("sudo /bin/bash -c ") else ""
    found = re.search(rf"^cd '?{ROOT}/([\w.-]+)'? .* skip=(\d+) ", message, re.DOTALL)
    if not found or read_status(found[1], int(found[2])) != command:
        return None

    def read() -> Spoken:
        work = up.works.get(found[1])
        if work is None:
            return Spoken(3)
        if not work.result and len(work.log) <= int(found[2]):
            host.clock.advance(min(READING_SECONDS, work.ends_at - host.clock.seconds))
        more = base64.encodebytes(work.log[int(found[2]) :]).decode()
        return Spoken(0, f"{work.result}\n\n{more}")

    return read


def looking_at_part(recipe: Recipe, host: ScriptedHost, up: Boot, command: str) -> Deed | None:
    """Look at what an earlier try has brought of a file."""
    del recipe, up
    found = re.fullmatch(r"stat --format=%s (\S+) 2>/dev/null && sha256sum < (\S+)", command)
    if not found or found[1] != found[2]:
        return None
    content = host.root.files.get(shlex.split(found[1])[0])
    if content is None:
        return lambda: Spoken(1)
    return lambda: Spoken(0, f"{len(content)}\n{hashlib.sha256(content).hexdigest()}  -\n")


def write(host: ScriptedHost, path: str, text: str) -> Spoken:
    host.root.files[path] = text.encode()
    return Spoken()


def show_fitness(host: ScriptedHost, up: Boot) -> Spoken:
    """Show a clock that is right, and the dead-man switch as it is."""
    switch = "" if up.lease_until else f"{SWITCH} it is not armed\n"
    return Spoken(0, f"{CLOCK} {host.clock.now():.0f}\n{switch}")


def renew(host: ScriptedHost) -> Spoken:
    host.renew_lease()
    return Spoken()


def read_mark(host: ScriptedHost, step: str, digest: str) -> Spoken:
    kept, detail = host.root.marks.get(step, ("", ""))
    return succeed(kept == digest, f"{kept}\n{detail}\n")


def running(up: Boot, prefix: str) -> list[str]:
    """Return the names of the work that runs and is called so."""
    names = [name for name, work in up.works.items() if not work.result]
    return [name for name in names if name.startswith(prefix)]


def cleanings(up: Boot) -> list[str]:
    """Return the names of the cleanings that run."""
    return running(up, clean.work_name(""))


def end_cleanings(up: Boot) -> Spoken:
    """Stop them with what they would have done, as systemd does."""
    for name in cleanings(up):
        up.works[name].result = "success TERM"
    return Spoken()


def end_notebooks(up: Boot, own: str) -> Spoken:
    """Stop the notebooks of earlier recipes."""
    for name in running(up, "notebook-"):
        if name != own:
            up.works[name].result = "success TERM"
    return Spoken()


def remove_login(host: ScriptedHost) -> Spoken:
    """Nobody can log in any more; cloud-init would put it back only where it was cleaned."""
    host.root.authorized.clear()
    host.root.host_key = host.root.private_host_key = host.root.machine_id = ""
    return Spoken(0, clean.LOGIN_REMOVED + "\n")


def pairs(recipe: Recipe, host: ScriptedHost) -> list[tuple[Volume, str | None]]:
    """Return the recipe's volumes with the ids that they have on this host."""
    ids = volumes_by_id(recipe, host)
    return [(volume, ids.get(volume.name)) for volume in recipe.volumes]


def inner_script(command: str) -> str:
    """Return what `as_root` wraps, or nothing."""
    words = shlex.split(command) if command.startswith("sudo bash -c ") else []
    return words[3] if len(words) == 4 else ""


def locks_as_printed() -> str:
    return "".join(f"{name} {base64.b64encode(text).decode()}\n" for name, text in LOCKS.items())
