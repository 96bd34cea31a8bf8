"""The scripts that a scripted host runs for systemd, and what each does to it."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from notebake.aws.volumes import device_names
from notebake.commands import (
    apt,
    clean,
    datasets,
    efs,
    idle_units,
    jupyter,
    jupyter_units,
    markers,
    papermill,
    repository,
    software,
    volumes,
)
from notebake.commands.shell import NETWORK_ENVIRONMENT, script
from notebake.credentials.report import is_clean, parse_report
from notebake.machines.credential_search import search_program
from notebake.machines.idle_program import idle_program
from notebake.notebook import recipe_notebook
from notebake.notebook.papermill_script import notebook_script, status_path
from notebake.recipe import Recipe
from notebake.record import digest_of
from notebake.runbook.plan import step_digest
from notebake.timeouts import LAZY_LOAD_SECONDS
from tests.kills.executed_notebook import EXECUTED
from tests.kills.scripted_host import ScriptedHost

LOCKS = {
    "apt.txt": b"git=1:2.43\n",
    "requirements.txt": b"jupyterlab==4.5.0\nnumpy==2.3.0\n",
}
PAPERMILL_LOCK = {papermill.LOCK_FILE: b"papermill==2.6.0\n"}
KEEPING = ("install_software", "install_papermill")
"""Steps whose marker is written when what they made is in the run store."""
CONTENT = b"sea surface temperature\n"
"""What every dataset holds."""
COMMIT = "0123456789abcdef0123456789abcdef01234567"


_digests: dict[tuple[int, str], tuple[Recipe, str]] = {}


def cached_digest(recipe: Recipe, step: str) -> str:
    """Return the digest of what a step is asked for: the same recipe is looked at once."""
    key = id(recipe), step
    if key not in _digests:
        _digests[key] = recipe, step_digest(recipe, step)
    return _digests[key][1]


@dataclass(frozen=True)
class Deed:
    """What a script does after so many seconds, and prints."""

    seconds: float
    effect: Callable[[], str]


Named = tuple[str, str, Deed]
"""What systemd calls it, its text, and what it does."""


def perform(recipe: Recipe, host: ScriptedHost, name: str, text: str) -> Deed | None:
    """Return what a script does; None where notebake does not write it so."""
    scripts = [*steps(recipe, host), *cleaning(recipe, host), *notebook(recipe, host)]
    return next((deed for called, whole, deed in scripts if (called, whole) == (name, text)), None)


def steps(recipe: Recipe, host: ScriptedHost) -> list[Named]:
    """The scripts of the steps; most of them end with a marker."""
    user, digest = recipe.base_image.user, cached_digest(recipe, "install_software")
    ids = volumes_by_id(recipe, host)
    mounting = [
        volumes.prepare_volume(volume=volume, volume_id=ids[volume.name], user=user)
        for volume in sorted(recipe.volumes, key=lambda volume: volume.mount_point)
        if volume.name in ids
    ]
    mounting.append(efs.write_efs_lines(recipe.efs))
    cloning, path = [], recipe.repository_path
    if recipe.repository and path:
        one = repository.clone_repository(repository=recipe.repository, path=path, user=user)
        cloning.append(one)
    port, folder = recipe.jupyter_port, path or f"/home/{user}"
    serving = jupyter.install_jupyter_service(
        user=user,
        port=port,
        working_directory=folder,
        meanwhile=idle_units.install_idle_stop(program=idle_program(), port=port, folder=folder),
    )
    installing = software.install_software(recipe.software, user=user, digest=digest)
    proving = papermill.install_papermill(user=user)
    packaging = script(NETWORK_ENVIRONMENT, apt.install_packages(recipe.software.apt))
    receiving = [datasets.receive_dataset(dataset, user=user) for dataset in recipe.datasets]
    known: list[tuple[str, list[str], float, Callable[[], str]]] = [
        ("mount_volumes", mounting, 5, lambda: mount(recipe, host)),
        ("install_packages", [packaging], 20, lambda: set_up(host, recipe.software.apt)),
        ("install_software", [installing], 80, lambda: install(host, digest)),
        ("install_papermill", [proving], 10, lambda: install_papermill(host)),
        ("fetch_datasets", receiving, 4, lambda: receive(recipe, host)),
        ("fetch_datasets", [], 1, str),
        ("clone_repository", cloning, 3, lambda: clone(host)),
        ("start_jupyter", [serving], 3, lambda: serve(recipe, host)),
    ]
    found = []
    for step, scripts, seconds, effect in known:
        wanted_digest = cached_digest(recipe, step)
        lines = [f"(\n{text}\n)" for text in scripts]
        deed = Deed(seconds, effect)
        if step not in KEEPING:
            lines.append(markers.write_marker(step, wanted_digest))
            deed = Deed(seconds, marked(host, step, wanted_digest, effect))
        found.append((f"{step}-{wanted_digest}", script(*lines), deed))
    return found


def marked(
    host: ScriptedHost, step: str, digest: str, effect: Callable[[], str]
) -> Callable[[], str]:
    """Return what does a step's work and then writes its marker."""

    def do() -> str:
        printed = effect()
        host.root.marks[step] = (digest, "")
        return printed

    return do


