"""Each call of AWS has its permission declared beside it, and nothing else is declared."""

import ast
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

from notebake.aws.permissions import declared

ROOT = Path(__file__).parents[2]
AWS = ROOT / "notebake/aws"
SERVICES = ("ec2", "iam", "kms", "pricing", "s3", "scheduler", "service-quotas", "ssm")
ALLOWED_BY = {
    "download_file": "get_object",
    "head_object": "get_object",
    "list_object_versions": "list_bucket_versions",
    "list_objects_v2": "list_bucket",
}
"""Calls of S3 whose action has another name (S3 user guide, "Required permissions")."""
OF_OTHER_CALLS = {
    *("create_grant", "decrypt", "generate_data_key_without_plaintext", "pass_role"),
    *("re_encrypt_from", "re_encrypt_to"),
}
"""What AWS itself asks for when something else is called: `tests/policy` shows that it does."""
DISPENSABLE = {"ec2:CreateSnapshot"}
"""Without these a build is slower, and no worse."""
OF_ONE_MODULE = {
    "image_uses.py": {
        *("describe_instances", "describe_launch_templates", "describe_launch_template_versions"),
        *("describe_parameters", "get_parameters", "get_container_recipe"),
        *("list_container_recipes", "list_image_recipes", "describe_image_attribute"),
    },
    "server_calls.py": {
        *("describe_instances", "describe_security_groups", "describe_subnets", "describe_volumes"),
        *("create_security_group", "delete_security_group", "get_console_output"),
        *("run_instances",),
        *("start_instances", "stop_instances", "terminate_instances"),
    },
    "server_schedules.py": {"delete_schedule"},
    "server_volume_calls.py": {"describe_volumes", "attach_volume"},
    "ssh_rules.py": {"authorize_security_group_ingress", "revoke_security_group_ingress"},
}
"""The same, where other modules make these calls themselves."""


def operations() -> set[str]:
    """Return every call of the services by its name in a client."""
    core = botocore.session.get_session()
    models = [core.get_service_model(service) for service in SERVICES]
    found = {xform_name(name) for model in models for name in model.operation_names}
    # `sign` and `verify` are KMS's, and everybody's.
    return {name for name in found if "_" in name} | {"download_file"}


OPERATIONS = operations()
READING = ("describe_", "get_")


def called_in(tree: ast.Module) -> set[str]:
    """Return the calls of AWS that a module makes: of a client, or by name."""
    modules = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom | ast.Import)
        for alias in node.names
    }
    words = {
        node.attr if isinstance(node, ast.Attribute) else str(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        or (isinstance(node, ast.Attribute) and getattr(node.value, "id", "") not in modules)
    }
    return {ALLOWED_BY.get(word, word) for word in words & OPERATIONS}


def declared_in(tree: ast.Module) -> Iterator[str]:
    """Give the actions that a module declares."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "needs":
            action: str = ast.literal_eval(node.args[0])
            yield action


def as_operation(action: str) -> str:
    operation: str = xform_name(action.partition(":")[2])
    return operation


TREES = {path.name: ast.parse(path.read_text(encoding="utf-8")) for path in AWS.glob("*.py")}


def test_only_the_aws_folder_makes_clients() -> None:
    paths = [
        path for name in ("flows", "notebake", "tasks") for path in (ROOT / name).rglob("*.py")
    ]
    having = {path.parent for path in paths if "connect" in imported_from_clients(path)}

    assert having == {AWS}


def imported_from_clients(path: Path) -> set[str]:
    return {
        alias.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "notebake.aws.clients"
        for alias in node.names
    }


@pytest.mark.parametrize(
    "source",
    [
        "connect('ec2', region).stop_instances(InstanceIds=[one])",
        "until_known(ec2.stop_instances)",
        "ec2.get_paginator('stop_instances')",
        "getattr(ec2, 'stop_instances')()",
    ],
)
def test_every_form_of_an_aws_call_is_detected(source: str) -> None:
    assert called_in(ast.parse(source)) == {"stop_instances"}


def test_a_function_of_ours_is_not_an_aws_call() -> None:
    source = "from notebake.aws import instances\ninstances.stop_instances(one)"

    assert called_in(ast.parse(source)) == set()


def test_each_call_has_its_permission_beside_it() -> None:
    called = {name: called_in(tree) for name, tree in TREES.items()}
    declared_actions = {
        name: {as_operation(action) for action in declared_in(tree)} for name, tree in TREES.items()
    }

    assert sum(len(calls) for calls in called.values()) > 60
    assert {
        name: calls - declared_actions[name]
        for name, calls in called.items()
        if calls - declared_actions[name]
    } == {}
    unused = {
        name: declared_actions[name]
        - called[name]
        - OF_OTHER_CALLS
        - OF_ONE_MODULE.get(name, set())
        for name in TREES
    }
    assert {name: actions for name, actions in unused.items() if actions} == {}


def test_every_declaration_is_found() -> None:
    declared_actions = {action for tree in TREES.values() for action in declared_in(tree)}

    assert declared_actions == {permission.action for permission in declared()}


def test_no_change_in_ec2_is_left_to_other_checks() -> None:
    left = {
        permission.action
        for permission in declared()
        if permission.by_check and permission.action.startswith("ec2:")
    } - DISPENSABLE

    assert left
    assert {action for action in left if not as_operation(action).startswith(READING)} == set()
