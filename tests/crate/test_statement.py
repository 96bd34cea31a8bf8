"""The in-toto statement: what it is about, and how little it claims."""

import hashlib

import pytest

from tests import recorded_runs as runs
from tests.crate.reading import Crate, crate_of
from tests.crate.runs import FILES, REPOSITORY, SHA256, Runs


@pytest.fixture
def crate(world: Runs) -> Crate:
    return crate_of(world, world.accepted())


def test_the_subject_is_the_image_by_the_digest_of_what_names_it(crate: Crate) -> None:
    statement = crate.read("provenance.intoto.json")

    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    (subject,) = statement["subject"]
    assert subject["name"] == runs.IMAGE
    named = (crate.folder / "image.json").read_bytes()
    assert subject["digest"] == {"sha256": hashlib.sha256(named).hexdigest()}
    assert subject["annotations"]["digestOf"] == "image.json"
    assert "has no content digest" in subject["annotations"]["note"]


def test_the_image_s_file_binds_the_image_to_the_record_and_the_files(crate: Crate) -> None:
    image = crate.read("image.json")

    entries = sorted((crate.folder / "record/ocean-accepted").glob("*.json"))
    head = hashlib.sha256(entries[-1].read_bytes()).hexdigest()
    assert image["record"] == {"entries": len(entries), "head": head}
    assert (image["image"], image["base_image"]) == (runs.IMAGE, runs.BASE_IMAGE)
    for name, digest in image["files"].items():
        assert hashlib.sha256((crate.folder / "files" / name).read_bytes()).hexdigest() == digest
    assert "proof.json" in image["files"]


def test_the_predicate_says_what_went_in_and_who_built(crate: Crate) -> None:
    statement = crate.read("provenance.intoto.json")

    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    definition = statement["predicate"]["buildDefinition"]
    details = statement["predicate"]["runDetails"]
    assert definition["externalParameters"]["recipe"]["name"] == "ocean"
    by_name = {each["name"]: each for each in definition["resolvedDependencies"]}
    assert by_name["repository"]["uri"] == f"git+{REPOSITORY}@{runs.COMMIT}"
    assert by_name["repository"]["digest"] == {"gitCommit": runs.COMMIT}
    assert by_name["tides"]["digest"] == {"sha256": SHA256}
    assert "digest" not in by_name["base image"], "it has none"
    assert by_name["notebake"]["digest"] == {"gitCommit": "c0ffee"}
    assert details["builder"]["version"] == {"notebake": "1.0"}
    assert details["metadata"]["invocationId"] == "ocean-accepted"
    listed = {each["name"] for each in details["byproducts"]}
    assert listed == {name for name in FILES if not name.startswith("keys/")}


def test_no_more_than_level_1_is_claimed(crate: Crate) -> None:
    described = crate["provenance.intoto.json"]["description"]

    assert described.startswith("SLSA build level 1 at most: this statement is not signed")
