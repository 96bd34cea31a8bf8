"""Applies faults to calls: before the cloud sees a call, and after it has answered."""

from collections.abc import Callable

from sandbox.ec2.state.cloud import Cloud
from sandbox.ec2.state.region import Region
from sandbox.faults.fault import NOW, WITHOUT_CALL, Fault
from sandbox.faults.registry import Facts
from sandbox.injection.effects import apply_effect
from sandbox.injection.matching import all_ids, call_facts, named_ids, resource_facts
from sandbox.messages.call import Call
from sandbox.messages.error_reply import refuse, write_gateway_page
from sandbox.messages.reply import ConnectionLostError, Reply

# The cloud itself knows when these fire: see sandbox/ec2/instances/capacity.py.
FIRED_BY_THE_CLOUD = {"InsufficientInstanceCapacity", "VcpuLimitExceeded"}
ON_RESOURCES = WITHOUT_CALL - {"limit"} | {"linger", "slow", "fail", "attach_hangs", "never_boots"}
BEFORE_THE_REPLY = {"hide", "console_cut"}


class FaultInjector:
    """Applies the faults of a cloud to its calls."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._registry = cloud.faults

    def add(self, *faults: Fault) -> None:
        """Add faults. A fault with the action `now` is applied at once to all that it matches."""
        self._registry.add(*faults)
        with self._cloud.lock:
            for fault in faults:
                if fault.action == NOW and fault.effect != "limit":
                    self._apply_now(fault)

    def answer(self, call: Call, forward: Callable[[], Reply]) -> Reply:
        """Return the reply to a call, forwarded to the cloud unless a fault stops it.

        Raises ConnectionLostError where a fault loses the call or its reply.
        """
        with self._cloud.lock:
            is_ec2 = call.service == "ec2"
            region = self._cloud.region(call.region, call.account_id) if is_ec2 else None
            facts = call_facts(call, region)
        if reply := self._stop(call, facts):
            return reply
        reply = self._forward_to(region, call, facts, forward) if region else forward()
        if reply.status < 400 and (fault := self._registry.fire_first({"lose_after"}, facts)):
            return _lose(fault, f"{call.action} took effect; its reply is lost")
        return reply

    def _stop(self, call: Call, facts: Facts) -> Reply | None:
        for fault in self._registry.matching({"refuse", "lose_before"}, facts):
            if fault.code in FIRED_BY_THE_CLOUD and call.service == "ec2":
                continue
            if not self._registry.count(fault):
                continue
            if fault.effect == "lose_before":
                return _lose(fault, f"{call.action} never arrived")
            return refuse(call, fault.code or "", fault.status, fault.message)
        return None

    def _forward_to(
        self, region: Region, call: Call, facts: Facts, forward: Callable[[], Reply]
    ) -> Reply:
        """Forward a call to EC2 while nothing else changes, and find what it has created."""
        with self._cloud.lock:
            named = named_ids(call)
            known = set(all_ids(region))
            if not _creates_resources(call):
                self._apply(region, call, BEFORE_THE_REPLY, facts, named)
            reply = forward()
            if reply.status >= 400:
                return reply
            created = [found for found in all_ids(region) if found not in known]
            facts = resource_facts(facts, region, created)
            self._apply(region, call, ON_RESOURCES - {"hide"}, facts, created or named)
            self._apply(region, call, {"hide"}, facts, created)
            return reply

    def _apply(
        self, region: Region, call: Call, effects: set[str], facts: Facts, ids: list[str]
    ) -> None:
        for fault in self._registry.fire(effects, facts) if ids else []:
            apply_effect(fault, region, call.action, ids)

    def _apply_now(self, fault: Fault) -> None:
        for region in self._cloud.regions():
            for resource_id in list(all_ids(region)):
                facts = resource_facts(Facts("ec2", (NOW,)), region, [resource_id])
                applies = fault.effect == "hide" or resource_id in region.instances
                if applies and facts.match(fault):
                    apply_effect(fault, region, NOW, [resource_id])
                    self._registry.count_fired(fault)


def _lose(fault: Fault, event: str) -> Reply:
    """Return a gateway's page in place of the reply. Raises where the connection is lost."""
    if fault.status is None:
        raise ConnectionLostError(event)
    return write_gateway_page(fault.status)


def _creates_resources(call: Call) -> bool:
    creating = ("Copy", "Create", "Run", "Import")
    return call.action.startswith(creating) and call.action != "CreateTags"
