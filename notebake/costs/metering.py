"""What a run has cost so far: the hours of its machines, disks and addresses, at dated prices.

All of it follows from the entries of the run, whoever executed it. An unknown price stays unknown.
Hours in which a machine was up and no step was carried out are lines of their own.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from notebake.costs.estimate import HOURS_PER_MONTH, INCLUDED_IOPS, INCLUDED_MIB_PER_SECOND
from notebake.costs.machine_history import Disk, Machine, MachineHistory
from notebake.costs.money import Money, Price, PriceOfType, sum_known
from notebake.costs.prices import Prices, Storage, dated, find_prices
from notebake.costs.recorded_clock import RecordedClock
from notebake.ledger.entry import Entry, format_time
from notebake.ledger.kinds import ENDED, EXECUTING, STEP
from notebake.record import Record

Interval = tuple[float, float]
AT_MOST = "at most: EC2 no longer said when it ended"
SECONDS_PER_HOUR = Decimal(3600)


class MeteredLine(Record):
    """One item: so many hours of one thing."""

    what: str
    """machine, idle machine, disks, public address."""
    resource: str
    detail: str = ""
    start: str
    """UTC, by AWS's clock."""
    end: str
    is_over: bool
    """False if it went on when this was written."""
    hours: Decimal
    usd_per_hour: Decimal | None = None
    """None if the price is unknown."""
    price_source: str = ""
    price_date: str = ""
    is_at_most: bool = False
    """Whether it may have ended earlier: EC2 no longer said when."""

    @property
    def described(self) -> str:
        """What there is to say beside the amount."""
        return "; ".join(filter(None, (self.detail, AT_MOST if self.is_at_most else "")))

    @property
    def usd(self) -> Money:
        return None if self.usd_per_hour is None else self.hours * self.usd_per_hour


class Metered(Record):
    """What a run has cost until some time, and what its images cost in each month from then on."""

    until: str
    lines: tuple[MeteredLine, ...] = ()
    monthly_usd: Decimal | None = Decimal()
    """Of the images' snapshots, at most; None if that is unknown."""

    @property
    def usd(self) -> Money:
        """The sum of all known lines; None if none is known although there are some."""
        return sum_known([line.usd for line in self.lines])

    @property
    def is_complete(self) -> bool:
        """Whether every price is known."""
        return all(line.usd is not None for line in self.lines)


def meter(
    entries: Sequence[Entry], price_of_type: PriceOfType, *, now: float, ending: str = ""
) -> Metered:
    """Return the costs until `now`, a time by the clock of the latest execution.

    `ending` is the execution that ends with this, which is not recorded yet.
    """
    history, clock = MachineHistory(entries), RecordedClock(entries)
    until = clock.corrected(now, entries[-1].execution) if entries else now
    history.end_expired(until)
    busy = busy_times(entries, clock, ending)
    lines = [
        line
        for machine in history.machines.values()
        for line in _lines_of(machine, busy, until, price_of_type)
    ]
    regions = [machine.region for machine in history.machines.values() if machine.region]
    return Metered(
        until=format_time(until),
        lines=tuple(lines),
        monthly_usd=_monthly(history.image_disks.values(), regions[0] if regions else ""),
    )


def _lines_of(
    machine: Machine, busy: Sequence[Interval], until: float, price_of_type: PriceOfType
) -> Iterable[MeteredLine]:
    price = price_of_type(machine.instance_type, machine.region)
    address = _address_price(machine)
    for span in machine.spans:
        whole = _period(span.start, span.end, machine, until)
        seconds_busy = sum(end - start for start, end in _common(busy, whole.interval))
        for what, seconds in (
            ("machine", seconds_busy),
            ("idle machine", whole.seconds - seconds_busy),
        ):
            if seconds > 0:
                yield _line(what, machine.id, machine.instance_type, whole, seconds, price)
        if machine.has_public_address:
            yield _line("public address", machine.id, "", whole, whole.seconds, address)
    if machine.spans and machine.disks != []:
        whole = _period(machine.spans[0].start, machine.ended, machine, until)
        size = sum(disk.get("Ebs", {}).get("VolumeSize", 0) for disk in machine.disks or ())
        disks = _disk_price(machine)
        yield _line("disks", machine.id, f"{size or '?'} GiB", whole, whole.seconds, disks)


class _Period(NamedTuple):
    """From when until when something cost, and how well that is known."""

    interval: Interval
    is_over: bool
    is_at_most: bool

    @property
    def seconds(self) -> float:
        return self.interval[1] - self.interval[0]


