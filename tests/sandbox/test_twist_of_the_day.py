"""One base image with a twist is baked from each day, drawn by the seed; `make twists`: all."""

import pytest

from sandbox.twists.table import BY_NAME
from tests.draw import draw_single
from tests.sandbox.bakery import Bakery
from tests.twists.trial import try_twist

pytestmark = pytest.mark.sandbox


@pytest.mark.parametrize("name", draw_single("twist", list(BY_NAME)))
def test_a_bake_of_the_daily_twist_ends_as_expected(bakery: Bakery, name: str) -> None:
    trial = try_twist(bakery, BY_NAME[name])
    assert trial.wrong == [], trial.done.printed
