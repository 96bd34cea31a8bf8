"""Charges in whole cents: however the parts are put together, nothing is lost or doubled."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from notebake.costs.charges import AwardShare, Charge, Column, allocate
from notebake.costs.money import round_to_cents

DAY = 86_400.0
NOON = 1_796_040_000.0


def charge(draw: random.Random, run: str) -> Charge:
    share = Decimal(draw.choice((100, 60, "33.3")))
    awards = [AwardShare(number="OCE-1", percent=share)]
    if share < 100:
        awards.append(AwardShare(number="EDU-2", percent=100 - share))
    return Charge(
        column=draw.choice([Column.METERED, Column.BILLED]),
        at=NOON + draw.randrange(90) * DAY,
        usd=draw.choice([None, *(Decimal(draw.randrange(-20, 5000)) / 1000 for _ in range(9))]),
        run=run,
        awards=tuple(awards) if draw.random() < 0.8 else (),
    )


def sums(parts: Iterable[Charge], key: Callable[[Any], object]) -> dict[object, Decimal]:
    found: defaultdict[object, Decimal] = defaultdict(Decimal)
    for part in parts:
        found[key(part)] += part.usd or Decimal()
    return dict(found)


def test_each_run_is_rounded_once_and_every_sum_adds_up() -> None:
    draw = random.Random(7)  # noqa: S311
    for _ in range(200):
        charges = [charge(draw, f"run-{draw.randrange(5)}") for _ in range(draw.randrange(1, 40))]
        parts = allocate(charges)

        exact = sums(charges, lambda each: (each.run, each.column))
        found = sums(parts, lambda each: (each.run, each.column))
        assert found == {key: round_to_cents(usd) for key, usd in exact.items()}
        assert all(part.usd is None or part.usd == round_to_cents(part.usd) for part in parts)
        assert sum(part.usd is None for part in parts) >= sum(each.usd is None for each in charges)


def test_no_award_is_off_by_a_cent_or_more_in_a_run() -> None:
    draw = random.Random(8)  # noqa: S311
    compared = 0
    for _ in range(200):
        charges = [charge(draw, "run") for _ in range(20)]

        found = sums(allocate(charges), lambda part: (part.column, part.award))
        exact: defaultdict[object, Decimal] = defaultdict(Decimal)
        for each in charges:
            shares = {share.number: share.percent for share in each.awards} or {"": Decimal(100)}
            for number, percent in shares.items():
                exact[each.column, number] += (each.usd or Decimal()) * percent / 100
        for each_key, usd in exact.items():
            assert abs(found[each_key] - usd) < Decimal("0.01")
            compared += 1
    assert compared > 800
