"""The notebook that proves a machine: run there, brought home in every case, and judged."""

import json
from pathlib import PurePosixPath
from shlex import quote

from notebake.commands.copy_on_write import run_copy_on_write
from notebake.commands.detached import stop_other_work
from notebake.commands.shell import as_user, script
from notebake.digest import digest_of
from notebake.errors import DiskFullError, HostCommandError, NotebookError
from notebake.notebook.failure_hints import describe_clone_changes, next_commands
from notebake.notebook.html import render_html
from notebake.notebook.judge import describe_verdict, judge_notebook
from notebake.notebook.papermill_script import notebook_script, status_path
from notebake.notebook.verdict import NotebookVerdict
from notebake.project import PROJECT
from notebake.recipe import Notebook, Recipe
from notebake.runs import files
from notebake.runs.run import Run
from notebake.ssh import file_transfer
from notebake.ssh import remote as ssh
from notebake.ssh.detached import run_detached
from notebake.ssh.host import Host

SMOKE = PROJECT / "notebooks" / "smoke.ipynb"
SMOKE_VERDICT = "NOTEBAKE VERDICT: PASS"
DIRECTORY = "/var/lib/notebake/notebook"
OUTPUT = f"{DIRECTORY}/executed.ipynb"
END_SECONDS = 150
"""To end an earlier notebook: systemd kills what is deaf after 90 s (systemd-system.conf(5))."""
ERROR_CELL = "papermill-error-cell-tag"
"""The tag of what papermill adds (papermill/execute.py, ERROR_MARKER_TAG, 2.7)."""
SPARE_SECONDS = 120
"""Beside the notebook's own limit: for starting papermill and ending a kernel."""


def execute_notebook(run: Run, host: Host, name: str, *, spare_seconds: int = 0) -> NotebookVerdict:
    """Run the recipe's notebook on a host and return its verdict.

    `spare_seconds` are given to it beside the recipe's limit, where a disk is read from afar.

    The executed notebook, its HTML and the verdict are kept in the run store under `name`, also
    when it failed.

    Raises:
        NotebookError: it failed, or proved less than the recipe asks for.
    """
    wanted = effective_notebook(run.recipe)
    seconds = wanted.timeout_seconds + spare_seconds
    wanted = wanted.model_copy(update={"timeout_seconds": seconds})
    home = base_directory(run.recipe)
    work = notebook_script(
        notebook_path=f"{home}/{wanted.path}",
        output_path=OUTPUT,
        working_directory=working_directory(wanted, home),
        parameters=wanted.parameters,
        kernel=wanted.kernel,
        timeout_seconds=seconds,
    )
    name_of_work = f"notebook-{digest_of(work)}"
    prepare_directory(host, name_of_work, with_smoke=not run.recipe.notebook.path)
    try:
        run_detached(
            host,
            name_of_work,
            execution_script(run.recipe, work),
            timeout_seconds=seconds + SPARE_SECONDS,
        )
    except HostCommandError as error:
        if not ssh.succeeds(host, f"test -f {quote(status_path(OUTPUT))}"):
            if isinstance(error, DiskFullError):
                raise
            raise NotebookError(
                f"The notebook {wanted.path} did not run on {host.address}: {error.output}"
            ) from error
    return collect_result(run, host, wanted, name)


def execution_script(recipe: Recipe, work: str) -> str:
    """Return the root script that does the login user's work in a view of the clone.

    Our own notebook lies outside, and writes nothing there.
    """
    command = as_user(recipe.base_image.user, work)
    if recipe.notebook.path and recipe.repository_path:
        command = run_copy_on_write(recipe.repository_path, command)
    # What an earlier try left must not be taken for this one's.
    return script(f"rm --force -- {quote(OUTPUT)} {quote(status_path(OUTPUT))}", command)


def collect_result(run: Run, host: Host, wanted: Notebook, name: str) -> NotebookVerdict:
    """Fetch the executed notebook, judge it, and keep it with its verdict and its HTML.

    Raises:
        NotebookError: it failed, or proved less than the recipe asks for.
    """
    fetched = file_transfer.get_file(host, OUTPUT)
    status = json.loads(file_transfer.get_file(host, status_path(OUTPUT)))
    files.put_file(run, f"{name}/executed.ipynb", fetched)
    executed = fetched.decode(errors="replace")
    verdict = judge_notebook(executed, wanted, **status)
    files.put_file(run, f"{name}/verdict.json", verdict.model_dump_json(indent=2).encode())
    page = render_html(executed if verdict.error else without_error_cells(executed), run.id)
    files.put_file(run, f"{name}/executed.html", page.encode())
    if verdict.error:
        kept = files.file_location(run, f"{name}/executed.ipynb")
        raise NotebookError(
            f"On {host.address} the notebook {wanted.path} failed: {describe_verdict(verdict)}",
            f"The executed notebook lies in {kept}\n{describe_clone_changes(run, host)}".rstrip(),
        ).with_next(*next_commands(run))
    return verdict


def without_error_cells(executed: str) -> str:
    """Return a notebook that passed without the cells in which papermill calls it failed.

    It puts them there for every error, also for one that its cell is tagged for.
    """
    notebook = json.loads(executed)
    notebook["cells"] = [
        cell for cell in notebook["cells"] if ERROR_CELL not in cell["metadata"].get("tags", ())
    ]
    return json.dumps(notebook)


def read_verdict(run: Run, name: str) -> NotebookVerdict | None:
    """Return the verdict that was kept under a name."""
    kept = files.get_file(run, f"{name}/verdict.json")
    return NotebookVerdict.model_validate_json(kept) if kept else None


def effective_notebook(recipe: Recipe) -> Notebook:
    """Return the recipe's notebook, or our own smoke notebook where it names none."""
    if recipe.notebook.path:
        return recipe.notebook
    points = ",".join(volume.mount_point for volume in recipe.volumes if volume.is_in_image)
    changes = {
        "path": SMOKE.name,
        "parameters": {"mount_points": points},
        "verdict": SMOKE_VERDICT,
    }
    return recipe.notebook.model_copy(update=changes)


def base_directory(recipe: Recipe) -> str:
    """Return the directory on the host to which the notebook's path is relative."""
    if recipe.notebook.path and recipe.repository_path:
        return recipe.repository_path
    return DIRECTORY


def working_directory(wanted: Notebook, home: str) -> str:
    """Return the directory in which the notebook runs."""
    chosen = wanted.working_directory or str(PurePosixPath(wanted.path or "").parent)
    return str(PurePosixPath(home) / chosen)


def prepare_directory(host: Host, name_of_work: str, *, with_smoke: bool) -> None:
    """Give the login user the directory of the executed notebook; our own lies in it if wanted.

    What runs still by an earlier recipe is ended: both would write to the same place.
    """
    ssh.run_command(host, prepare_command(host.user, name_of_work), timeout_seconds=END_SECONDS)
    if with_smoke:
        file_transfer.put_path(host, SMOKE, f"{DIRECTORY}/{SMOKE.name}")


def prepare_command(user: str, name_of_work: str) -> str:
    """Return the login user's command for `prepare_directory`."""
    owner = f"--owner={quote(user)} --group={quote(user)}"
    return (
        f"{stop_other_work('notebook-*', name_of_work)} &&"
        f" sudo install --directory {owner} --mode=0755 {DIRECTORY}"
    )
