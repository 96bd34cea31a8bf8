"""Wrong AWS settings on this computer: one paragraph names what to set."""

import datetime
import errno
import io
import ipaddress
import json
import os
import pty
import ssl
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from flows.cli.main import main
from notebake.aws.clients import calling, connect
from notebake.aws.mfa_code import ask_for_code
from notebake.aws.session import session
from notebake.errors import CloudError
from tests.stub_endpoint import Answer, stub_endpoint

ENDED = "2020-01-01T00:00:00Z"
GIVEN = {"Version": 1, "AccessKeyId": "AKIDX", "SecretAccessKey": "s", "SessionToken": "t"}


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Begin with no credentials, and read the settings as each test has them."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    forget()
    yield
    forget()


def forget() -> None:
    connect.cache_clear()
    session.cache_clear()


def configure(text: str) -> None:
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(text)


def program(directory: Path, script: str) -> str:
    """Return a line for the config with a program that gives credentials."""
    path = directory / "give"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return f"[default]\nregion = us-west-2\ncredential_process = {path}\n"


def a_profile_that_is_not_there(directory: Path) -> None:
    del directory
    configure("[profile research]\nregion = us-west-2\n")
    os.environ["AWS_PROFILE"] = "reserch"


def no_profile_at_all(directory: Path) -> None:
    del directory
    os.environ["AWS_PROFILE"] = "nope"


def an_address_without_a_scheme(directory: Path) -> None:
    del directory
    keys()
    os.environ["AWS_ENDPOINT_URL"] = "127.0.0.1:4566"


