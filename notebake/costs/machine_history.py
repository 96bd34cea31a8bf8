"""The machines of a run as its entries show them: what they are, and when each of them was up.

EC2's own times count: when it launched or started a machine, and when it says that the machine
stopped or ended. Where it said nothing, the answer to our call counts, and else when it was seen. A
machine that nobody saw end was up until the end of its lease at most.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from notebake.costs.recorded_clock import RecordedClock, parse_time
from notebake.ledger.entry import Entry
from notebake.ledger.kinds import ANSWERED, REMOVED, SENT, SETTLED, STATE

EXPIRES = "notebake:expires"
"""The tag that has the end of a lease."""
TAGGING = {"RunInstances", "CreateTags"}
"""What gives a machine its lease; a removed tag is none."""
SLACK_SECONDS = 900.0
"""A machine has ended so soon after its lease, also if it is slow to see that, and to shut down."""
Disk = dict[str, Any]
"""An entry of a block device mapping."""


@dataclass
class Span:
    """A time during which a machine was up."""

    start: float
    end: float | None = None
    is_start_exact: bool = False
    is_end_exact: bool = False


@dataclass
class Machine:
    """A machine of a run."""

    id: str
    instance_type: str = ""
    region: str = ""
    name: str = ""
    """What its attempt creates, such as builder-1; "" if that is not recorded."""
    image_id: str = ""
    disks: list[Disk] | None = None
    """The disks that its launch makes; None if the launch is not recorded."""
    has_public_address: bool | None = None
    spans: list[Span] = field(default_factory=list)
    ended: float | None = None
    """When it was terminated; None if it may exist."""
    is_at_most: bool = False
    """Whether EC2 never said when it ended, so that it may have been earlier."""
    launch_lease: float | None = None
    """When the lease ends that it was launched with; None if that is not recorded."""
    lease: float = 0.0
    """When the latest of its leases ends."""
    seen: float = 0.0
    """When EC2 said last that it was up."""

    def start(self, at: float, *, is_exact: bool) -> None:
        """Begin a span, or correct the start of the one that runs."""
        last = self.spans[-1] if self.spans else None
        if len(self.spans) > 1 and at < (self.spans[-2].end or 0.0):
            return  # what EC2 said before it knew of the last start
        if last and is_exact and not last.is_start_exact:
            # Our own call began it; EC2 says more exactly when.
            last.start, last.is_start_exact = at, True
        elif last and (last.start == at or (last.end is None and not is_exact)):
            return
        else:
            if last and last.end is None:
                last.end = at
            self.spans.append(Span(at, is_start_exact=is_exact))

    def stop(self, at: float, *, is_exact: bool = False) -> None:
        """End the span that runs, or correct its end."""
        last = self.spans[-1] if self.spans else None
        if last and (last.end is None or (is_exact and not last.is_end_exact)):
            last.end, last.is_end_exact = max(at, last.start), is_exact

    def terminate(self, at: float, *, is_exact: bool = False) -> None:
        """End the machine, or correct when it ended."""
        if self.ended is not None and not is_exact:
            return
        last = self.spans[-1] if self.spans else None
        at = max(at, last.start) if last else at
        if last and last.end in {None, self.ended}:
            last.end, last.is_end_exact = at, is_exact
        self.ended, self.is_at_most = at, False

    def vanish(self, at: float) -> None:
        """End a machine that EC2 does not show any more, at its lease's end at the latest."""
        if self.ended is None:
            self.terminate(min(at, self.last_moment or at))
            self.is_at_most = True

    @property
    def last_moment(self) -> float | None:
        """When its lease has ended it, if it is up; None if it is not, or has none on record."""
        last = self.spans[-1] if self.spans else None
        if self.launch_lease is None or last is None or last.end is not None:
            return None
        # Each start arms the switch anew; the tag follows with the next renewal.
        armed = last.start + self.launch_lease - self.spans[0].start
        return max(self.launch_lease, self.lease, armed, self.seen) + SLACK_SECONDS


