"""An image is proven by all of its machines, and by no other machine."""

import pytest

from notebake.acceptance.proof import FILE
from notebake.aws import instances
from notebake.errors import ResourceLostError
from notebake.machines.boot import NO_LOGIN
from notebake.resources import stack_instances
from notebake.runs import files
from tasks import launch_acceptance, prove_image
from tests.cloud_steps import carry_out_to
from tests.cloud_world import REGION, CloudWorld
from tests.leftovers import add_tags


def test_an_image_is_proven_by_all_of_its_machines_or_not_at_all(world: CloudWorld) -> None:
    run = world.new_run()
    carry_out_to(run, "launch_acceptance")
    ended, other = stack_instances.find_instances(run, "acceptance")
    instances.terminate_instances([ended.id], REGION)

    with pytest.raises(
        ResourceLostError, match=rf"of 2 machines from ami-.* 1 is left: {other.id}"
    ):
        prove_image.make(run)
    add_tags(other.id, lost=NO_LOGIN)
    with pytest.raises(ResourceLostError, match=r"of 2 machines from ami-.* none is left"):
        prove_image.make(run)

    assert not files.has_file(run, FILE)
    launch_acceptance.make(run)
    assert launch_acceptance.find(run), "the next launch replaces both"
