"""What the suite may have cost so far: each thing is paid for before it is made.

Paid is the longest that it may live. A machine powers itself off within its hour. Volumes,
snapshots and the disks of a stopped machine have no end of their own: if the suite is killed,
a person has a day to remove them, and a day is what they are charged for.
"""

from dataclasses import dataclass, field

from notebake.costs.prices import Prices, find_instance_type, find_prices

BOOT_HOURS = 1.0
DISK_HOURS = 24.0
HOURS_PER_MONTH = 730
SWITCH_HOURS = 0.9
"""When a machine of the suite powers itself off: counted from its boot, looked at each minute."""


@dataclass(frozen=True)
class Charge:
    """What one call may cost."""

    what: str
    usd: float


@dataclass
class Ledger:
    """Adds charges up to a cap."""

    region: str
    cap_usd: float = float("inf")
    charges: list[Charge] = field(default_factory=list)
    refused: list[Charge] = field(default_factory=list)

    @property
    def usd(self) -> float:
        return sum(charge.usd for charge in self.charges)

    def enter(self, charge: Charge) -> bool:
        """Enter a charge and say so, unless it would pass the cap."""
        if self.usd + charge.usd > self.cap_usd:
            self.refused.append(charge)
            return False
        self.charges.append(charge)
        return True

    def take_back(self, charge: Charge) -> None:
        """Remove the charge of a call that was refused, and made nothing."""
        self.charges.remove(charge)

    def boot_usd(self, instance_type: str) -> float:
        """Return what a machine costs from one boot to its own end, with its address."""
        kind = find_instance_type(instance_type, self.region)
        assert kind, f"no price is known for {instance_type}: the suite may not launch it"
        return BOOT_HOURS * (kind.usd_per_hour + self.prices.address.public_ipv4_usd_per_hour)

    def disk_usd(self, size_gib: float, hours: float = DISK_HOURS) -> float:
        """Return what disks cost."""
        return size_gib * hours * self.prices.storage.gp3_usd_per_gib_month / HOURS_PER_MONTH

    def snapshot_usd(self, size_gib: float) -> float:
        """Return what snapshots cost if every block was written."""
        per_month = self.prices.storage.snapshot_usd_per_gib_month
        return size_gib * DISK_HOURS * per_month / HOURS_PER_MONTH

    @property
    def prices(self) -> Prices:
        found = find_prices(self.region)
        assert found, f"no prices are known for {self.region}"
        return found
