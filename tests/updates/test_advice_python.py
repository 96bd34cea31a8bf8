"""Known vulnerabilities of Python packages, as pip-audit itself has them of PyPI's JSON API."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from notebake import clock
from notebake.images.updates.advice import audit_program
from notebake.images.updates.advice.advice import Advice
from notebake.images.updates.advice.python_advice import advise_on_python
from notebake.timestamps import utc_from_seconds
from tests.updates.advice_world import CONTROL, FakePyPI, advisory

LOCKS = {
    "locks/requirements.txt": b"Jinja2==3.1.2\nnumpy==2.1.0\nsix==1.16.0\n",
    "locks/papermill.txt": b"jinja2==3.1.6\nsix==1.16.0\n",
}
GHSA = advisory("GHSA-h5c8-rqwp-cp95", "CVE-2024-22195", fixed=["3.1.3"])
NO_JSON = b"<html>Please log in to the network</html>"


@pytest.fixture
def pypi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePyPI]:
    with FakePyPI(tmp_path) as fake:
        for name, value in fake.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("PIP_AUDIT_OSV_URL")
        for name, version in (("numpy", "2.1.0"), ("six", "1.16.0"), ("jinja2", "3.1.6")):
            fake.publish(name, version)
        fake.publish("jinja2", "3.1.2", GHSA)
        yield fake


def shown(advice: Advice) -> list[tuple[str, str, tuple[str, ...], tuple[str, ...], str]]:
    return [(it.package, it.version, it.ids, it.fixed, it.detail) for it in advice.findings]


def test_what_the_index_knows_is_found_with_all_its_names(pypi: FakePyPI) -> None:
    before = utc_from_seconds(clock.now())

    found = advise_on_python(LOCKS)

    ids = ("CVE-2024-22195", "GHSA-h5c8-rqwp-cp95")
    assert shown(found) == [("jinja2", "3.1.2", ids, ("3.1.3",), "")]
    assert (found.state, found.reason, found.packages) == ("asked", "", 4)
    assert found.findings[0].public_id == "CVE-2024-22195"
    assert found.source.startswith("PyPI, by pip-audit 2.")
    assert found.data_of
    assert before <= found.data_of <= utc_from_seconds(clock.now())
    assert sorted(pypi.requested).count(CONTROL) == 1
    assert len(pypi.requested) == 5, "a package of two environments is asked for once"


def test_the_environment_that_has_it_is_named(pypi: FakePyPI) -> None:
    pypi.publish("jinja2", "3.1.6", advisory("PYSEC-2026-1"))
    pypi.publish("six", "1.16.0", advisory("PYSEC-2026-2"))

    found = advise_on_python(LOCKS)

    details = {(it.package, it.version): it.detail for it in found.findings}
    assert details == {
        ("jinja2", "3.1.2"): "",
        ("jinja2", "3.1.6"): "papermill's environment",
        ("six", "1.16.0"): "the image and papermill's environment",
    }


def test_none_known_is_said_only_by_a_service_that_knows_of_others(pypi: FakePyPI) -> None:
    pypi.publish("jinja2", "3.1.2")
    clean = advise_on_python(LOCKS)
    pypi.publish("flask", "0.5")
    mute = advise_on_python(LOCKS)

    assert (clean.state, clean.findings) == ("asked", ())
    assert (mute.state, mute.findings) == ("not asked", ())
    assert "names none of flask 0.5, which has several" in mute.reason


def test_a_service_that_knows_no_package_was_not_asked(pypi: FakePyPI) -> None:
    pypi.answers.clear()

    found = advise_on_python(LOCKS)

    # pip-audit itself says "No known vulnerabilities found" here, and ends with 0.
    assert pypi.requested
    assert (found.state, found.findings, found.data_of) == ("not asked", (), None)
    assert "What answers pip-audit as PyPI has no advisories" in found.reason


def test_what_the_index_does_not_have_is_named(pypi: FakePyPI) -> None:
    del pypi.answers["/pypi/numpy/2.1.0/json"]
    locks = {
        **LOCKS,
        "locks/requirements.txt": LOCKS["locks/requirements.txt"]
        + b"our-tool @ git+https://ada:secret@example.org/t.git@5d4140\nold===2004d-x\n",
    }

    found = advise_on_python(locks)

    assert found.state == "asked in part"
    assert "PyPI does not know numpy." in found.reason
    assert "Of our-tool, old requirements.txt has no version that an index knows." in found.reason
    assert "secret" not in found.model_dump_json()
    assert [it.package for it in found.findings] == ["jinja2"]
    assert found.packages == 3


def test_a_withdrawn_advisory_is_none(pypi: FakePyPI) -> None:
    gone = advisory("PYSEC-2026-3", withdrawn="2026-11-01T00:00:00Z")
    pypi.publish("jinja2", "3.1.2", gone)

    assert advise_on_python(LOCKS).findings == ()


@pytest.mark.parametrize(
    ("status", "document", "expected"),
    [
        (503, {}, "503 Server Error: As told for url: https://pypi.org/pypi/"),
        (403, {}, "403 Client Error: As told for url: https://pypi.org/pypi/"),
        (200, NO_JSON, "Expecting value: line 1 column 1"),
    ],
)
def test_a_service_that_fails_was_not_asked(
    status: int, document: object, expected: str, pypi: FakePyPI
) -> None:
    pypi.answers["/pypi/six/1.16.0/json"] = (status, document)

    found = advise_on_python(LOCKS)

    assert "/pypi/six/1.16.0/json" in pypi.requested
    assert (found.state, found.findings) == ("not asked", ())
    assert found.reason.startswith("pip-audit, asking PyPI: ")
    assert expected in found.reason


def test_a_network_that_is_not_there_is_the_reason(
    pypi: FakePyPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://ada:secret@127.0.0.1:9")

    found = advise_on_python(LOCKS)

    assert not pypi.requested
    assert (found.state, found.findings) == ("not asked", ())
    assert "Cannot connect to proxy" in found.reason or "Unable to connect" in found.reason
    assert "secret" not in found.reason


@pytest.mark.usefixtures("pypi")
def test_a_service_that_takes_too_long_was_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_program, "ADVICE_SECONDS", 0.01)

    assert advise_on_python(LOCKS).reason == "pip-audit found no end within 0.01 s."


def test_without_the_program_nobody_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "")

    found = advise_on_python(LOCKS)

    assert (found.state, found.packages) == ("not asked", 0)
    assert found.reason == "pip-audit is not installed; install the extra `audit`."


@pytest.mark.usefixtures("pypi")
def test_a_program_on_the_path_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "pip-audit"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pip_audit "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert [it.package for it in advise_on_python(LOCKS).findings] == ["jinja2"]


@pytest.mark.usefixtures("pypi")
def test_settings_of_this_computer_do_not_change_what_is_printed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIP_AUDIT_FORMAT", "columns")
    monkeypatch.setenv("PIP_AUDIT_OUTPUT", str(tmp_path / "out"))

    assert [it.package for it in advise_on_python(LOCKS).findings] == ["jinja2"]


def test_a_run_without_lock_files_was_not_asked() -> None:
    found = advise_on_python({})

    assert (found.state, found.findings) == ("not asked", ())
    assert found.reason == "The run kept no requirements.txt. The run kept no papermill.txt."


def test_what_conda_installed_has_the_version_of_its_list(pypi: FakePyPI) -> None:
    locks = {
        "locks/requirements.txt": b"jinja2 @ file:///home/conda/jinja2\nlocal @ file:///x\n",
        "locks/papermill.txt": b"six==1.16.0\n",
        "locks/conda-explicit.txt": b"https://c.test/main/noarch/jinja2-3.1.2-py_0.conda#00\n",
    }

    found = advise_on_python(locks)

    assert [it.package for it in found.findings] == ["jinja2"]
    assert "/pypi/jinja2/3.1.2/json" in pypi.requested
    assert "Of local requirements.txt" in found.reason
