"""What becomes of a name's value in cells of Python that run one after the other.

Runs here and, as text, on a host before papermill: the standard library alone.
"""

import ast
import re
from typing import Literal

from notebake.notebook.language import MAGIC, assigned_names, is_foreign_cell, parse_python

INDIRECT_READERS = {"globals", "locals", "vars", "eval", "exec", "get_ipython"}
"""What can use a name without its being written in the notebook; so can these two:"""
INDIRECT_READ = re.compile(
    rf"%(?:run|load_ext|store)\b|__main__|\b(?:{'|'.join(sorted(INDIRECT_READERS))})\s*\("
)


def trace_value(
    name: str, sources: list[str]
) -> tuple[Literal["may be used", "overwritten", "unused"], int]:
    """Return what becomes of a name's value, and in which of the cells.

    Where a cell cannot be understood the name may be used: only what is plain is told.
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
    """Return a cell's first statement with a name in it; None if only a comment has it."""
    statements = None if is_foreign_cell(source) else parse_python(source)
    if statements is None or any(word.search(line[0]) for line in MAGIC.finditer(source)):
        return "unknown"
    return next((one for one in statements if _mentions(one, word)), None)


def _mentions(node: ast.AST, word: re.Pattern[str]) -> bool:
    """Tell whether a name stands in a piece of Python, also in its texts."""
    for one in ast.walk(node):
        names = [one.id] if isinstance(one, ast.Name) else []
        if isinstance(one, ast.Global):
            names = one.names
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            names = [one.value]
        if any(map(word.search, names)):
            return True
    return False


def _overwrites(statement: ast.stmt, name: str, word: re.Pattern[str]) -> bool:
    """Tell whether a statement sets a name without looking at it, and without what may look."""
    if name not in assigned_names(statement):
        return False
    value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
    if value is None or _mentions(value, word):
        return False
    return not any(
        isinstance(one, ast.Name) and one.id in INDIRECT_READERS for one in ast.walk(value)
    )
