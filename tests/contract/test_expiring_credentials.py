"""Credentials that expire before the build can end are reported before it begins."""

import datetime
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from inspect import unwrap
from pathlib import Path

import pytest

from flows import build_image
from notebake.aws.clients import connect
from notebake.aws.credentials_end import IN_THE_FILE, read_ending
from notebake.aws.session import session
from notebake.errors import CloudError, PreflightError
from notebake.preflight.account import check_credentials_last, warn_of_expiry
from notebake.preflight.finding import CheckResult, Finding
from notebake.runs.open_store import open_store
from notebake.runs.registry import new_run
from notebake.runs.run import Run
from tests.cloud_world import RECIPE

RUN = Run(id="ocean-1", recipe=RECIPE, store="")
SOON, LATE = (datetime.timedelta(minutes=minutes) for minutes in (25, 600))


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    connect.cache_clear()
    session.cache_clear()
    yield
    connect.cache_clear()
    session.cache_clear()


def from_now(span: datetime.timedelta) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) + span


def in_the_environment(ends: datetime.datetime | None) -> None:
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "ASIAX",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_SESSION_TOKEN": "t",
    }
    if ends:
        os.environ["AWS_CREDENTIAL_EXPIRATION"] = ends.isoformat(timespec="seconds")


def in_the_file(ends: datetime.datetime | None, field: str = "expiration") -> None:
    expiry_line = f"{field} = {ends:%Y-%m-%d %H:%M:%S}\n" if ends else ""
    Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).write_text(
        f"[default]\naws_access_key_id=A\naws_secret_access_key=s\naws_session_token=t\n{expiry_line}"
    )


def expiry_finding() -> Finding:
    (finding,) = check_credentials_last(RUN)
    return finding


@pytest.mark.parametrize("put", [in_the_environment, in_the_file])
def test_credentials_expiring_before_the_build_ends_are_reported_with_both_times(
    put: Callable[[datetime.datetime | None], None], caplog: pytest.LogCaptureFixture
) -> None:
    put(from_now(SOON))

    finding = expiry_finding()

    assert finding.verdict is CheckResult.NOT_CHECKED
    assert "in 2" in finding.sentence
    assert "1 h 30 min" in finding.sentence
    assert finding.hint
    with caplog.at_level(logging.WARNING):
        warn_of_expiry(RUN)
    assert "outlast the build: they expire" in caplog.text


@pytest.mark.parametrize("put", [in_the_environment, in_the_file])
def test_credentials_expiring_after_the_build_are_good(
    put: Callable[[datetime.datetime | None], None], caplog: pytest.LogCaptureFixture
) -> None:
    put(from_now(LATE))

    assert expiry_finding().verdict is CheckResult.GOOD
    warn_of_expiry(RUN)
    assert caplog.text == ""


@pytest.mark.parametrize("put", [in_the_environment, in_the_file])
def test_credentials_with_an_unknown_expiry_are_reported(
    put: Callable[[datetime.datetime | None], None],
) -> None:
    put(None)

    finding = expiry_finding()

    assert finding.verdict is CheckResult.NOT_CHECKED
    assert "is unknown" in finding.sentence


@pytest.mark.parametrize("field", IN_THE_FILE)
def test_the_expiry_is_parsed_in_each_program_s_format(field: str) -> None:
    moment = from_now(SOON).replace(microsecond=0)
    in_the_file(moment, field)

    ending = read_ending()

    assert ending
    assert ending.ends_at == moment
    assert ending.source == os.environ["AWS_SHARED_CREDENTIALS_FILE"]


def test_access_keys_of_a_user_do_not_expire() -> None:
    os.environ |= {"AWS_ACCESS_KEY_ID": "AKIAX", "AWS_SECRET_ACCESS_KEY": "s"}

    assert expiry_finding().verdict is CheckResult.GOOD


@pytest.mark.parametrize("lasts", [None, SOON], ids=["without an end", "with an end"])
def test_credentials_from_a_program_are_refreshed(
    tmp_path: Path, lasts: datetime.timedelta | None
) -> None:
    given = {"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s", "SessionToken": "t"}
    given |= {"Expiration": from_now(lasts).isoformat()} if lasts else {}
    program = tmp_path / "give"
    program.write_text(f"#!/bin/sh\necho '{json.dumps(given)}'\n")
    program.chmod(0o755)
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(f"[default]\ncredential_process = {program}\n")

    assert expiry_finding().verdict is CheckResult.GOOD


def test_credentials_that_cannot_be_read_are_an_error_of_ours() -> None:
    os.environ["AWS_PROFILE"] = "nope"

    with pytest.raises(CloudError, match="nope"):
        expiry_finding()


def test_a_build_reports_expiring_credentials_before_its_first_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    logged_before: list[str] = []

    def begin(_run: Run) -> None:
        logged_before.append(caplog.text)
        raise PreflightError("far enough")

    monkeypatch.setattr(build_image, "going_on", lambda *_: nullcontext())
    monkeypatch.setattr(build_image, "renewing", lambda _run: nullcontext())
    monkeypatch.setattr(build_image, "carry_out_all", begin)
    in_the_environment(from_now(SOON))
    run = new_run(RECIPE, "ocean.yaml", open_store(str(tmp_path)))

    with pytest.raises(PreflightError, match="far enough"):
        unwrap(build_image.build_image.fn)(run_id=run.id, store=run.store)

    assert len(logged_before) == 1
    assert "outlast the build: they expire" in logged_before[0]