ADDRESSES = (
    *("localhost:4566", "foo", "http://", "http://[::1", "https://bad host", "ftp://127.0.0.1:9"),
    *("http://127.0.0.1:99999", "//127.0.0.1:9"),
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_invalid_endpoint_is_reported_before_any_call(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    keys()
    os.environ["AWS_ENDPOINT_URL_EC2"] = address

    with pytest.raises(CloudError) as caught:
        connect("ec2", "us-west-2")

    assert f"AWS_ENDPOINT_URL_EC2={address}" in caught.value.hint


@pytest.mark.parametrize("proxy", ["foo bar", "http://127.0.0.1:9"])
def test_a_proxy_that_does_not_work_is_named(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    keys()
    os.environ |= {"HTTPS_PROXY": proxy, "AWS_ENDPOINT_URL": "https://192.0.2.1"}
    for name in ("NO_PROXY", "no_proxy", "https_proxy"):
        os.environ.pop(name, None)

    with pytest.raises(CloudError, match="no answer") as caught, calling("look"):
        connect("ec2", "us-west-2").describe_regions()

    assert "HTTPS_PROXY" in caught.value.hint


def a_config_that_is_broken(directory: Path) -> None:
    del directory
    configure("[default\nregion = us-west-2\n")


def a_config_that_is_no_text(directory: Path) -> None:
    del directory
    keys()
    Path(os.environ["AWS_CONFIG_FILE"]).write_bytes(b"[default]\n\xff\xfe=\x00\n")


def a_program_that_refuses(directory: Path) -> None:
    configure(program(directory, 'echo "the MFA code" >&2; echo "has expired" >&2; exit 1'))


def a_program_that_gives_what_has_ended(directory: Path) -> None:
    configure(program(directory, f"echo '{json.dumps(GIVEN | {'Expiration': ENDED})}'"))


def a_program_that_gives_no_json(directory: Path) -> None:
    configure(program(directory, "echo Please log in"))


def a_program_that_is_not_there(directory: Path) -> None:
    configure(f"[default]\ncredential_process = {directory}/none\n")


def a_key_with_the_end_of_its_line(directory: Path) -> None:
    del directory
    keys()
    os.environ["AWS_ACCESS_KEY_ID"] = "AKIDX\r"


def half_of_a_pair(directory: Path) -> None:
    del directory
    os.environ["AWS_ACCESS_KEY_ID"] = "AKIDX"


def half_of_a_pair_in_the_file(directory: Path) -> None:
    del directory
    Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).write_text("[default]\naws_access_key_id=A\n")


def sso_without_a_login(directory: Path) -> None:
    del directory
    configure(
        "[profile lab]\nsso_session = lab\nsso_account_id = 111111111111\nsso_role_name = r\n"
        "[sso-session lab]\nsso_region = us-west-2\nsso_start_url = https://lab.example/start\n"
    )
    os.environ["AWS_PROFILE"] = "lab"


def a_circle_of_profiles(directory: Path) -> None:
    del directory
    role = "role_arn = arn:aws:iam::111111111111:role/r\n"
    configure(f"[profile a]\n{role}source_profile = b\n[profile b]\n{role}source_profile = a\n")
    os.environ["AWS_PROFILE"] = "a"


def a_role_without_a_source(directory: Path) -> None:
    del directory
    configure("[default]\nrole_arn = arn:aws:iam::111111111111:role/r\n")


def a_profile_without_its_prefix(directory: Path) -> None:
    del directory
    configure("[lab]\nregion = us-west-2\n")
    os.environ["AWS_PROFILE"] = "lab"


def a_choice_that_is_none(directory: Path) -> None:
    del directory
    keys()
    os.environ["AWS_REQUEST_CHECKSUM_CALCULATION"] = "sometimes"


def a_mode_that_is_none(directory: Path) -> None:
    del directory
    keys()
    os.environ["AWS_DEFAULTS_MODE"] = "quick"


def keys() -> None:
    os.environ |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


SETTINGS: list[tuple[Callable[[Path], None], str, str]] = [
    (a_profile_that_is_not_there, "reserch", "export AWS_PROFILE=research"),
    (no_profile_at_all, "nope", "AWS_PROFILE"),
    (an_address_without_a_scheme, "127.0.0.1:4566", "AWS_ENDPOINT_URL=127.0.0.1:4566"),
    (a_config_that_is_broken, "config", "[profile NAME]"),
    (a_config_that_is_no_text, "config", "[profile NAME]"),
    (a_program_that_refuses, "the MFA code has expired", "config"),
    (a_program_that_gives_what_has_ended, "still expired", "Log in again"),
    (a_program_that_gives_no_json, "custom-process|settings", "config"),
    (a_program_that_is_not_there, "none", "config"),
    (a_key_with_the_end_of_its_line, "env: the access key id contains a blank or the end", "AWS_"),
    (half_of_a_pair, "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"),
    (half_of_a_pair_in_the_file, "aws_secret_access_key", "aws_secret_access_key"),
    (sso_without_a_login, "SSO|Token", "aws sso login --profile lab"),
    (a_circle_of_profiles, "[Ii]nfinite loop", "source_profile"),
    (a_role_without_a_source, "source_profile", "Add source_profile or credential_source to"),
    (a_profile_without_its_prefix, "lab", "write [profile lab] instead of [lab]"),
    (a_choice_that_is_none, "sometimes", "AWS_"),
    (a_mode_that_is_none, "quick", "AWS_"),
]


@pytest.mark.parametrize(
    ("set_it", "message", "hint"), SETTINGS, ids=[setting[0].__name__ for setting in SETTINGS]
)
def test_a_wrong_setting_is_one_paragraph_that_names_what_to_set(
    set_it: Callable[[Path], None],
    message: str,
    hint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    set_it(tmp_path)

    with pytest.raises(CloudError, match=message) as caught, calling("look"):
        connect("ec2", "us-west-2").describe_regions()

    assert "\n" not in caught.value.message
    assert hint in caught.value.hint


def test_an_mfa_code_that_nobody_can_type_is_named_and_not_asked_for(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    role_with_mfa()
    without_terminal(monkeypatch)

    with pytest.raises(CloudError, match="MFA token required") as caught, calling("look"):
        connect("ec2", "us-west-2").describe_regions()

    assert "aws sts get-session-token" in caught.value.hint
    assert capfd.readouterr() == ("", "")


def test_an_mfa_code_is_asked_for_where_there_is_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    without_terminal(monkeypatch)
    terminal, far_end = pty.openpty()

    def typed(prompt: str) -> str:
        asked.append(prompt)
        return "123456"

    monkeypatch.setattr("getpass.getpass", typed)

    with os.fdopen(far_end) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert ask_for_code("Enter MFA code for me: ") == "123456"

    assert asked == ["Enter MFA code for me: "]
    os.close(terminal)


def role_with_mfa() -> None:
    configure(
        "[default]\nrole_arn = arn:aws:iam::111111111111:role/r\nsource_profile = me\n"
        "mfa_serial = arn:aws:iam::111111111111:mfa/me\n"
        "[profile me]\naws_access_key_id = A\naws_secret_access_key = s\n"
    )


def without_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let stdin be empty, and the process have no terminal of its own."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    opened = os.open

    def open_others(path: Any, *words: Any, **more: Any) -> int:
        if path == "/dev/tty":
            raise OSError(errno.ENXIO, "no terminal")
        return opened(path, *words, **more)

    monkeypatch.setattr(os, "open", open_others)


def test_the_command_line_reports_it_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    a_profile_that_is_not_there(tmp_path)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("name: tiny\n")

    assert main(["plan", str(recipe)]) == 1

    errors = capsys.readouterr().err
    assert "foresee" not in errors
    assert "export AWS_PROFILE=research" in errors


@pytest.mark.parametrize("region", ["us west 2", "-west", "us-west-2/"])
def test_an_invalid_region_name_is_reported(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")

    with pytest.raises(CloudError) as caught:
        connect("ec2", region)

    assert region in caught.value.message
    assert "us-west-2" in caught.value.hint


def issued_by(name: str, directory: Path) -> ssl.SSLContext:
    """Return what serves a certificate for this machine that a signer of that name has made."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    path = directory / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.mark.parametrize("has_bundle", [False, True], ids=["by default", "by a bundle"])
def test_a_tls_inspecting_proxy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_bundle: bool
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    bundle = tmp_path / "bundle.pem"
    issued_by("Another signer", tmp_path)
    (tmp_path / "server.pem").rename(bundle)
    if has_bundle:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    with stub_endpoint(lambda _: Answer(), issued_by("Institute Inspection CA", tmp_path)) as cloud:
        monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.url)
        with (
            pytest.raises(CloudError, match="CERTIFICATE_VERIFY_FAILED") as caught,
            calling("look"),
        ):
            connect("ec2", "us-west-2").describe_regions()

    assert "CN=Institute Inspection CA" in caught.value.message
    assert not caught.value.is_transient
    assert "export AWS_CA_BUNDLE=" in caught.value.hint
    assert (str(bundle) in caught.value.hint) is has_bundle
    assert cloud.requests == []
