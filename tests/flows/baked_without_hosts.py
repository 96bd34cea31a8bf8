"""Bakes without hosts: the steps that EC2 alone takes, and a proof."""

import pytest

from flows import build_image as building
from flows.approved_build import CHECK, SHARE
from flows.build_plan import BUILD, Plan
from notebake.acceptance.evidence import Proof
from notebake.acceptance.proof import FILE
from notebake.images.image_state import accepted_image, current_image
from notebake.runs import files
from notebake.runs.run import Run
from tasks import publish_image
from tests.cloud_steps import carry_out_to

real_carry_out_all = building.carry_out_all


def bake_without_hosts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let builds do without hosts from now on; return the list of the runs that were baked."""
    made: list[str] = []

    def carry_out_all(run: Run, plan: Plan = BUILD) -> None:
        if plan in (CHECK, SHARE):
            real_carry_out_all(run, plan)
        elif not accepted_image(run):
            made.append(run.id)
            carry_out_to(run, "wait_for_image")
            image = current_image(run)
            assert image
            proof = Proof(image_id=image.id, sentences=("Booted from the image: i-1.",))
            files.put_file(run, FILE, proof.model_dump_json().encode())
            publish_image.make(run)

    monkeypatch.setattr(building, "carry_out_all", carry_out_all)
    return made
