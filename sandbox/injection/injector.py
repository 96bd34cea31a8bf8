"""Where calls meet faults: before the cloud sees them, and when it has answered."""

from collections.abc import Callable

from sandbox.ec2.state.cloud import Cloud
from sandbox.ec2.state.region import Region
from sandbox.faults.fault import NOW, WITHOUT_CALL, Fault
from sandbox.faults.registry import Facts
from sandbox.injection.effects import afflict
from sandbox.injection.matching import all_ids, call_facts, named_ids, thing_facts
from sandbox.messages.call import Call
from sandbox.messages.error_reply import refuse, write_page
from sandbox.messages.reply import ConnectionLostError, Reply

# The cloud itself knows when these fire: see sandbox/ec2/instances/capacity.py.
BY_THE_CLOUD = {"InsufficientInstanceCapacity", "VcpuLimitExceeded"}
ON_THINGS = WITHOUT_CALL - {"limit"} | {"linger", "slow", "fail", "attach_hangs", "never_boots"}
BEFORE_THE_ANSWER = {"hide", "console_cut"}


class FaultGate:
    """Lets the faults of one cloud have their way with its calls."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._book = cloud.faults

    def put(self, *faults: Fault) -> None:
        """Take faults up; those without a call happen now, to everything that fits."""
        self._book.add(*faults)
        with self._cloud.lock:
            for fault in faults:
                if fault.action == NOW and fault.effect != "limit":
                    self._happen_now(fault)

    def answer(self, call: Call, ask: Callable[[], Reply]) -> Reply:
        """Answer a call, by asking the cloud unless a fault keeps it away. Raises when lost."""
        with self._cloud.lock:
            facts = call_facts(call, self._region(call))
        if reply := self._stop(call, facts):
            return reply
        reply = self._ask(call, facts, ask) if call.service == "ec2" else ask()
        if reply.status < 400 and (fault := self._book.fire_first({"lose_after"}, facts)):
            return _lose(fault, f"{call.action} took effect; its answer is lost")
        return reply

    def _stop(self, call: Call, facts: Facts) -> Reply | None:
        for fault in self._book.fitting({"refuse", "lose_before"}, facts):
            if fault.code in BY_THE_CLOUD and call.service == "ec2":
                continue
            if not self._book.count(fault):
                continue
            if fault.effect == "lose_before":
                return _lose(fault, f"{call.action} never arrived")
            return refuse(call, fault.code or "", fault.status, fault.message)
        return None

    def _ask(self, call: Call, facts: Facts, ask: Callable[[], Reply]) -> Reply:
        """Ask EC2 while nothing else changes, and see what it has made."""
        with self._cloud.lock:
            region = self._cloud.region(call.region)
            named = named_ids(call)
            known = set(all_ids(region))
            if not _makes_something(call):
                self._afflict(call, BEFORE_THE_ANSWER, facts, named)
            reply = ask()
            if reply.status >= 400:
                return reply
            made = [one for one in all_ids(region) if one not in known]
            whole = thing_facts(facts, region, made)
            self._afflict(call, ON_THINGS - {"hide"}, whole, made or named)
            if made:
                self._afflict(call, {"hide"}, whole, made)
            return reply

    def _afflict(self, call: Call, effects: set[str], facts: Facts, ids: list[str]) -> None:
        if not ids:
            return
        region = self._cloud.region(call.region)
        for fault in self._book.fire(effects, facts):
            afflict(fault, region, call.action, ids)

    def _happen_now(self, fault: Fault) -> None:
        for region in self._cloud.regions():
            for one in list(all_ids(region)):
                facts = thing_facts(Facts("ec2", (NOW,)), region, [one])
                if facts.fit(fault) and (fault.effect == "hide" or one in region.instances):
                    afflict(fault, region, NOW, [one])
                    self._book.note(fault)

    def _region(self, call: Call) -> Region | None:
        return self._cloud.region(call.region) if call.service == "ec2" else None


def _lose(fault: Fault, what: str) -> Reply:
    """Return a gateway's page in place of the cloud's answer. Raises where nobody answers."""
    if fault.status is None:
        raise ConnectionLostError(what)
    return write_page(fault.status)


def _makes_something(call: Call) -> bool:
    return call.action.startswith(("Create", "Run", "Import")) and call.action != "CreateTags"
