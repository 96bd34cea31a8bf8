"""What a person reads first: README.md, and the page that RO-Crate calls the preview."""

from collections.abc import Iterable, Iterator
from html import escape
from urllib.parse import quote

from notebake.reports.crate.actions import why_without_image
from notebake.reports.crate.entities import Entity, Payload, entity, refer
from notebake.reports.crate.material import Material
from notebake.runs.people import name_of

README = "README.md"
STYLE = (
    "body{font:15px/1.45 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse}td,th{padding:.2em .9em .2em 0;text-align:left;"
    "vertical-align:top;overflow-wrap:anywhere}td:not(:last-child){min-width:5em}"
    "td:first-child{white-space:nowrap}h2{font-size:1.1em;margin:1.6em 0 .3em}"
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
Row = tuple[str, ...]


def readme(material: Material, description: str) -> Payload:
    """Return a text that says what this is, and how it is verified."""
    run = material.summary.run
    text = f"""# Provenance of run {run}

{description}

- `ro-crate-metadata.json` describes everything here, as a Provenance Run Crate 0.5 on RO-Crate 1.1;
  `ro-crate-preview.html` shows the most of it.
- `plan.json` has the steps of a build, `recipe-1.json` and so on what was wanted.
- `files/` has what the run has stored and the record vouches for, each with its SHA-256.
- `packages-python.cdx.json` and `packages-system.cdx.json` list the packages of the image, where
  the run has stored lock files.
- `image.json` and `provenance.intoto.json` are about the image, if there is one.
- `record/` has the ledger of the run, byte for byte. Verify it with notebake's `verify_record.py`:

      python verify_record.py record
"""
    described = entity(
        README, "File", name="Read me", encodingFormat="text/markdown", about=refer("./")
    )
    return Payload(described, text.encode())


def preview(
    material: Material, description: str, licensed: Entity, payload: Iterable[Payload]
) -> str:
    """Return the page: what was run, by whom, and what came of it. It runs no script."""
    title = escape(f"Provenance of run {material.summary.run}")
    files = [
        (f'<a href="{quote(file.path)}">{escape(file.path)}</a>', escape(file.entity["name"]))
        for file in payload
    ]
    parts = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{title}</title><style>{STYLE}</style></head><body>",
        f"<h1>{title}</h1><p>{escape(description)}</p>",
        _table("The run", map(_escaped, _facts(material, licensed))),
        _table("What was tried", map(_escaped, _tries(material))),
        _table("Left out", map(_escaped, ((each,) for each in material.left_out))),
        _table("Files", [*files, ('<a href="record/">record/</a>', "The ledger of the run")]),
        "</body></html>\n",
    )
    return "\n".join(filter(None, parts))


def _facts(material: Material, licensed: Entity) -> Iterator[Row]:
    summary, people = material.summary, material.people
    yield "Outcome", str(summary.result)
    yield "Why", why_without_image(material)
    yield "Image", summary.image.id if summary.image else ""
    yield "Base image", summary.base_image
    yield "By", ", ".join(name_of(each, people) for each in summary.people)
    yield "From, to (UTC)", f"{summary.began[:19]}, {summary.ended[:19]}"
    yield "Commit of the repository", summary.commit
    code = summary.code
    yield "Code", f"notebake {code.get('version', '')}, commit {code.get('commit') or 'unknown'}"
    yield "Awards", ", ".join(str(award["number"]) for award in material.awards)
    yield "Record", f"{len(material.run.entries)} entries, {material.state}"
    yield "Licence", str(licensed["name"])


def _tries(material: Material) -> Iterator[Row]:
    for attempt in material.attempts:
        title = material.titles.get(attempt.step, attempt.step)
        doing = f"Undo: {title}" if attempt.is_undoing else title
        yield attempt.ended[:19], doing, attempt.outcome, attempt.shown


def _escaped(row: Row) -> Row:
    return tuple(map(escape, row))


def _table(heading: str, rows: Iterable[Row]) -> str:
    """Return a table of rows of HTML, without those that have a name only; "" for none."""
    shown = [row for row in rows if len(row) == 1 or any(row[1:])]
    lines = [f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in shown]
    return f"<h2>{heading}</h2><table>{''.join(lines)}</table>" if lines else ""
