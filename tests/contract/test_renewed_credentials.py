"""Credentials that expire and are renewed during a process are used by all its clients."""

import json
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from notebake.aws import session as module
from notebake.aws.clients import calling, connect
from notebake.aws.session import session
from notebake.errors import CloudError
from tests.stub_endpoint import (
    NO_REGIONS,
    Answer,
    ReceivedRequest,
    StubEndpoint,
    error_answer,
    stub_endpoint,
)

OLD, NEW = "AKIDOLD", "AKIDNEW"
ASSUMED = (
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{key}</AccessKeyId>"
    "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
    "<Expiration>{end}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
)
WHO = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>{account}</Account>"
    "<Arn>arn:aws:iam::{account}:user/x</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>"
)
ROLE = "<GetRoleResponse><GetRoleResult><Role/></GetRoleResult></GetRoleResponse>"
CALLS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "ec2": ("RequestExpired", lambda client: client.describe_regions()),
    "s3": ("ExpiredToken", lambda client: client.list_objects_v2(Bucket="runs")),
    "sts": ("ExpiredToken", lambda client: client.get_caller_identity()),
    "iam": ("InvalidClientTokenId", lambda client: client.get_role(RoleName="x")),
    "ssm": ("ExpiredTokenException", lambda client: client.get_parameter(Name="x")),
    "kms": ("UnrecognizedClientException", lambda client: client.describe_key(KeyId="x")),
    "scheduler": ("ExpiredTokenException", lambda client: client.get_schedule(Name="x")),
    "pricing": ("ExpiredTokenException", lambda client: client.describe_services()),
    "service-quotas": (
        "ExpiredTokenException",
        lambda client: client.get_service_quota(ServiceCode="ec2", QuotaCode="L-1"),
    ),
}
JSON = {"ssm", "kms", "scheduler", "pricing", "servicequotas"}


class Cloud:
    """Takes the keys that it is told to."""

    def __init__(self) -> None:
        self.taken = {OLD}
        self.code = "RequestExpired"

    def __call__(self, request: ReceivedRequest) -> Answer:
        if request.key_id not in self.taken:
            return self.refuse(request)
        if "GetCallerIdentity" in request.body:
            return Answer(body=WHO.format(account="1" * 12))
        if request.service in JSON:
            return Answer(body='{"Quota":{"Value":5},"Parameter":{"Value":"v"}}')
        if request.service == "iam":
            return Answer(body=ROLE)
        return Answer(body=NO_REGIONS if request.service == "ec2" else "<Answer/>")

    def refuse(self, request: ReceivedRequest) -> Answer:
        if request.service in JSON:
            body = json.dumps({"__type": self.code, "message": "ended"})
            return Answer(400, body, {"x-amzn-ErrorType": self.code})
        if request.method == "HEAD":
            return Answer(400, "")
        if request.service == "ec2":
            return error_answer(self.code)
        error = f"<Error><Code>{self.code}</Code><Message>ended</Message></Error>"
        whole = error if request.service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>"
        return Answer(400, whole)


@pytest.fixture
def rules() -> Cloud:
    return Cloud()


