"""Facts that may be unreadable: each says so of itself, and the others are still read."""

import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from notebake.errors import CloudError, RunStoreError, WrongAccountError
from notebake.images.pointer_record import Pointer, StoredPointer, list_pointers
from notebake.images.prune.facts import Unread
from notebake.runs.reserved_ids import POINTERS
from notebake.store.interface import RunStore

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")
P = ParamSpec("P")


def read_pointers(region: str, store: RunStore) -> dict[str, Pointer | Unread]:
    """Return the pointers of a region by recipe; what cannot be read is said for each.

    Raises:
        RunStoreError: the store failed.
    """
    try:
        return {pointer.recipe: pointer for pointer in list_pointers(region, store)}
    except RunStoreError:
        prefix = f"{POINTERS}/{region}/"
        names = [key.removeprefix(prefix).removesuffix(".json") for key in store.list(prefix)]
        return {name: _read_pointer(name, region, store) for name in names}


def _read_pointer(name: str, region: str, store: RunStore) -> Pointer | Unread:
    try:
        return StoredPointer(name, region, store).pointer
    except RunStoreError as error:
        return Unread(reason=error.message)


def or_unread(ask: Callable[P, Answer], *arguments: P.args, **options: P.kwargs) -> Answer | Unread:
    """Return the answer, or that there is none: a refusal concerns only what was asked for."""
    try:
        return ask(*arguments, **options)
    except WrongAccountError:
        raise
    except CloudError as error:
        log.warning("%s", error.message)
        return Unread(reason=error.message)
