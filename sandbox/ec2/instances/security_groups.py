"""Security groups: moto keeps them; this enforces them, and refuses what EC2 refuses."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.ec2.errors import invalid_value, missing, refusal
from sandbox.ec2.model import Params
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.tags import read_tag_specifications
from sandbox.hosts.machines import Rule


def apply_rules(region: Region) -> None:
    """Let into each host of the region what its groups say, and nothing else. Hold the lock."""
    with region.rules_lock:
        _set_rules(region, _changed(region))


def apply_rules_aside(region: Region) -> None:
    """Do the same without the cloud's lock while the firewall works. Do not hold it."""
    with region.core.lock:
        changed = _changed(region)
        region.rules_lock.acquire()  # before anybody can find newer rules
    try:
        _set_rules(region, changed)
    finally:
        region.rules_lock.release()


def rules_of(region: Region, group_ids: list[str]) -> list[Rule]:
    """Return what these groups let in; a rule that names a group lets in its instances."""
    rules: dict[Rule, None] = {}
    for group_id in group_ids:
        group = region.network.get_security_group_from_id(group_id)
        for rule in group.ingress_rules if group else []:
            for cidr in _sources(region, rule):
                rules[_rule(rule, cidr)] = None
    return list(rules)


def check_new_group(region: Region, parameters: Params) -> None:
    """Refuse what EC2 refuses of a new group; moto refuses a name that is taken."""
    read_tag_specifications(parameters, ["security-group"])
    vpc_id = parameters.get("VpcId")
    if vpc_id and vpc_id not in region.network.vpcs:
        raise refusal("InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist")
    if str(parameters["GroupName"]).startswith("sg-"):
        raise invalid_value(parameters["GroupName"], "groupName", "It may not start with sg-.")


def check_unused(region: Region, parameters: Params) -> None:
    """Refuse to delete a group that an interface or another group still uses."""
    group = _named_group(region, parameters)
    if group.name == "default":
        message = f'the specified group: "{group.id}" name: "default" cannot be deleted by a user'
        raise refusal("CannotDelete", message)
    interfaces = region.network.enis.values()
    used = any(group.id == one.id for interface in interfaces for one in interface.group_set)
    if used or _is_referenced(region, group.id):
        message = f"resource {group.id} has a dependent object"
        raise refusal("DependencyViolation", message)


def check_new_rules(region: Region, parameters: Params) -> None:
    """Refuse rules that are there already, or twice in the request: all are added or none."""
    group = _named_group(region, parameters)
    present = {
        (r.ip_protocol, r.from_port, r.to_port, s) for r in group.ingress_rules for s in _named(r)
    }
    for permission in permissions_of(parameters):
        protocol = str(permission.get("IpProtocol", ""))
        if not protocol:
            raise missing("IpProtocol")
        ports = (permission.get("FromPort"), permission.get("ToPort"))
        if protocol in ("tcp", "udp") and None in ports:
            raise invalid_value(
                "null", "portRange", "Must specify both from and to ports with TCP/UDP."
            )
        for source in _sources_asked(permission):
            if (protocol, *ports, source) in present:
                message = f'the specified rule "peer: {source}, {protocol.upper()}" already exists'
                raise refusal("InvalidPermission.Duplicate", message)
            present.add((protocol, *ports, source))


def permissions_of(parameters: Params) -> list[Mapping[str, Any]]:
    """Return the rules of a request, of both forms that EC2 takes."""
    if parameters.get("IpPermissions"):
        return list(parameters["IpPermissions"])
    if "CidrIp" in parameters:
        return [{**parameters, "IpRanges": [{"CidrIp": parameters["CidrIp"]}]}]
    return [] if parameters.get("SecurityGroupRuleIds") else [parameters]


def _changed(region: Region) -> dict[str, list[Rule]]:
    changed = {}
    for instance in region.instances.values():
        if instance.state in ("terminated", "shutting-down"):
            continue
        rules = rules_of(region, instance.group_ids)
        if rules != instance.rules:
            changed[instance.id] = instance.rules = rules
    return changed


def _set_rules(region: Region, changed: Mapping[str, list[Rule]]) -> None:
    for instance_id, rules in changed.items():
        region.core.machines.set_rules(instance_id, rules)


def _named_group(region: Region, parameters: Params) -> Any:
    if group_id := parameters.get("GroupId"):
        return region.find_group(group_id)
    name = parameters.get("GroupName", "")
    found = region.network.get_security_group_from_name(name, region.network.default_vpc.id)
    if not found or not region.sight.shows(found.id):
        message = f"The security group '{name}' does not exist in default VPC"
        raise refusal("InvalidGroup.NotFound", message)
    return found


def _is_referenced(region: Region, group_id: str) -> bool:
    for groups in region.network.groups.values():
        for other in groups.values():
            named = [source for rule in other.ingress_rules for source in _named(rule)]
            if other.id != group_id and group_id in named:
                return True
    return False


def _sources(region: Region, rule: Any) -> Iterator[str]:
    for source in _named(rule):
        if not source.startswith("sg-"):
            if ipaddress.ip_network(source).version == 4:
                yield source
            continue
        for instance in region.instances.values():
            if source in instance.group_ids and instance.is_live:
                yield f"{instance.private_address}/32"


def _named(rule: Any) -> list[str]:
    if rule.ip_range:
        return [rule.ip_range.get("CidrIp") or rule.ip_range.get("CidrIpv6")]
    return [rule.source_group["GroupId"]] if rule.source_group else []


def _sources_asked(permission: Params) -> Iterator[str]:
    for one in permission.get("IpRanges", []):
        yield one["CidrIp"]
    for one in permission.get("Ipv6Ranges", []):
        yield one["CidrIpv6"]
    for one in permission.get("UserIdGroupPairs", []):
        yield one.get("GroupId") or one.get("GroupName", "")


def _rule(rule: Any, cidr: str) -> Rule:
    if rule.ip_protocol == "-1" or rule.from_port is None:
        return Rule(rule.ip_protocol, None, None, cidr)
    return Rule(rule.ip_protocol, int(rule.from_port), int(rule.to_port), cidr)
