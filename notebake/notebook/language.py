"""The programming language of a notebook, and the assignments in its cells.

Runs here and, sent as source text, on a host before papermill; imports the standard library only.
"""

import ast
import re
import warnings
from collections.abc import Iterator
from typing import Any

KERNEL_LANGUAGES = {"ir": "R", "xr": "R", "bash": "bash", "octave": "octave"}
"""The languages of kernels whose notebooks name none."""
ALIASES = {
    "ipython": "python",
    ".net-csharp": "c#",
    ".net-fsharp": "f#",
    ".net-powershell": "powershell",
    "pwsh": "powershell",
}

NAME = r"(?P<name>\w+)"
# A name at the head of a statement before an assignment operator; not a comparison.
ASSIGNMENTS = {
    "R": rf"(?:^|;)\s*{NAME}\s*(?:<<?-|=(?!=))|^[^#\n]*->>?\s*(?P<last>\w+)\s*(?:#.*)?$",
    "scala": rf"^\s*(?:(?:implicit|lazy|private|final)\s+)*va[lr]\s+{NAME}\s*(?::[^=\n]+)?=(?!=)",
    "julia": rf"(?:^|;)\s*(?:(?:const|global)\s+)?{NAME}\s*(?:::[^=\n]+)?=(?!=)",
    "matlab": rf"(?:^|;)\s*{NAME}\s*=(?!=)",
    ".net-csharp": rf"(?:^|;)\s*(?:[\w<>\[\]?.,]+\s+)?{NAME}\s*=(?!=)",
    ".net-fsharp": rf"^\s*let\s+(?:mutable\s+)?{NAME}\s*(?::[^=\n]+)?=",
    ".net-powershell": rf"(?:^|;)\s*(?:\[[\w.\[\]]+\]\s*)?\${NAME}\s*=",
    "bash": rf"(?:^|;)\s*(?:(?:export|declare|readonly)\s+(?:-\w+\s+)*)?{NAME}=",
    "python": rf"(?:^|;)\s*{NAME}\s*(?::[^=\n]+)?=(?!=)",
}
"""For each language in which papermill can write parameters (papermill/translators.py, 2.7)."""
PAPERMILL_KERNELS = {"pysparkkernel": "python", "sparkkernel": "scala", "sparkrkernel": "R"}

MAGIC = re.compile(r"^(\s*)(?:[%!?].*|\S+\?{1,2}\s*)$|(?<==)(\s*)[%!].*$", re.MULTILINE)
PYTHON_CELL_MAGIC = re.compile(r"\s*%%(?:time|timeit|capture|prun|memit)\b.*")
"""Cell magics whose cells contain Python code of the notebook itself."""


def papermill_language(kernel: str, language: str) -> str | None:
    """Return papermill's name for a kernel's language; None if it cannot write parameters."""
    if kernel in PAPERMILL_KERNELS or kernel in ASSIGNMENTS:
        return PAPERMILL_KERNELS.get(kernel, kernel)
    known = {normalise_language(name): name for name in reversed(ASSIGNMENTS)}
    return known.get(normalise_language(language))


def normalise_language(language: str) -> str:
    """Return the canonical name of a language, such as `julia` for `Julia 1.10`."""
    name = re.sub(r"[\d. ]+$", "", language.lower())
    return ALIASES.get(name, name)


def find_language_mismatch(notebook: dict[str, Any], kernel: str, language: str) -> str | None:
    """Return a sentence if the kernel's language is not the notebook's language, or else None."""
    own_kernel, stated = stated_kernel(notebook), stated_languages(notebook)
    own_languages = set(map(normalise_language, stated))
    if not language or not stated or normalise_language(language) in own_languages:
        return None
    its_kernel = f" for the kernel {own_kernel}" if own_kernel and own_kernel != kernel else ""
    return (
        f"The notebook is written in {stated[0]}{its_kernel}, and the recipe runs it with the"
        f" kernel {kernel}, which is {language}"
    )


def stated_languages(notebook: dict[str, Any]) -> list[str]:
    """Return the languages named by a notebook's metadata, or else implied by its kernel's name."""
    metadata, kernel = as_mapping(notebook.get("metadata")), stated_kernel(notebook)
    places = (("kernelspec", "language"), ("language_info", "name"))
    named = [as_mapping(metadata.get(place)).get(field) for place, field in places]
    implied = "julia" if kernel.startswith("julia") else KERNEL_LANGUAGES.get(kernel, "")
    return [str(name) for name in named if name] or [implied] * bool(implied)


def stated_kernel(notebook: dict[str, Any]) -> str:
    """Return the kernel named by a notebook's metadata, or ""."""
    spec = as_mapping(as_mapping(notebook.get("metadata")).get("kernelspec"))
    return str(spec.get("name") or "")


def as_mapping(value: object) -> dict[str, Any]:
    """Return a mapping as it is, and {} for anything else."""
    return value if isinstance(value, dict) else {}


def declared_names(source: str, language: str) -> list[str]:
    """Return the names that a cell assigns at its top level, in order."""
    if language == "python":
        if is_foreign_cell(source):
            return []
        if (statements := parse_python(source)) is not None:
            return [name for statement in statements for name in _bound_names(statement)]
    flags = re.MULTILINE | (re.IGNORECASE if language == ".net-powershell" else 0)
    found = re.finditer(ASSIGNMENTS[language], source, flags)
    return [name for match in found for name in match.groupdict().values() if name]


def is_foreign_cell(source: str) -> bool:
    """Return whether a cell of a Python notebook is in another language, as with `%%bash`."""
    head = source.lstrip().partition("\n")[0]
    return head.startswith("%%") and not PYTHON_CELL_MAGIC.fullmatch(head)


def parse_python(source: str) -> list[ast.stmt] | None:
    """Return a cell's statements; None if it is not valid Python for this interpreter.

    IPython's line magics become `pass`, or `...` as a value.
    """
    head, _, rest = source.lstrip().partition("\n")
    source = rest if PYTHON_CELL_MAGIC.fullmatch(head) else source
    for text in (source, MAGIC.sub(_without_magic, source)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore"
                )  # invalid escapes in the notebook are not reported here
                return ast.parse(text).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def _without_magic(line: re.Match[str]) -> str:
    """Return plain Python instead of a line magic."""
    return f"{line[1]}pass" if line[1] is not None else f"{line[2]}..."


def _bound_names(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement assigns, nested blocks included, functions not."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    yield from assigned_names(statement)
    for part in ast.iter_child_nodes(statement):
        if isinstance(part, ast.stmt):
            yield from _bound_names(part)
        elif isinstance(part, ast.ExceptHandler):
            yield from (name for inner in part.body for name in _bound_names(inner))


def assigned_names(statement: ast.stmt) -> list[str]:
    """Return the names that an assignment assigns; [] for any other statement."""
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets = [statement.target]
    nodes = (node for target in targets for node in ast.walk(target))
    return [
        node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
