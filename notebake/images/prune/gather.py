"""Reads what decides about the images of a region: a listing, then questions about those due."""

from collections.abc import Mapping, Sequence

from notebake import clock
from notebake.aws import tags
from notebake.aws.image_parameter import read_all_named
from notebake.aws.image_uses import MOST_IMAGES, find_recipients, find_uses
from notebake.aws.model import Resource
from notebake.aws.shown_images import ShownImage, ShownImages
from notebake.costs.monthly import cost_of_snapshot
from notebake.errors import NotebakeError
from notebake.images.pointer_record import Pointer
from notebake.images.prune.decision import find_due
from notebake.images.prune.facts import (
    NOT_ASKED,
    ImageFacts,
    RecipeFacts,
    RegionFacts,
    Unread,
)
from notebake.images.prune.marks import Mark
from notebake.images.prune.reading import or_unread, read_pointers
from notebake.images.revocation import list_revoked
from notebake.recipe import Recipe
from notebake.resources.kinds import prove_ownership
from notebake.store.interface import RunStore
from notebake.timestamps import parse_timestamp, utc_from_seconds


def gather(
    shown: ShownImages,
    recipes: Sequence[Recipe],
    region: str,
    store: RunStore,
    marks: Mapping[str, Mark],
    awaiting_approval: frozenset[str],
) -> RegionFacts:
    """Return the facts of a region, without who uses its images: one or two calls to SSM.

    Raises:
        NotebakeError: two recipes have one name.
        RunStoreError: the store failed.
    """
    given = _by_name(recipes, region)
    revoked, pointers = list_revoked(store), read_pointers(region, store)
    found = {each.resource.id: each.resource for each in shown.images}
    images = tuple(
        image_facts(each, found).model_copy(
            update={
                "is_revoked": each.resource.id in revoked,
                "mark": marks.get(each.resource.id),
            }
        )
        for each in shown.images
    )
    names = {image.recipe for image in images}
    pruned = [name for name, recipe in given.items() if recipe.prune and name in names]
    return RegionFacts(
        region=region,
        now=utc_from_seconds(clock.now()),
        images=images,
        recipes={name: _recipe_facts(given.get(name), pointers.get(name)) for name in names},
        named=or_unread(read_all_named, pruned, region),
        bases={
            recipe.base_image.image_id: name
            for name, recipe in given.items()
            if recipe.base_image.image_id
        },
        awaiting_approval=awaiting_approval,
    )


def image_facts(shown: ShownImage, found: Mapping[str, Resource]) -> ImageFacts:
    """Return what EC2 tells of an image; `found` are all images of the listing, by id."""
    image = shown.resource
    verdict = prove_ownership(image, found)
    costs = [cost_of_snapshot(snapshot) for snapshot in shown.snapshots]
    known = [cost for cost in costs if cost is not None]
    every = (image, *shown.snapshots)
    return ImageFacts(
        image_id=image.id,
        recipe=image.tags.get(tags.RECIPE, ""),
        run_id=image.run_id,
        state=image.state,
        made_at=image.made_at,
        doubt="" if verdict.is_ours else f"{verdict.ownership}: {verdict.reason}",
        is_accepted=tags.ACCEPTED in image.tags,
        accepted_at=parse_timestamp(image.tags.get(tags.ACCEPTED, "")),
        is_kept=any(tags.KEEP in each.tags for each in every),
        is_protected=shown.is_protected,
        is_public=shown.is_public,
        deprecated_from=shown.deprecated_from,
        last_launched=shown.last_launched,
        base_image_id=shown.base_image_id,
        snapshot_ids=image.parts,
        usd_per_month=sum(known) if costs and len(known) == len(costs) else None,
    )


def ask_users(facts: RegionFacts) -> RegionFacts:
    """Return the facts with who uses the images that are due: one call for ten of them.

    Of those to which nothing refers it is also asked with whom they are shared: a call for each.
    """
    due = [image.image_id for image in facts.images if find_due(image, facts).action != "stay"]
    uses: dict[str, tuple[str, ...] | Unread] = {}
    for start in range(0, len(due), MOST_IMAGES):
        some = due[start : start + MOST_IMAGES]
        answer = or_unread(find_uses, some, facts.region)
        uses |= dict.fromkeys(some, answer) if isinstance(answer, Unread) else answer
    recipients = {
        image_id: or_unread(find_recipients, image_id, facts.region)
        for image_id, found in uses.items()
        if found == ()
    }
    return facts._replace(
        images=tuple(
            image.model_copy(
                update={
                    "uses": uses.get(image.image_id, image.uses),
                    "recipients": recipients.get(image.image_id, image.recipients),
                }
            )
            for image in facts.images
        )
    )


def list_unread(facts: RegionFacts) -> tuple[str, ...]:
    """Return what could not be read, each once."""
    found: list[object] = [facts.named, *(recipe.pointer for recipe in facts.recipes.values())]
    due = [image for image in facts.images if image.uses is not NOT_ASKED]
    found += [fact for image in due for fact in (image.uses, image.recipients)]
    reasons = [fact.reason for fact in found if isinstance(fact, Unread) and fact != NOT_ASKED]
    return tuple(dict.fromkeys(reasons))


def _by_name(recipes: Sequence[Recipe], region: str) -> dict[str, Recipe]:
    """Return the recipes of a region by their names."""
    found: dict[str, Recipe] = {}
    for recipe in recipes:
        if recipe.region == region and found.setdefault(recipe.name, recipe) != recipe:
            raise NotebakeError(
                f"Two recipes of {region} have the name {recipe.name}: which of them says what"
                " becomes of its images is not known. Nothing was changed."
            )
    return found


def _recipe_facts(given: Recipe | None, pointer: Pointer | Unread | None) -> RecipeFacts:
    return RecipeFacts(
        is_given=given is not None, policy=given.prune if given else None, pointer=pointer
    )
