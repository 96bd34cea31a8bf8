"""Traces whether Python cells that run in sequence use the value of a name.

Runs here and, sent as source text, on a host before papermill; imports the standard library only.
"""

import ast
import re
from typing import Literal

from notebake.notebook.language import MAGIC, assigned_names, is_foreign_cell, parse_python

INDIRECT_READERS = {"globals", "locals", "vars", "eval", "exec", "get_ipython"}
"""Functions that can read a name that is not written in the notebook, as INDIRECT_READ can."""
INDIRECT_READ = re.compile(
    rf"%(?:run|load_ext|store)\b|__main__|\b(?:{'|'.join(sorted(INDIRECT_READERS))})\s*\("
)


def trace_value(
    name: str, sources: list[str]
) -> tuple[Literal["may be used", "overwritten", "unused"], int]:
    """Return whether a name's value may be used, and the index of the cell that decides it.

    If a cell cannot be parsed, the value may be used: only certain results are reported.
    """
    word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    for place, source in enumerate(sources):
        mention = _first_mention(word, source) if word.search(source) else None
        if mention is not None:
            is_lost = mention != "unknown" and _overwrites(mention, name, word)
            return ("overwritten" if is_lost else "may be used"), place
    hidden = (place for place, source in enumerate(sources) if INDIRECT_READ.search(source))
    place = next(hidden, -1)
    return ("unused" if place < 0 else "may be used"), place


def _first_mention(word: re.Pattern[str], source: str) -> ast.stmt | Literal["unknown"] | None:
    """Return a cell's first statement that mentions a name; None if only comments do."""
    statements = None if is_foreign_cell(source) else parse_python(source)
    if statements is None or any(word.search(line[0]) for line in MAGIC.finditer(source)):
        return "unknown"
    return next((node for node in statements if _mentions(node, word)), None)


def _mentions(node: ast.AST, word: re.Pattern[str]) -> bool:
    """Return whether Python code mentions a name, string constants included."""
    for part in ast.walk(node):
        names = [part.id] if isinstance(part, ast.Name) else []
        if isinstance(part, ast.Global):
            names = part.names
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            names = [part.value]
        if any(map(word.search, names)):
            return True
    return False


def _overwrites(statement: ast.stmt, name: str, word: re.Pattern[str]) -> bool:
    """Return whether a statement assigns a name without reading it, directly or indirectly."""
    if name not in assigned_names(statement):
        return False
    value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
    if value is None or _mentions(value, word):
        return False
    names = {part.id for part in ast.walk(value) if isinstance(part, ast.Name)}
    return names.isdisjoint(INDIRECT_READERS)
