"""Who, who pays, and under which licence: what an entity of a crate stands on."""

import urllib.parse
from collections.abc import Iterator

from notebake.errors import NotebakeError
from notebake.reports.crate.entities import Entity, entity, person_id
from notebake.reports.crate.material import Material
from notebake.runs.people import name_of

NO_LICENCE = "#no-licence"


def people(material: Material) -> Iterator[Entity]:
    """Yield who executed the run, each with a name if it is known."""
    for pseudonym in material.summary.people:
        is_known = pseudonym in material.people
        yield entity(
            person_id(pseudonym),
            "Person",
            name=name_of(pseudonym, material.people),
            identifier=pseudonym,
            description="The name is what the list of people has; nobody has checked it."
            if is_known
            else "A pseudonym: who that is is not said here.",
        )


def grants(material: Material) -> Iterator[Entity]:
    """Yield the awards that pay."""
    for award in material.awards:
        known = award.get("known") or {}
        investigator = name_of(known["pi"], material.people) if known.get("pi") else ""
        lead = f"Principal investigator: {investigator}." if investigator else ""
        share = f"Its share of the costs: {award['share']} %." if award.get("share") else ""
        period = f"Its period: {known['start']} to {known['end']}." if known else ""
        yield entity(
            grant_id(award["number"]),
            "Grant",
            name=known.get("title") or f"Award {award['number']}",
            identifier=award["number"],
            description=" ".join(filter(None, (f"{award.get('purpose')}.", share, period, lead))),
        )


def grant_id(number: str) -> str:
    """Return the id of an award."""
    return f"#award-{urllib.parse.quote(number, safe='')}"


def licence(url: str) -> Entity:
    """Return the licence of the crate; RO-Crate demands one, and a recipe has none.

    Raises:
        NotebakeError: it is no address.
    """
    if not url:
        return entity(
            NO_LICENCE,
            "CreativeWork",
            name="No licence was given",
            description="Whoever exported this crate gave no licence for it. What may be done with"
            " it, beyond what the law allows by itself, must be asked of them.",
        )
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or " " in url:
        raise NotebakeError(
            f"A licence is named by its address, and {url} is none.",
            "Give one such as https://creativecommons.org/licenses/by/4.0/",
        )
    return entity(url, "CreativeWork", name=url, url=url)


def left_out(material: Material) -> list[Entity]:
    """Return a comment for each file that is not in the crate."""
    return [
        entity(f"#left-out-{number}", "Comment", name="Left out", text=f"Left out: {sentence}")
        for number, sentence in enumerate(material.left_out, 1)
    ]
