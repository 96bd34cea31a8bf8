"""The request of a copy, kept before it is sent: repeated, it is the same to the last byte.

copies/<source image>/<region>-<digest of the copy's name>.json

EC2 answers a repeated ClientToken with the first copy, dead or alive. So a copy that failed, or
that somebody removed, raises the epoch, and with it the token.
"""

import datetime
import hashlib
import json
from typing import Any

from notebake import clock
from notebake.aws import tags
from notebake.errors import RunStoreError
from notebake.images.copying.plan import CopyPlan
from notebake.record import Record
from notebake.runs.idempotency import client_token
from notebake.runs.reserved_ids import COPIES
from notebake.store.interface import RunStore
from notebake.timestamps import parse_timestamp, utc_from_seconds

UNFINISHED_DAYS = 7
"""A copy that nobody has verified expires then."""


class CopyRequest(Record):
    """What CopyImage is asked for."""

    epoch: int = 0
    wanted: dict[str, Any]
    marks: dict[str, str]
    image_id: str = ""
    """The copy, as soon as EC2 has named it and shown it once."""

    @property
    def token(self) -> str:
        return str(self.wanted["ClientToken"])


def key_of(plan: CopyPlan) -> str:
    """Return the key of the request of a copy."""
    digest = hashlib.sha256(plan.copy_name.encode()).hexdigest()[:12]
    return f"{COPIES}/{plan.image_id}/{plan.to_region}-{digest}.json"


def keep_request(plan: CopyPlan, store: RunStore) -> CopyRequest:
    """Return the request that is kept; keep one if there is none."""
    store.create(key_of(plan), _content(_request(plan, 0)))
    return read_request(plan, store)


def read_request(plan: CopyPlan, store: RunStore) -> CopyRequest:
    """Return the request that is kept.

    Raises:
        RunStoreError: there is none, although it was written, or the store failed.
    """
    stored = store.read(key_of(plan))
    if stored is None:
        raise RunStoreError(f"{store.where(key_of(plan))} was written and has disappeared.")
    return CopyRequest.model_validate_json(stored.content)


def note_shown(plan: CopyPlan, request: CopyRequest, image_id: str, store: RunStore) -> None:
    """Keep that EC2 has shown the copy: if it does not later, somebody has removed it."""
    _replace(plan, request, request.model_copy(update={"image_id": image_id}), store)


def is_over(request: CopyRequest) -> bool:
    """Return whether a copy that nobody sees is asked for anew: it is gone, or would expire."""
    expires = parse_timestamp(request.marks[tags.EXPIRES])
    return bool(request.image_id) or expires is None or expires.timestamp() < clock.now()


def begin_anew(plan: CopyPlan, request: CopyRequest, store: RunStore) -> CopyRequest:
    """Keep a request with another token, unless another process has; return what is kept."""
    _replace(plan, request, _request(plan, request.epoch + 1), store)
    return read_request(plan, store)


def _replace(plan: CopyPlan, old: CopyRequest, new: CopyRequest, store: RunStore) -> None:
    stored = store.read(key_of(plan))
    if stored and CopyRequest.model_validate_json(stored.content).epoch == old.epoch:
        store.replace(key_of(plan), _content(new), version=stored.version)


def _request(plan: CopyPlan, epoch: int) -> CopyRequest:
    token = client_token(plan.copy_name, "copy", epoch, plan.to_region)
    expires = utc_from_seconds(clock.now()) + datetime.timedelta(days=UNFINISHED_DAYS)
    encryption = {"Encrypted": True, "KmsKeyId": plan.key_id} if plan.key_id else {}
    return CopyRequest(
        epoch=epoch,
        wanted={
            "ClientToken": token,
            "Name": plan.copy_name,
            "Description": f"Copy of {plan.image_id} in {plan.from_region}, which was proven",
            "SourceImageId": plan.image_id,
            "SourceRegion": plan.from_region,
            **encryption,
        },
        marks=plan.tags | {tags.TOKEN: token, tags.EXPIRES: tags.as_tag(expires)},
    )


def _content(request: CopyRequest) -> bytes:
    return json.dumps(request.model_dump(mode="json"), indent=2).encode()
