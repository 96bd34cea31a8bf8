"""Checks that a machine from the image got the builder's results, from the kept notebooks.

After a change of `compare` or `tolerance` in the recipe, no notebook needs to run again.
"""

from notebake.errors import ImageNotAcceptedError, resume
from notebake.notebook.comparison import Difference, find_difference
from notebake.notebook.execute import read_verdict
from notebake.notebook.numbers import CellNumbers, result_numbers
from notebake.notebook.outputs import read_executed
from notebake.notebook.verdict import NotebookVerdict
from notebake.runs import files
from notebake.runs.run import Run

BUILDER_NAME = "notebook"
"""The name under which the builder's executed notebook is kept in the run store."""
MACHINE_FILE = "shown-on.txt"


def check_results(run: Run, machine_id: str, name: str) -> int:
    """Return how many numbers of a machine match the builder's; 0 if none are compared.

    Raises:
        ImageNotAcceptedError: they differ, or a notebook is not kept.
    """
    built, here = read_results(run, BUILDER_NAME), read_results(run, name)
    if built is None or here is None:
        raise ImageNotAcceptedError(
            "The builder's executed notebook is not kept in this run store."
        )
    if run.recipe.notebook.compare == "nothing":
        return 0
    difference = find_difference(built, here, run.recipe.notebook.tolerance)
    if difference:
        raise ImageNotAcceptedError(
            f"On {machine_id} the notebook's results differ from the builder's. {difference}",
            remedies(run, difference),
        ).with_next(
            resume(run.id, "--from", "clone_repository", purpose="With a tagged cell"),
            resume(run.id, purpose="With a changed recipe"),
        )
    return sum(len(cell.numbers) for cell in built)


def remedies(run: Run, difference: Difference) -> str:
    """Return what the user can do about a difference."""
    kept = files.file_location(run, f"{BUILDER_NAME}/executed.html")
    return (
        f"Both executed notebooks are kept: {kept} and those beside it.\n"
        "If the output is random or a time, tag that cell `volatile` in the repository (in"
        " JupyterLab: Property Inspector, Cell Tags).\n"
        f"Or write in the recipe {suggest_tolerance(difference)}notebook: {{compare: nothing}}. The"
        " kept notebooks are then compared again, and the image stays as it is."
    )


def suggest_tolerance(difference: Difference) -> str:
    """Return a recipe line with a tolerance that allows the first difference; "" if it is large."""
    if difference.share is None or difference.share >= 0.1:
        return ""
    return f"notebook: {{tolerance: {10.0 ** _power_above(difference.share):.0e}}}, or "


def _power_above(share: float) -> int:
    """Return the exponent of the least power of ten that is greater."""
    return int(f"{share:e}".partition("e")[2]) + 1


def read_results(run: Run, name: str) -> tuple[CellNumbers, ...] | None:
    """Return the results of a kept notebook; None if there is none."""
    kept = files.get_file(run, f"{name}/executed.ipynb")
    try:
        return result_numbers(read_executed(kept.decode(errors="replace"))) if kept else None
    except ValueError:
        return None


def record_machine(run: Run, machine_id: str, name: str) -> None:
    """Record the machine on which the kept notebook was executed and passed."""
    files.put_file(run, f"{name}/{MACHINE_FILE}", machine_id.encode())


def find_earlier_verdict(run: Run, machine_id: str, name: str) -> NotebookVerdict | None:
    """Return the kept verdict if it is this machine's; None if it has to execute the notebook."""
    kept = files.get_file(run, f"{name}/{MACHINE_FILE}")
    verdict = read_verdict(run, name) if kept and kept.decode() == machine_id else None
    return verdict if verdict and verdict.error is None else None