class MachineHistory:
    """The machines and images of a run, from its entries in their order."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.machines: dict[str, Machine] = {}
        self.image_disks: dict[str, list[Disk]] = {}
        """What each image that exists has copies of."""
        self._clock = RecordedClock(entries)
        self._sent: dict[str, dict[str, Any]] = {}
        self._launches: dict[str, dict[str, Any]] = {}
        """The launch of each attempt, by its key."""
        self._leases: dict[str, float] = {}
        """The end of the lease that each call tags."""
        for entry in entries:
            self._add(entry)

    def end_expired(self, until: float) -> None:
        """End the machines whose leases have ended before some time, and that nobody saw end."""
        for machine in self.machines.values():
            if machine.last_moment is not None and machine.last_moment < until:
                machine.vanish(until)

    def _add(self, entry: Entry) -> None:
        body = entry.body
        if entry.kind == SENT:
            self._sent[body["call"]] = body
            self._add_lease(entry)
            if body["operation"] == "RunInstances" and body.get("attempt"):
                self._launches[body["attempt"]["key"]] = body
        elif entry.kind == ANSWERED and not body["error"] and body["call"] in self._sent:
            self._add_answered(entry, self._sent[body["call"]])
        elif entry.kind == SETTLED and body["key"] in self._launches:
            for instance_id in body["made"]:
                self._launched(instance_id, self._launches[body["key"]])
        elif entry.kind == STATE:
            self._add_state(entry)
        elif entry.kind == REMOVED:
            for machine in self.machines.values():
                if machine.name == body["name"]:
                    machine.vanish(self._clock.time_of(entry))

    def _add_lease(self, entry: Entry) -> None:
        """Note the lease that a call tags; our clock has set it.

        The switch of a machine is renewed before its tag: so the tag need not have come about.
        """
        operation, parameters = entry.body["operation"], entry.body["parameters"]
        if operation not in TAGGING:
            return
        specified = parameters.get("TagSpecifications") or [parameters]
        marks = [mark for each in specified for mark in each.get("Tags") or ()]
        found = [parse_time(mark["Value"]) for mark in marks if mark["Key"] == EXPIRES]
        if not found or found[0] is None:
            return
        ends = self._clock.corrected(found[0], entry.execution)
        self._leases[entry.body["call"]] = ends
        if operation == "CreateTags":
            for resource_id in parameters.get("Resources", ()):
                if resource_id in self.machines:
                    machine = self.machines[resource_id]
                    machine.lease = max(machine.lease, ends)

    def _add_answered(self, entry: Entry, sent: dict[str, Any]) -> None:
        at, operation, parameters = (
            self._clock.time_of(entry),
            sent["operation"],
            sent["parameters"],
        )
        named = [self._machine(id) for id in parameters.get("InstanceIds", ())]
        if operation == "RunInstances":
            for instance_id in entry.body["created"]:
                machine = self._launched(instance_id, sent)
                # A repeated launch is answered with the machine of the first one.
                if not machine.spans:
                    machine.start(at, is_exact=False)
        elif operation == "StartInstances":
            for machine in named:
                if machine.spans and machine.spans[-1].end is not None:
                    machine.start(at, is_exact=False)
        elif operation == "StopInstances":
            for machine in named:
                machine.stop(at)
        elif operation == "TerminateInstances":
            for machine in named:
                machine.terminate(at)
        elif operation == "CreateImage":
            for image_id in entry.body["created"]:
                self.image_disks[image_id] = self._copied(parameters)
        elif operation == "DeregisterImage":
            self.image_disks.pop(parameters.get("ImageId", ""), None)

    def _add_state(self, entry: Entry) -> None:
        body = entry.body
        machine = self._machine(body["instance"])
        machine.instance_type, machine.region = body["type"], body["region"]
        machine.has_public_address = body["has_public_address"] or machine.has_public_address
        launched, changed = parse_time(body["launched"]), parse_time(body["changed"])
        seen = self._clock.time_of(entry)
        if body["state"] not in {"stopped", "terminated"}:
            machine.seen = seen
        if launched is not None and not (machine.ended and body["state"] == "running"):
            machine.start(launched, is_exact=True)
        is_exact = changed is not None
        if body["state"] == "stopped":
            machine.stop(seen if changed is None else changed, is_exact=is_exact)
        elif body["state"] == "terminated":
            machine.terminate(seen if changed is None else changed, is_exact=is_exact)

    def _machine(self, instance_id: str) -> Machine:
        return self.machines.setdefault(instance_id, Machine(instance_id))

    def _launched(self, instance_id: str, sent: dict[str, Any]) -> Machine:
        """Return a machine with all that its launch says of it."""
        machine, parameters = self._machine(instance_id), sent["parameters"]
        machine.instance_type = parameters.get("InstanceType", machine.instance_type)
        machine.region, machine.image_id = sent["region"], parameters.get("ImageId", "")
        machine.name = sent.get("attempt", {}).get("name", "")
        if machine.launch_lease is None:
            machine.launch_lease = self._leases.get(sent["call"])
        of_image = self.image_disks.get(machine.image_id)
        machine.disks = parameters.get("BlockDeviceMappings") or of_image
        interfaces = parameters.get("NetworkInterfaces", [{}])
        machine.has_public_address = interfaces[0].get("AssociatePublicIpAddress")
        return machine

    def _copied(self, parameters: dict[str, Any]) -> list[Disk]:
        """Return the disks of a machine with the changes that an image of it has."""
        machine = self._machine(parameters["InstanceId"])
        disks = {disk["DeviceName"]: disk for disk in machine.disks or []}
        for change in parameters.get("BlockDeviceMappings", []):
            if "NoDevice" in change:
                disks.pop(change["DeviceName"], None)
            else:
                disks.setdefault(change["DeviceName"], change)
        return list(disks.values())
