"""Sharing and copying as Prefect's UI starts them: what the state says, and the artifact."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.copy_image import copy_image
from flows.share_image import share_image
from flows.unshare_image import unshare_image
from notebake.images.copying.carry_out import CopyFailedError
from notebake.images.sharing.shareable import NotShareableError
from tests.cloud_world import REGION
from tests.flows.ui import artifacts_of, carried_out, now, started_in_ui
from tests.pointer_world import PointerWorld, pointer_world
from tests.sharing_world import FRIEND, ORGANIZATION, THERE, bake, copies_in, permissions

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def pointed(tmp_path: Path) -> Iterator[PointerWorld]:
    with pointer_world(tmp_path) as opened:
        yield opened


def message_of(flow_run: object) -> str:
    state = now(flow_run).state  # type: ignore[arg-type]
    assert state
    return str(state.message)


def test_an_image_is_shared_and_taken_back_from_the_ui(pointed: PointerWorld) -> None:
    image = bake(pointed)[1]
    given = {"image": image.id, "region": REGION, "store": pointed.location}
    shared = started_in_ui(share_image, recipients=[FRIEND, ORGANIZATION], **given)

    carried_out(shared, share_image)

    assert len(permissions(image.id)) == 2
    assert message_of(shared).startswith(f"{image.id} is shared with {FRIEND}")
    (artifact,) = artifacts_of(shared)
    assert "organization o-1234567890" in artifact
    assert "aws ec2 run-instances" in artifact
    again = started_in_ui(share_image, recipients=[FRIEND], **given)
    carried_out(again, share_image)
    assert "already shared" in message_of(again)
    ended = started_in_ui(unshare_image, from_all=True, **given)
    carried_out(ended, unshare_image)
    assert permissions(image.id) == []
    assert "no longer shared" in message_of(ended)


def test_an_image_is_copied_from_the_ui_and_a_failure_names_what_to_do(
    pointed: PointerWorld,
) -> None:
    image = bake(pointed)[1]
    pointed.world.sandbox.fail("fail", action="CopyImage", times=1)
    flow_run = started_in_ui(
        copy_image, image=image.id, region=REGION, to=[THERE], store=pointed.location
    )
    with pytest.raises(CopyFailedError):
        carried_out(flow_run, copy_image)
    assert "removed with its snapshots" in message_of(flow_run)

    again = started_in_ui(
        copy_image, image=image.id, region=REGION, to=[THERE], store=pointed.location
    )
    carried_out(again, copy_image)

    (copy,) = copies_in(pointed)
    assert copy.id in message_of(again)
    (artifact,) = artifacts_of(again)
    assert "10 GiB: " in artifact
    assert "no machine was booted from a copy" in artifact


def test_what_is_not_shared_ends_the_flow_run_in_one_paragraph(pointed: PointerWorld) -> None:
    image = bake(pointed, is_accepted=False)[1]
    flow_run = started_in_ui(
        share_image, image=image.id, region=REGION, recipients=[FRIEND], store=pointed.location
    )

    with pytest.raises(NotShareableError):
        carried_out(flow_run, share_image)

    assert "it is not accepted" in message_of(flow_run)
    assert "Traceback" not in message_of(flow_run)
