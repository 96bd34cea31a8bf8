"""Security groups: moto keeps them; this enforces them and raises EC2's errors."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.ec2.errors import ec2_error, invalid_value, missing
from sandbox.ec2.model import Params
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.tags import read_tag_specifications
from sandbox.hosts.machines import Rule


def apply_rules(region: Region) -> None:
    """Admit to each host of the region only what its groups allow. Hold the cloud's lock."""
    with region.rules_lock:
        _set_rules(region, _changed_rules(region))


def apply_rules_unlocked(region: Region) -> None:
    """Do the same without holding the cloud's lock while the firewall works."""
    with region.core.lock:
        changed = _changed_rules(region)
        region.rules_lock.acquire()  # before another thread finds newer rules
    try:
        _set_rules(region, changed)
    finally:
        region.rules_lock.release()


def rules_of(region: Region, group_ids: list[str]) -> list[Rule]:
    """Return the inbound rules of these groups; a source group stands for its instances."""
    rules: dict[Rule, None] = {}
    for group_id in group_ids:
        group = region.network.get_security_group_from_id(group_id)
        for rule in group.ingress_rules if group else []:
            for cidr in _addresses_of_sources(region, rule):
                rules[_rule(rule, cidr)] = None
    return list(rules)


def check_new_group(region: Region, parameters: Params) -> None:
    """Raise EC2's errors for a new group, except that for a taken name, which moto raises."""
    read_tag_specifications(parameters, ["security-group"])
    vpc_id = parameters.get("VpcId")
    if vpc_id and vpc_id not in region.network.vpcs:
        raise ec2_error("InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist")
    if str(parameters["GroupName"]).startswith("sg-"):
        raise invalid_value(parameters["GroupName"], "groupName", "It may not start with sg-.")


def check_unused(region: Region, parameters: Params) -> None:
    """Raise EC2's error if the group to delete is used by an interface or another group."""
    group = _named_group(region, parameters)
    if group.name == "default":
        message = f'the specified group: "{group.id}" name: "default" cannot be deleted by a user'
        raise ec2_error("CannotDelete", message)
    interfaces = region.network.enis.values()
    is_used = any(group.id == used.id for interface in interfaces for used in interface.group_set)
    if is_used or _is_referenced(region, group.id):
        message = f"resource {group.id} has a dependent object"
        raise ec2_error("DependencyViolation", message)


def check_new_rules(region: Region, parameters: Params) -> None:
    """Raise EC2's error for rules that exist already or are repeated: all are added, or none."""
    group = _named_group(region, parameters)
    present = {
        (rule.ip_protocol, rule.from_port, rule.to_port, source)
        for rule in group.ingress_rules
        for source in _rule_sources(rule)
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
        for source in _permission_sources(permission):
            if (protocol, *ports, source) in present:
                message = f'the specified rule "peer: {source}, {protocol.upper()}" already exists'
                raise ec2_error("InvalidPermission.Duplicate", message)
            present.add((protocol, *ports, source))


def permissions_of(parameters: Params) -> list[Mapping[str, Any]]:
    """Return the rules of a request, from both forms that EC2 takes."""
    if parameters.get("IpPermissions"):
        return list(parameters["IpPermissions"])
    if "CidrIp" in parameters:
        return [{**parameters, "IpRanges": [{"CidrIp": parameters["CidrIp"]}]}]
    return [] if parameters.get("SecurityGroupRuleIds") else [parameters]


def _changed_rules(region: Region) -> dict[str, list[Rule]]:
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
    default_vpc_id = region.network.default_vpc.id
    return region.find_group_by_name(parameters.get("GroupName", ""), default_vpc_id)


def _is_referenced(region: Region, group_id: str) -> bool:
    return any(
        other.id != group_id and group_id in _rule_sources(rule)
        for groups in region.network.groups.values()
        for other in groups.values()
        for rule in other.ingress_rules
    )


def _addresses_of_sources(region: Region, rule: Any) -> Iterator[str]:
    for source in _rule_sources(rule):
        if not source.startswith("sg-"):
            if ipaddress.ip_network(source).version == 4:
                yield source
            continue
        for instance in region.instances.values():
            if source in instance.group_ids and instance.is_live:
                yield f"{instance.private_address}/32"


def _rule_sources(rule: Any) -> list[str]:
    if rule.ip_range:
        return [rule.ip_range.get("CidrIp") or rule.ip_range.get("CidrIpv6")]
    return [rule.source_group["GroupId"]] if rule.source_group else []


def _permission_sources(permission: Params) -> Iterator[str]:
    yield from (block["CidrIp"] for block in permission.get("IpRanges", []))
    yield from (block["CidrIpv6"] for block in permission.get("Ipv6Ranges", []))
    for group in permission.get("UserIdGroupPairs", []):
        yield group.get("GroupId") or group.get("GroupName", "")


def _rule(rule: Any, cidr: str) -> Rule:
    if rule.ip_protocol == "-1" or rule.from_port is None:
        return Rule(rule.ip_protocol, None, None, cidr)
    return Rule(rule.ip_protocol, int(rule.from_port), int(rule.to_port), cidr)
