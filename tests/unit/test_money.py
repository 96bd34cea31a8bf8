"""Sums, shares and rounding of money."""

from decimal import Decimal

import pytest

from notebake.costs.money import format_usd, in_cents, round_to_cents, sum_known


@pytest.mark.parametrize(
    ("amount", "shares", "parts"),
    [
        ("10.00", ("50", "50"), ("5.00", "5.00")),
        ("0.01", ("50", "50"), ("0.01", "0.00")),
        ("10.00", ("33.33", "33.33", "33.34"), ("3.33", "3.33", "3.34")),
        ("100.00", ("33.3", "66.7"), ("33.30", "66.70")),
        ("0.05", ("30", "30", "40"), ("0.02", "0.01", "0.02")),
        ("1.005", ("50", "50"), ("0.51", "0.50")),
        ("-0.03", ("50", "50"), ("-0.01", "-0.02")),
        ("0", ("60", "40"), ("0.00", "0.00")),
        ("7.77", ("100",), ("7.77",)),
    ],
)
def test_parts_add_up_to_the_cent(
    amount: str, shares: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    found = in_cents([Decimal(amount) * Decimal(share) / 100 for share in shares])

    assert found == [Decimal(part) for part in parts]
    assert sum(found) == round_to_cents(Decimal(amount))


def test_any_amount_in_any_shares_adds_up() -> None:
    tried = 0
    for cents in range(-50, 200, 7):
        for count in range(1, 20):
            shares = [Decimal(100) / count] * count
            amount = Decimal(cents) / 100
            assert sum(in_cents([amount * share / 100 for share in shares])) == amount
            tried += 1
    assert tried > 500


def test_the_sum_of_nothing_is_zero_and_of_unknowns_is_unknown() -> None:
    assert sum_known([]) == 0
    assert sum_known([None]) is None
    assert sum_known([None, Decimal(1), Decimal(2)]) == 3


@pytest.mark.parametrize(
    ("amount", "is_complete", "text"),
    [("0.005", True, "0.01"), ("0.0049", True, "0.00"), ("2.5", False, "≥ 2.50"), ("", True, "?")],
)
def test_money_is_rounded_for_display(amount: str, is_complete: bool, text: str) -> None:
    known = Decimal(amount) if amount else None

    assert format_usd(known, is_complete=is_complete) == text