def _period(start: float, end: float | None, machine: Machine, until: float) -> _Period:
    is_at_most = machine.is_at_most and end == machine.ended
    return _Period((start, max(until if end is None else end, start)), end is not None, is_at_most)


def _line(
    what: str, resource: str, detail: str, whole: _Period, seconds: float, price: Price | None
) -> MeteredLine:
    start, end = whole.interval
    return MeteredLine(
        what=what,
        resource=resource,
        detail=detail,
        start=format_time(start),
        end=format_time(end),
        is_over=whole.is_over,
        is_at_most=whole.is_at_most,
        hours=Decimal(str(round(seconds, 3))) / SECONDS_PER_HOUR,
        usd_per_hour=price.usd if price else None,
        price_source=price.source if price else "",
        price_date=price.date if price else "",
    )


def busy_times(entries: Sequence[Entry], clock: RecordedClock, ending: str = "") -> list[Interval]:
    """Return when steps were carried out, by AWS's clock, in order and without overlaps.

    Of an execution whose end is not recorded, all is busy from its last outcome to its last entry:
    it was killed in the middle of a step.
    """
    found: list[Interval] = []
    latest: dict[str, float] = {}
    """When the last step of each execution ended, if the execution has not."""
    last_entry: dict[str, float] = {}
    for entry in entries:
        at = clock.time_of(entry)
        last_entry[entry.execution] = at
        if entry.kind == STEP:
            found.append((at - (entry.body.get("seconds") or 0.0), at))
        if entry.kind in {EXECUTING, STEP}:
            latest[entry.execution] = at
        elif entry.kind == ENDED:
            latest.pop(entry.execution, None)
    latest.pop(ending, None)
    found += [(at, last_entry[execution]) for execution, at in latest.items()]
    return _merged(found)


def _merged(intervals: Iterable[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _common(intervals: Iterable[Interval], whole: Interval) -> list[Interval]:
    """Return what the intervals and another one have in common."""
    cut = [(max(start, whole[0]), min(end, whole[1])) for start, end in intervals]
    return [(start, end) for start, end in cut if start < end]


def _table_price(region: str, usd: Callable[[Prices], Decimal | None]) -> Price | None:
    """Return a price of the bundled table."""
    prices = find_prices(region)
    amount = usd(prices) if prices else None
    return None if amount is None else dated(amount)


def _address_price(machine: Machine) -> Price | None:
    return _table_price(
        machine.region, lambda prices: Decimal(str(prices.address.public_ipv4_usd_per_hour))
    )


def _disk_price(machine: Machine) -> Price | None:
    """Return the hourly price of all disks of a machine; None if that of any is unknown."""

    def usd(prices: Prices) -> Decimal | None:
        each = [_disk_usd_per_month(disk, prices.storage) for disk in machine.disks or ()]
        known = [amount for amount in each if amount is not None]
        complete = machine.disks is not None and len(known) == len(each)
        total = sum(known, Decimal())
        return total / HOURS_PER_MONTH if complete else None

    return _table_price(machine.region, usd)


def _disk_usd_per_month(disk: Disk, storage: Storage) -> Decimal | None:
    """Return the monthly costs of a gp3 disk; None of another kind, or of unknown size."""
    ebs = disk.get("Ebs", {})
    if ebs.get("VolumeType") != "gp3" or "VolumeSize" not in ebs:
        return None
    size_gib = int(ebs["VolumeSize"])
    iops = max(int(ebs.get("Iops", 0)) - INCLUDED_IOPS, 0)
    through = max(int(ebs.get("Throughput", 0)) - INCLUDED_MIB_PER_SECOND, 0)
    return (
        size_gib * Decimal(str(storage.gp3_usd_per_gib_month))
        + iops * Decimal(str(storage.gp3_usd_per_extra_iops_month))
        + through * Decimal(str(storage.gp3_usd_per_extra_mib_per_second_month))
    )


def _monthly(images: Iterable[Sequence[Disk]], region: str) -> Decimal | None:
    """Return what the images' snapshots cost in a month at most: as if all disks were full."""
    disks = [disk for image in images for disk in image]
    if not disks:
        return Decimal()
    prices = find_prices(region)
    sizes = [int(disk.get("Ebs", {}).get("VolumeSize", 0)) for disk in disks]
    if prices is None or 0 in sizes:
        return None
    per_gib = Decimal(str(prices.storage.snapshot_usd_per_gib_month))
    return sum(sizes) * per_gib
