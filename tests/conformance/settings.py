"""Where the suite runs: the sandbox, unless three variables together say AWS."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from notebake.costs.prices import find_prices, read_prices

WHERE = "NOTEBAKE_CONFORMANCE"
REGION = "NOTEBAKE_CONFORMANCE_REGION"
CAP = "NOTEBAKE_CONFORMANCE_CAP_USD"
SHARE_WITH = "NOTEBAKE_CONFORMANCE_SHARE_WITH"
"""Another account, if there is one: images are shared with nobody who did not ask for it."""
FRIEND_PROFILE = "NOTEBAKE_CONFORMANCE_FRIEND_PROFILE"
"""The profile with credentials of that other account, which looks at what is shared with it."""
USAGE = f"On AWS: {WHERE}=aws {REGION}=us-west-2 {CAP}=2.00 pytest tests/conformance"


@dataclass(frozen=True)
class Settings:
    """The region of AWS that the suite runs in, and what it may cost there at most."""

    region: str
    cap_usd: float
    share_with: str = ""
    friend_profile: str = ""


def read_settings(environment: Mapping[str, str]) -> Settings | None:
    """Return where on AWS, or None for the sandbox. Raises UsageError for half of it."""
    where, region, cap = (environment.get(name, "") for name in (WHERE, REGION, CAP))
    if where not in ("", "sandbox", "aws"):
        raise wrong(f"{WHERE} is {where!r}: it must be aws or sandbox")
    if where != "aws" and (region or cap):
        raise wrong(f"{REGION} and {CAP} say nothing without {WHERE}=aws")
    if where != "aws":
        return None
    if not (region and cap):
        raise wrong(f"{WHERE}=aws needs {REGION} and {CAP} as well")
    if not find_prices(region):
        known = ", ".join(read_prices().regions)
        raise wrong(f"{REGION} is {region!r}: there are prices for {known} only")
    return Settings(
        region,
        read_cap(cap),
        environment.get(SHARE_WITH, ""),
        environment.get(FRIEND_PROFILE, ""),
    )


def read_cap(text: str) -> float:
    """Return a sum of dollars above 0."""
    try:
        cap_usd = float(text)
    except ValueError as error:
        raise wrong(f"{CAP} is {text!r}: it must be dollars, as 1.00") from error
    if not 0 < cap_usd < float("inf"):
        raise wrong(f"{CAP} is {text!r}: it must be above 0")
    return cap_usd


def wrong(what: str) -> pytest.UsageError:
    """Return the error that ends pytest before anything is made."""
    return pytest.UsageError(f"{what}. {USAGE}")
