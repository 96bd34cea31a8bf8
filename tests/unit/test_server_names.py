"""Names of servers and of their owners."""

import pytest

from notebake.aws.account import Caller
from notebake.errors import NotebakeError
from notebake.servers.names import (
    check_name,
    default_name,
    default_type,
    group_name,
    launch_token,
    owner_of,
)

ACCOUNT = "123456789012"


@pytest.mark.parametrize("name", ["a", "ocean", "ocean-2", "9" * 32])
def test_a_name_is_kept(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "-ocean", "ocean-", "Ocean", "a_b", "o" * 33, "ö"])
def test_what_is_no_name_is_refused_with_the_rule(name: str) -> None:
    with pytest.raises(NotebakeError, match="cannot be the name") as caught:
        check_name(name)
    assert "1 to 32" in caught.value.hint


def test_a_wrong_name_is_mended_in_the_hint() -> None:
    with pytest.raises(NotebakeError) as caught:
        check_name("Ada's Server")
    assert caught.value.hint.endswith("Such as: ada-s-server")


@pytest.mark.parametrize(
    ("arn", "owner"),
    [
        (f"arn:aws:iam::{ACCOUNT}:user/research/ada", "ada"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_x/ada@uni.edu", "ada@uni.edu"),
        (f"arn:aws:iam::{ACCOUNT}:root", "root"),
    ],
)
def test_the_owner_is_the_person_of_the_credentials(arn: str, owner: str) -> None:
    assert owner_of(Caller(account=ACCOUNT, arn=arn)) == owner


@pytest.mark.parametrize(
    "prefix",
    [
        "botocore-session-",
        "aws-go-sdk-",
        "aws-sdk-js-",
        "aws-sdk-java-",
        "aws-sdk-php-",
        "aws-dotnet-sdk-session-",
        "",
    ],
)
def test_the_owner_stays_where_each_command_has_another_generated_session(prefix: str) -> None:
    role = f"arn:aws:sts::{ACCOUNT}:assumed-role/researcher"
    arns = [f"{role}/{prefix}17{number:017}" for number in range(3)]

    owners = {owner_of(Caller(account=ACCOUNT, arn=arn)) for arn in arns}

    assert owners == {"researcher"}


@pytest.mark.parametrize("person", ["1234567", "botocore-session-ada", "ada-1700000000"])
def test_a_session_that_somebody_named_is_the_owner(person: str) -> None:
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/researcher/{person}"
    assert owner_of(Caller(account=ACCOUNT, arn=arn)) == person


def test_groups_and_tokens_differ_by_owner_and_name() -> None:
    groups = {group_name(*names) for names in (("ada", "x"), ("bob", "x"), ("ada", "y"))}
    assert len(groups) == 3
    tokens = {launch_token("ada", "x", "ami-1", "zone", epoch) for epoch in range(3)}
    assert {len(token) for token in tokens} == {64}
    assert len(tokens) == 3


def test_what_is_not_given_follows_from_the_image() -> None:
    assert default_name("Ocean_Data 2026") == "ocean-data-2026"
    assert default_name("***") == "server"
    assert (default_type("arm64"), default_type("x86_64")) == ("t4g.large", "t3.large")
