"""Known vulnerabilities as text: of when the data are, and a line for each package."""

from collections.abc import Sequence

from rich.text import Text

from flows.terminal.update_layout import below, heading
from notebake.humanize import clean_text
from notebake.images.updates.advice.advice import Advice, Vulnerability
from notebake.images.updates.advice.describe import by_package, count_known, describe_source

TITLE = "Known vulnerabilities (advice: they change no cause)"
MOST_NAMED = 3
"""So many vulnerabilities of one package are named."""
STYLES = {"not asked": "magenta", "none known": ""}


def advice_heading(advice: Advice, width: int) -> list[Text]:
    """Return what was asked of whom, and how many vulnerabilities are known."""
    known = count_known(advice)
    how = None if advice.state == "not asked" else clean_text(describe_source(advice))
    state = Text(known, STYLES.get(known, "yellow"))
    name = Text(advice.ecosystem, "bold")
    return heading(name, state, how, clean_text(advice.reason), width)


def advice_lines(advice: Advice, width: int, *, shows_all: bool) -> list[Text]:
    """Return a line for each package: `jinja2 3.1.2: CVE-2024-22195 → 3.1.3`."""
    return [
        line
        for (package, version), found in by_package(advice).items()
        for line in below(
            clean_text(f"{package} {version}: {_names(found, shows_all=shows_all)}"), width
        )
    ]


def _names(found: Sequence[Vulnerability], *, shows_all: bool) -> str:
    shown = found if shows_all else found[:MOST_NAMED]
    more = f" and {len(found) - len(shown)} more" if len(shown) < len(found) else ""
    return ", ".join(map(_describe, shown)) + more


def _describe(found: Vulnerability) -> str:
    urgency = f" ({found.urgency})" if found.urgency else ""
    fixed = f" → {found.fixed[0]}" if found.fixed else ""
    return f"{found.public_id}{urgency}{fixed}"