@pytest.fixture
def cloud(rules: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[StubEndpoint]:
    """A cloud, and a file of credentials that it takes at first."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    with stub_endpoint(rules) as opened:
        monkeypatch.setenv("AWS_ENDPOINT_URL", opened.url)
        forget()
        write(OLD)
        yield opened
    forget()


def forget() -> None:
    connect.cache_clear()
    session.cache_clear()


def write(key_id: str) -> None:
    """Put credentials into the file, as a program for logging in does."""
    Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).write_text(
        f"[default]\naws_access_key_id={key_id}\naws_secret_access_key=s\naws_session_token=t\n"
    )


def ask(service: str = "ec2") -> None:
    with calling(f"ask {service}"):
        CALLS[service][1](connect(service, "us-west-2"))


@pytest.mark.parametrize("service", CALLS)
def test_credentials_renewed_in_their_file_are_used(
    service: str, cloud: StubEndpoint, rules: Cloud
) -> None:
    ask(service)
    rules.taken, rules.code = {NEW}, CALLS[service][0]
    write(NEW)

    ask(service)

    assert cloud.key_ids == [OLD, OLD, NEW]


def test_a_call_without_retries_uses_them_too(cloud: StubEndpoint, rules: Cloud) -> None:
    client = connect("ec2", "us-west-2", tries=1)
    client.describe_regions()
    rules.taken = {NEW}
    write(NEW)

    client.describe_regions()

    assert cloud.key_ids == [OLD, OLD, NEW]


def test_a_head_request_uses_them_too(cloud: StubEndpoint, rules: Cloud) -> None:
    connect("s3", "us-west-2").head_object(Bucket="runs", Key="x")
    rules.taken = {NEW}
    write(NEW)

    connect("s3", "us-west-2").head_object(Bucket="runs", Key="x")

    assert (cloud.key_ids[0], cloud.key_ids[-1]) == (OLD, NEW)


def test_all_clients_and_threads_use_them_and_read_the_file_once(
    cloud: StubEndpoint, rules: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for service in CALLS:
        connect(service, "us-west-2")
    ask()
    rules.taken = {NEW}
    write(NEW)
    read: list[int] = []
    real = module._read_again

    def read_again(region: str) -> object:
        read.append(1)
        return real(region)

    monkeypatch.setattr(module, "_read_again", read_again)

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(ask) for _ in range(24)]:
            future.result()
    cloud.requests.clear()
    for service in CALLS:
        ask(service)

    assert len(read) == 1
    assert set(cloud.key_ids) == {NEW}


@pytest.mark.usefixtures("cloud")
def test_without_renewed_credentials_the_hint_names_their_file(rules: Cloud) -> None:
    ask()
    rules.taken = set()

    with pytest.raises(CloudError, match="RequestExpired") as caught:
        ask()

    assert "Log in again" in caught.value.hint
    assert os.environ["AWS_SHARED_CREDENTIALS_FILE"] in caught.value.hint
    assert not caught.value.is_transient


def test_a_half_written_credentials_file_is_read_again(
    cloud: StubEndpoint, rules: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask()
    rules.taken = {NEW}
    path = Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"])
    path.write_text(f"[default]\naws_access_key_id={NEW}\n")
    paused: list[float] = []

    def finish_writing(seconds: float) -> None:
        paused.append(seconds)
        write(NEW)

    monkeypatch.setattr(module, "pause", finish_writing)

    ask()

    assert len(paused) == 1
    assert cloud.key_ids == [OLD, OLD, NEW]


def test_a_credential_process_without_an_expiry_runs_again(
    cloud: StubEndpoint, rules: Cloud, tmp_path: Path
) -> None:
    Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).unlink()
    program = tmp_path / "give"
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(f"[default]\ncredential_process = {program}\n")

    def give(key_id: str) -> None:
        given = {"Version": 1, "AccessKeyId": key_id, "SecretAccessKey": "s", "SessionToken": "t"}
        program.write_text(f"#!/bin/sh\necho '{json.dumps(given)}'\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    give(OLD)
    forget()
    ask()
    rules.taken = {NEW}
    give(NEW)

    ask()

    assert cloud.key_ids == [OLD, OLD, NEW]


def test_a_role_is_assumed_with_the_renewed_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = {OLD}
    assumed: list[str] = []

    def answer(request: ReceivedRequest) -> Answer:
        if "AssumeRole" not in request.body:
            return Answer()
        assumed.append(request.key_id)
        if request.key_id not in taken:
            error = "<Error><Code>ExpiredToken</Code><Message>ended</Message></Error>"
            return Answer(403, f"<ErrorResponse>{error}</ErrorResponse>")
        # One whose end is near: botocore assumes the role anew for each call.
        return Answer(body=ASSUMED.format(key="ASIAROLE", end="2999-01-01T00:00:00Z"))

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_PROFILE", "role")
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(
        "[profile role]\nrole_arn=arn:aws:iam::111111111111:role/x\nsource_profile=default\n"
    )
    write(OLD)
    with stub_endpoint(answer) as opened:
        monkeypatch.setenv("AWS_ENDPOINT_URL", opened.url)
        forget()
        try:
            connect("ec2", "us-west-2")
            taken.clear()
            taken.add(NEW)
            write(NEW)
            ask()
        finally:
            forget()

    assert assumed == [OLD, NEW]
    assert opened.key_ids[-1] == "ASIAROLE"
