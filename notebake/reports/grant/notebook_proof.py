"""What the notebook of a run proved, from the stored verdict, if that is the recorded one."""

from notebake.ledger.summary import Summary
from notebake.notebook.judge import describe_verdict
from notebake.notebook.verdict import NotebookVerdict
from notebake.runs.recorded_run import VERDICT, read_recorded_file


def describe_proof(summary: Summary, location: str) -> str:
    """Return the verdict in a sentence, or why it is not known."""
    recorded = next((file for file in summary.files if file.name == VERDICT), None)
    if recorded is None:
        return "no verdict on a notebook is recorded"
    content, wrong = read_recorded_file(summary.run, recorded, location)
    if content is None:
        return f"unknown: the verdict on the notebook {wrong}"
    try:
        return describe_verdict(NotebookVerdict.model_validate_json(content))
    except ValueError:
        return "unknown: the verdict on the notebook cannot be read by this version"
