"""Whether a machine from the image got the builder's results, judged on the outputs that are kept.

A recipe that judges otherwise (`compare`, `tolerance`) is answered without running anything again.
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
"""The name under which the builder's executed notebook is kept."""
MACHINE_FILE = "shown-on.txt"


def check_results(run: Run, machine_id: str, name: str) -> int:
    """Return how many numbers a machine showed as the builder did; 0 where none are compared.

    Raises:
        ImageNotAcceptedError: they differ, or the builder's are not kept.
    """
    built, here = read_results(run, BUILDER_NAME), read_results(run, name)
    if built is None or here is None:
        raise ImageNotAcceptedError("The builder's own executed notebook is not kept here.")
    if run.recipe.notebook.compare == "nothing":
        return 0
    difference = find_difference(built, here, run.recipe.notebook.tolerance)
    if difference:
        raise ImageNotAcceptedError(
            f"On {machine_id} the notebook's results are not the builder's. {difference}",
            remedies(run, difference),
        ).with_next(
            resume(run.id, "--from", "clone_repository", purpose="With a tagged cell"),
            resume(run.id, purpose="With a changed recipe"),
        )
    return sum(len(cell.numbers) for cell in built)


def remedies(run: Run, difference: Difference) -> str:
    """Return what a person can do about a difference."""
    kept = files.file_location(run, f"{BUILDER_NAME}/executed.html")
    return (
        f"Both executed notebooks are kept: {kept} and those beside it.\n"
        "If it is chance or a clock and no result, tag that cell `volatile` where the notebook is"
        " cloned from (in JupyterLab: Property Inspector, Cell Tags).\n"
        f"Or write in the recipe {suggest_tolerance(difference)}notebook: {{compare: nothing}}. The"
        " kept notebooks are then compared again, and the image stays as it is."
    )


def suggest_tolerance(difference: Difference) -> str:
    """Return a tolerance within which the first difference is none, where there is one."""
    if difference.share is None or difference.share >= 0.1:
        return ""
    return f"notebook: {{tolerance: {10.0 ** _power_above(difference.share):.0e}}}, or "


def _power_above(share: float) -> int:
    """Return the least power of ten that is greater, by its exponent."""
    exponent = int(f"{share:e}".partition("e")[2])
    return exponent + 1


def read_results(run: Run, name: str) -> tuple[CellNumbers, ...] | None:
    """Return the numbers of an executed notebook that is kept; None where there is none."""
    kept = files.get_file(run, f"{name}/executed.ipynb")
    try:
        return result_numbers(read_executed(kept.decode(errors="replace"))) if kept else None
    except ValueError:
        return None


def record_machine(run: Run, machine_id: str, name: str) -> None:
    """Keep that a machine has run the notebook, and passed as far as it alone can tell."""
    files.put_file(run, f"{name}/{MACHINE_FILE}", machine_id.encode())


def find_earlier_verdict(run: Run, machine_id: str, name: str) -> NotebookVerdict | None:
    """Return what exactly this machine has shown before; None where it has to run the notebook."""
    kept = files.get_file(run, f"{name}/{MACHINE_FILE}")
    verdict = read_verdict(run, name) if kept and kept.decode() == machine_id else None
    return verdict if verdict and verdict.error is None else None
