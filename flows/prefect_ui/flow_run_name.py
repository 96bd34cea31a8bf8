"""The name and the tags by which a flow run is found in Prefect's UI."""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run

from notebake.recipe import Recipe
from notebake.runs.run import Run

log = logging.getLogger(__name__)

GREEK = (
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|omicron|pi|rho|sigma"
    "|tau|upsilon|phi|chi|psi|omega"
)
ADJECTIVES = (
    "Awesome|Rustic|Small|Gorgeous|Fantastic|Sleek|Intelligent|Unbranded|Refined|Licensed|Generic"
    "|Practical|Ergonomic|Handcrafted|Tasty|Handmade|Incredible"
)
PREFILLED = re.compile(
    rf"(?:{GREEK})(?:\d+-[a-z]+(?:-[a-z]+)?|-[a-z]+-[a-z]+)|(?:{ADJECTIVES})-[A-Za-z0-9 -]{{1,6}}"
)
"""What the two forms of the UI put into the field of the name, if nobody types (the scripts of
prefect 3.8.8, server/ui and server/ui-v2)."""


def name_flow_run(run: Run, prefix: str = "") -> None:
    """Name the current flow run by its run, unless a person has named it, and tag it.

    The run id begins with the name of the recipe. A failure here is a warning.
    """
    new_tags = [*tags_of(run.recipe), f"run:{run.id}"]
    name_and_tag(f"{prefix}{run.id}", new_tags, replaces=f"{run.recipe.name}: ")


def name_without_run(recipe: Recipe, what: str) -> None:
    """Name and tag the current flow run by its recipe and by what became of it, without a run."""
    # A Retry may end in another way than what the name says.
    name_and_tag(f"{recipe.name}: {what}", tags_of(recipe), replaces=f"{recipe.name}: ")


def name_and_tag(wanted: str, new_tags: Iterable[str], *, replaces: str = "") -> None:
    """Name the current flow run, unless a person has named it, and tag it.

    A name that begins with `replaces` is one of ours. A failure here is a warning.
    """
    flow_run_id = flow_run.get_id()
    if not flow_run_id:
        return
    name = flow_run.get_name() or ""
    is_ours = is_generated(name) or bool(replaces and name.startswith(replaces))
    every = sorted({*(flow_run.get_tags() or ()), *new_tags})
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run(UUID(flow_run_id), name=wanted if is_ours else name, tags=every)
    except (PrefectException, httpx.HTTPError) as error:
        log.warning("The flow run could not be named and tagged in Prefect: %s", error)


def tags_of(recipe: Recipe) -> Iterator[str]:
    """Yield the tags of a recipe: its name, and the project and awards that it is for."""
    yield f"recipe:{recipe.name}"
    if project := recipe.tags.get("Project"):
        yield f"project:{project}"
    for award in recipe.award:
        yield f"award:{award.number}"


def is_generated(name: str) -> bool:
    """Return whether Prefect made up this name: its server or one of the forms of its UI."""
    if PREFILLED.fullmatch(name):
        return True
    words = name.split("-")
    return not name or (len(words) == 2 and _vocabulary().issuperset(words))


def _vocabulary() -> frozenset[str]:
    """Return the words of which Prefect's server makes names (prefect/utilities/names.py)."""
    from coolname.data import config

    lists: Mapping[str, Mapping[str, list[str]]] = config  # type: ignore[assignment]
    return frozenset(word for entry in lists.values() for word in entry.get("words", ()))
