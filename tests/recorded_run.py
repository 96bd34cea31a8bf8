"""The entries of a run that never was, written one after the other by a clock that a test sets."""

from email.utils import formatdate
from typing import Any

from notebake import clock
from notebake.aws.tags import EXPIRES, as_tag
from notebake.ledger.chain import Chain, RecordPlace, Writer
from notebake.ledger.entry import Entry, format_time
from notebake.ledger.kinds import ANSWERED, ENDED, EXECUTING, SENT, STATE, STEP
from notebake.timestamps import utc_from_seconds

NOON = 1_796_040_000.0
HOUR = 3600.0
REGION = "us-west-2"


class RecordedRun:
    """Entries at times by AWS's clock, in hours after noon; ours may be ahead of it."""

    def __init__(
        self, run: str = "ocean", *, ahead_hours: float = 0.0, has_dates: bool = True
    ) -> None:
        self.entries: list[Entry] = []
        self.run, self.execution, self.who = run, "e-1", "p-ada"
        self.ahead_hours, self.has_dates = ahead_hours, has_dates

    def now(self, hours: float) -> float:
        """Return our time at so many hours by AWS's clock."""
        return NOON + (hours + self.ahead_hours) * HOUR

    def add(self, hours: float, kind: str, **body: Any) -> None:
        """Add an entry."""
        self.entries.append(
            Entry(
                run=self.run,
                sequence=len(self.entries) + 1,
                previous="",
                time=format_time(self.now(hours)),
                who=self.who,
                execution=self.execution,
                kind=kind,
                body=body,
            )
        )

    def call(
        self, hours: float, operation: str, *created: str, error: str = "", **parameters: Any
    ) -> None:
        """Add a call and its answer."""
        call = f"call-{len(self.entries)}"
        note = {"attempt": {"key": f"k-{created[0]}", "name": "builder-1"}} if created else {}
        self.add(
            hours,
            SENT,
            call=call,
            operation=operation,
            region=REGION,
            parameters=parameters,
            **note,
        )
        date = formatdate(NOON + hours * HOUR, usegmt=True) if self.has_dates else ""
        outcome = {"error": error} if error else {"error": "", "created": list(created)}
        self.add(hours, ANSWERED, call=call, date=date, **outcome)

    def launch(
        self,
        hours: float,
        instance_id: str = "i-1",
        *,
        kind: str = "m5.large",
        gib: int = 73,
        lease: float = 0.0,
    ) -> None:
        """Add the launch of a machine with one disk, a public address and a lease, if any."""
        tagged: dict[str, Any] = {}
        if lease:
            tagged["TagSpecifications"] = [{"Tags": [self._expiry(hours + lease)]}]
        disk = {"VolumeSize": gib, "VolumeType": "gp3", "Iops": 3000, "Throughput": 125}
        self.call(
            hours,
            "RunInstances",
            instance_id,
            InstanceType=kind,
            ImageId="ami-base",
            BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": disk}],
            NetworkInterfaces=[{"AssociatePublicIpAddress": True}],
            **tagged,
        )

    def renew(self, hours: float, lease: float, *ids: str, error: str = "") -> None:
        """Add the renewal of the leases of machines."""
        tags = [self._expiry(hours + lease)]
        self.call(hours, "CreateTags", error=error, Resources=[*ids], Tags=tags)

    def _expiry(self, hours: float) -> dict[str, str]:
        """Return the tag with the end of a lease, by the clock of our computer."""
        return {"Key": EXPIRES, "Value": as_tag(utc_from_seconds(self.now(hours)))}

    def state(
        self,
        hours: float,
        state: str,
        *,
        launched: float,
        changed: float | None = None,
        instance_id: str = "i-1",
        kind: str = "m5.large",
    ) -> None:
        """Add what EC2 said at some time."""
        self.add(
            hours,
            STATE,
            instance=instance_id,
            state=state,
            type=kind,
            region=REGION,
            launched=time_at(launched),
            changed="" if changed is None else time_at(changed),
            has_public_address=True,
        )

    def step(self, hours: float, took: float, step: str = "x") -> None:
        """Add the outcome of a step that took so many hours."""
        self.add(hours, STEP, step=step, happening="done", seconds=took * HOUR, detail={})

    def begin(self, hours: float, execution: str = "e-1") -> None:
        """Add the beginning of an execution."""
        self.execution = execution
        self.add(hours, EXECUTING)

    def end(self, hours: float) -> None:
        """Add its end."""
        self.add(hours, ENDED, error="", message="")


def store_run(run: RecordedRun, place: RecordPlace) -> None:
    """Write the entries into a record, at the times that they have."""
    for entry in run.entries:
        with clock.replaced(At(entry.at)):
            writer = Writer(who=entry.who, execution=entry.execution)
            Chain(place, run.run, writer).append(entry.kind, entry.body)


class At(clock.RealClock):
    """A clock that stands still."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def now(self) -> float:
        """Return the time at which it stands."""
        return self.seconds


def time_at(hours: float) -> str:
    """Return AWS's time at so many hours after noon."""
    return format_time(NOON + hours * HOUR)[:19] + "Z"