def cleaning(recipe: Recipe, host: ScriptedHost) -> list[Named]:
    """The cleaning between two searches."""
    user, digest = recipe.base_image.user, cached_digest(recipe, "clean_host")
    in_image = [volume for volume in recipe.volumes if volume.is_in_image]
    units = [jupyter.UNIT, jupyter_units.TOKEN_SERVICE]
    text = clean.scan_and_clean(
        program=search_program(),
        user=user,
        units=units,
        mount_points=[volume.mount_point for volume in in_image if not volume.volume_id],
        only_searched=[volume.mount_point for volume in in_image if volume.volume_id],
    )
    return [(clean.work_name(digest), text, Deed(20, lambda: clean_up(host)))]


def notebook(recipe: Recipe, host: ScriptedHost) -> list[Named]:
    """The notebook that proves the machine; one from the image gets more time."""
    return [notebook_within(recipe, host, spare) for spare in (0, LAZY_LOAD_SECONDS)]


def notebook_within(recipe: Recipe, host: ScriptedHost, spare_seconds: int) -> Named:
    wanted, home = (
        recipe_notebook.effective_notebook(recipe),
        recipe_notebook.base_directory(recipe),
    )
    work = notebook_script(
        notebook_path=f"{home}/{wanted.path}",
        output_path=recipe_notebook.OUTPUT,
        working_directory=recipe_notebook.working_directory(wanted, home),
        parameters=wanted.parameters,
        kernel=wanted.kernel,
        timeout_seconds=wanted.timeout_seconds + spare_seconds,
    )
    text = recipe_notebook.execution_script(recipe, work)
    return f"notebook-{digest_of(work)}", text, Deed(20, lambda: execute(recipe, host))


def mount(recipe: Recipe, host: ScriptedHost) -> str:
    for name, volume_id in volumes_by_id(recipe, host).items():
        disk = host.volumes[volume_id]
        disk.file_system = disk.file_system or volumes.file_system_uuid(volume_id)
        point = next(volume.mount_point for volume in recipe.volumes if volume.name == name)
        host.root.mounts[point] = disk.file_system
    host.mount_all()
    return "mounted\n"


def set_up(host: ScriptedHost, packages: tuple[str, ...]) -> str:
    host.root.packages |= {"git", *packages}
    return "set up\n"


def install(host: ScriptedHost, digest: str) -> str:
    host.root.software = digest
    keep_locks(host, LOCKS)
    return "installed\n"


def keep_locks(host: ScriptedHost, locks: dict[str, bytes]) -> None:
    host.root.files |= {f"{software.LOCK_FILE_DIRECTORY}/{name}": locks[name] for name in locks}


def install_papermill(host: ScriptedHost) -> str:
    assert host.root.software, "papermill without the software whose packages it shares"
    keep_locks(host, PAPERMILL_LOCK)
    return "installed\n"


def receive(recipe: Recipe, host: ScriptedHost) -> str:
    for dataset in recipe.datasets:
        staged = datasets.staging_path(dataset)
        if digest_of(dataset) not in host.root.datasets:
            assert host.root.files.pop(staged) == CONTENT
            assert host.root.files.pop(f"{staged}.sha256")
            host.root.datasets.add(digest_of(dataset))
    return "received\n"


def clone(host: ScriptedHost) -> str:
    assert "git" in host.root.packages, "a clone without git"
    host.root.commit = COMMIT
    return "cloned\n"


def serve(recipe: Recipe, host: ScriptedHost) -> str:
    host.root.jupyter_port = recipe.jupyter_port
    host.start_jupyter()
    return "answers\n"


def clean_up(host: ScriptedHost) -> str:
    """What is removed of a machine, as far as anybody here would notice."""
    assert host.boot
    host.boot.jupyter_runs = False
    host.root.token = host.root.instance_seen = ""
    return f"{report()}{clean.CLEANED}\n{report()}"


def report() -> str:
    counted = {"files": 12345, "bytes": 1, "findings": [], "unreadable": [], "seconds": 5.5}
    printed = json.dumps(counted | {"allowed": [], "complete": True})
    assert is_clean(parse_report(printed))
    return printed + "\n"


def execute(recipe: Recipe, host: ScriptedHost) -> str:
    assert host.boot
    assert f"{software.LOCK_FILE_DIRECTORY}/{papermill.LOCK_FILE}" in host.root.files, (
        "without papermill"
    )
    in_image = [volume.mount_point for volume in recipe.volumes if volume.is_in_image]
    assert all(host.boot.mounted.get(mount_point) for mount_point in in_image), (
        "a notebook without its disks"
    )
    status = {"exit_code": 0, "seconds": 19.5, "oom_kills": 0, "kernels": [], "log": ""}
    host.root.files[recipe_notebook.OUTPUT] = EXECUTED.encode()
    host.root.files[status_path(recipe_notebook.OUTPUT)] = json.dumps(status).encode()
    return "executed\n"


def volumes_by_id(recipe: Recipe, host: ScriptedHost) -> dict[str, str]:
    """Return the recipe's volumes that this host has: name → volume id.

    On a builder EC2 knows them by their devices; a machine from the image needs no ids.
    """
    devices = {device: name for name, device in device_names(recipe).items()}
    return {
        devices[device]: volume_id
        for volume_id, device in host.devices.items()
        if device in devices
    }
