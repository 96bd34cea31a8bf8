"""Executes the recipe's notebook on a host, fetches the result, and judges it."""

import json
from shlex import quote

from notebake.commands.detached import stop_other_work
from notebake.errors import DiskFullError, HostCommandError, NotebookError
from notebake.notebook.failure_hints import describe_clone_changes, next_commands
from notebake.notebook.html import render_html
from notebake.notebook.judge import describe_verdict, judge_notebook
from notebake.notebook.papermill_script import notebook_script, status_path
from notebake.notebook.recipe_notebook import (
    DIRECTORY,
    OUTPUT,
    SMOKE,
    base_directory,
    effective_notebook,
    execution_script,
    working_directory,
)
from notebake.notebook.verdict import ExecutionStatus, NotebookVerdict
from notebake.recipe import Notebook
from notebake.record import digest_of
from notebake.runs import files
from notebake.runs.run import Run
from notebake.ssh import file_transfer
from notebake.ssh import remote as ssh
from notebake.ssh.detached import run_detached
from notebake.ssh.host import Host

END_SECONDS = 150
"""Timeout to end an earlier notebook: systemd sends SIGKILL after 90 s (systemd-system.conf(5))."""
ERROR_CELL = "papermill-error-cell-tag"
"""The tag of the cells that papermill adds (papermill/execute.py, ERROR_MARKER_TAG, 2.7)."""
SPARE_SECONDS = 120
"""Added to the notebook's time limit, for starting papermill and ending a kernel."""


def execute_notebook(run: Run, host: Host, name: str, *, spare_seconds: int = 0) -> NotebookVerdict:
    """Execute the recipe's notebook on a host and return its verdict.

    `spare_seconds` extend the recipe's time limit, as for a disk that is still loaded from its
    snapshot. The executed notebook, its HTML and the verdict are kept in the run store under
    `name`, also after a failure.

    Raises:
        NotebookError: it failed, or proved less than the recipe asks for.
    """
    wanted = effective_notebook(run.recipe)
    seconds = wanted.timeout_seconds + spare_seconds
    wanted = wanted.model_copy(update={"timeout_seconds": seconds})
    base = base_directory(run.recipe)
    user_script = notebook_script(
        notebook_path=f"{base}/{wanted.path}",
        output_path=OUTPUT,
        working_directory=working_directory(wanted, base),
        parameters=wanted.parameters,
        kernel=wanted.kernel,
        timeout_seconds=seconds,
    )
    work_name = f"notebook-{digest_of(user_script)}"
    prepare_directory(host, work_name, with_smoke=not run.recipe.notebook.path)
    _run_script(host, work_name, execution_script(run.recipe, user_script), wanted)
    return collect_result(run, host, wanted, name)


def _run_script(host: Host, work_name: str, text: str, wanted: Notebook) -> None:
    """Run the script; NotebookError if it left no status file."""
    try:
        run_detached(host, work_name, text, timeout_seconds=wanted.timeout_seconds + SPARE_SECONDS)
    except HostCommandError as error:
        if ssh.succeeds(host, f"test -f {quote(status_path(OUTPUT))}"):
            return
        if isinstance(error, DiskFullError):
            raise
        raise NotebookError(
            f"The notebook {wanted.path} did not run on {host.address}: {error.output}"
        ) from error


def collect_result(run: Run, host: Host, wanted: Notebook, name: str) -> NotebookVerdict:
    """Fetch the executed notebook, judge it, and keep it with its verdict and its HTML.

    Raises:
        NotebookError: it failed, or proved less than the recipe asks for.
    """
    fetched = file_transfer.get_file(host, OUTPUT)
    status = ExecutionStatus(**json.loads(file_transfer.get_file(host, status_path(OUTPUT))))
    files.put_file(run, f"{name}/executed.ipynb", fetched)
    executed = fetched.decode(errors="replace")
    verdict = judge_notebook(executed, wanted, status)
    files.put_file(run, f"{name}/verdict.json", verdict.model_dump_json(indent=2).encode())
    page = render_html(executed if verdict.error else without_error_cells(executed), run.id)
    files.put_file(run, f"{name}/executed.html", page.encode())
    if verdict.error:
        kept = files.file_location(run, f"{name}/executed.ipynb")
        raise NotebookError(
            f"On {host.address} the notebook {wanted.path} failed: {describe_verdict(verdict)}",
            f"The executed notebook: {kept}\n{describe_clone_changes(run, host)}".rstrip(),
        ).with_next(*next_commands(run))
    return verdict


def without_error_cells(executed: str) -> str:
    """Return a notebook that passed without the error messages that papermill adds as cells.

    papermill adds them for every error, also for one that a cell is tagged to expect.
    """
    notebook = json.loads(executed)
    notebook["cells"] = [
        cell for cell in notebook["cells"] if ERROR_CELL not in cell["metadata"].get("tags", ())
    ]
    return json.dumps(notebook)


def read_verdict(run: Run, name: str) -> NotebookVerdict | None:
    """Return the verdict that is kept under a name."""
    kept = files.get_file(run, f"{name}/verdict.json")
    return NotebookVerdict.model_validate_json(kept) if kept else None


def prepare_directory(host: Host, work_name: str, *, with_smoke: bool) -> None:
    """Create the login user's directory for the executed notebook, and upload the smoke notebook.

    A notebook of an earlier recipe that is still running is ended, as it would write there too.
    """
    ssh.run_command(host, prepare_command(host.user, work_name), timeout_seconds=END_SECONDS)
    if with_smoke:
        file_transfer.put_path(host, SMOKE, f"{DIRECTORY}/{SMOKE.name}")


def prepare_command(user: str, work_name: str) -> str:
    """Return the login user's command for `prepare_directory`."""
    owner = f"--owner={quote(user)} --group={quote(user)}"
    return (
        f"{stop_other_work('notebook-*', work_name)} &&"
        f" sudo install --directory {owner} --mode=0755 {DIRECTORY}"
    )
