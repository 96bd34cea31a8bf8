"""Checks the parameters of EC2's query protocol: Name.1.Member=value.

The wire name of a parameter is its `queryName`, or else its `locationName` with a capital, or else
its own name. A list has no name between its own and the number.
https://github.com/boto/botocore/blob/develop/botocore/serialize.py (EC2Serializer)
"""

from collections import defaultdict
from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any

from moto.core.utils import get_service_model

from sandbox.ec2.errors import ec2_error, invalid_value, missing
from sandbox.validation.values import fault_of, fault_of_length

# Parameters of the signature, which every query may have.
SIGNING = ("AWSAccessKeyId", "Expires", "SecurityToken", "Signature", "Timestamp", "X-Amz-")
# Enums for which EC2 has its own codes, or more values than the model: the actions check them.
CHECKED_BY_THE_ACTION = {
    "AccountAttributeName",
    "ImageAttributeName",
    "InstanceType",
    "ResourceType",
    "SnapshotAttributeName",
    "VolumeType",
}
# EC2 has its own code for names of a wrong length: InvalidAMIName.Malformed.
LENGTH_CHECKED_BY_THE_ACTION = {"ImageNameRequest"}
# "This value can be between 5 and 1000", says the documentation; the models do not.
PAGES_FROM_5_TO_1000 = {"DescribeInstanceStatus", "DescribeInstances", "DescribeTags"}


class Node:
    """A node in the tree of an action's parameters, expanded as far as requests need it."""

    def __init__(self, shape: Any) -> None:
        self.shape = shape
        self.kind = shape.type_name
        is_free = shape.name in CHECKED_BY_THE_ACTION
        self.choices = () if is_free else tuple(getattr(shape, "enum", None) or ())
        is_free = shape.name in LENGTH_CHECKED_BY_THE_ACTION
        self.limits: Mapping[str, Any] = {} if is_free else shape.metadata

    @cached_property
    def members(self) -> dict[str, "Node"]:
        """The members of a structure, by their wire names."""
        members = self.shape.members
        return {_wire_name(name, shape): Node(shape) for name, shape in members.items()}

    @cached_property
    def member(self) -> "Node":
        """The node of a list's members."""
        return Node(self.shape.member)

    @cached_property
    def required(self) -> frozenset[str]:
        """The wire names of the members that may not be missing."""
        members = self.shape.members
        return frozenset(_wire_name(name, members[name]) for name in self.shape.required_members)

    def step(self, word: str) -> "Node | None":
        """Return the node to which this part of a parameter's name leads."""
        if self.kind == "structure":
            return self.members.get(word)
        if self.kind == "list" and word.isdecimal():
            return self.member
        return None


def check_query(action: str, parameters: Mapping[str, str]) -> None:
    """Raise EC2's error for the first parameter that the model does not allow."""
    root = _root(action)
    given: defaultdict[str, set[str]] = defaultdict(set)
    holders: dict[str, Node] = {"": root} if root else {}
    for name, value in parameters.items():
        if not name.startswith(SIGNING):
            _check_value(name, value, _find(name, root, given, holders))
    for place, holder in holders.items():
        if holder.kind == "structure":
            if absent := holder.required - given[place]:
                raise missing(f"{place}.{min(absent)}".lstrip("."))
        elif fault := fault_of_length(len(given[place]), holder.limits):
            raise invalid_value(len(given[place]), place, fault)
    if root:
        _check_not_empty(root, parameters)


def _find(
    name: str, root: Node | None, given: dict[str, set[str]], holders: dict[str, Node]
) -> Node:
    """Return the node of a parameter's name, and record the nodes on the way to it."""
    node, place = root, ""
    for word in name.split("."):
        below = node.step(word) if node else None
        if not node or not below:
            raise ec2_error("UnknownParameter", f"The parameter {word} is not recognized")
        given[place].add(word)
        holders.setdefault(place, node)
        node, place = below, f"{place}.{word}" if place else word
    if not node:
        raise ec2_error("UnknownParameter", f"The parameter {name} is not recognized")
    return node


def _check_value(name: str, value: str, node: Node) -> None:
    if not value:
        return  # Packer sends an empty value for what it leaves out
    if node.kind in ("structure", "list"):
        raise ec2_error("UnknownParameter", f"The parameter {name} is not recognized")
    if node.choices and value not in node.choices:
        raise invalid_value(value, name, f"It must be one of {', '.join(node.choices)}.")
    if fault := fault_of(value, node.kind, node.limits):
        shown = name[0].lower() + name[1:]
        message = f"Value ( {value} ) for parameter {shown} is invalid. {fault}"
        raise ec2_error("InvalidParameterValue", message)


def _check_not_empty(root: Node, parameters: Mapping[str, str]) -> None:
    for name in root.required:
        if parameters.get(name) == "":
            raise missing(name)


@cache
def _root(action: str) -> Node | None:
    shape = get_service_model("ec2").operation_model(action).input_shape
    root = Node(shape) if shape else None
    if root and action in PAGES_FROM_5_TO_1000:
        root.members["MaxResults"].limits = {"min": 5, "max": 1000}
    return root


def _wire_name(name: str, shape: Any) -> str:
    described = shape.serialization
    if "queryName" in described:
        return str(described["queryName"])
    known = str(described.get("name", name))
    return known[0].upper() + known[1:]
