"""What free text brings into an entry: no home of a person, no credential."""

from pathlib import Path

import pytest

from notebake.ledger.chain import Chain, RecordPlace, Writer
from notebake.ledger.redaction import redact
from notebake.store.directory import DirectoryStore

USERS = "Users"
AWS_KEY = "AKIA" + "Q3EGRIFFSEXAMPLE"
GITHUB = "ghp_" + "a1B2" * 9
JWT = ".".join(("eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0NTY3ODkwIn0", "dozjgNryP4J3jVmNHl0w5N"))
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("could not read /home/ada/notebooks/x.ipynb", "could not read ~/notebooks/x.ipynb"),
        (f"/{USERS}/ada.lovelace/data: no such file", "~/data: no such file"),
        ("/root/.ssh/id_ed25519", "~/.ssh/id_ed25519"),
        ("mount point /data/home/ada", "mount point /data/home/ada"),
        ("/home", "/home"),
        ("/rooted/tree", "/rooted/tree"),
        (
            "git clone https://ada:hunter22@example.org/x",
            "git clone https://[redacted]@example.org/x",
        ),
        ("https://example.org/a:b@c", "https://example.org/a:b@c"),
        (f"key {AWS_KEY} was refused", "key [redacted] was refused"),
        (f"remote: {GITHUB}", "remote: [redacted]"),
        (f"Bearer {JWT}", "Bearer [redacted]"),
        (f"found {KEY} there", "found [redacted] there"),
        ("password = correcthorse", "password = [redacted]"),
        ("API_KEY: 'abcdefgh1234'", "API_KEY: '[redacted]'"),
        ("the token is wrong", "the token is wrong"),
    ],
)
def test_text_is_redacted(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "i-0123456789abcdef0",
        "sha256:" + "0a" * 32,
        "arn:aws:iam::123456789012:role/notebake-scheduler",
        "notebake rehearsal-20261129-162204-ff8e builder",
        "2026-11-29T16:22:08.902700Z",
        "s3://BUCKET/PREFIX",
    ],
)
def test_ids_and_digests_stay_as_they_are(text: str) -> None:
    assert redact(text) == text


def test_what_is_redacted_once_stays_the_same() -> None:
    text = f"/home/ada: password={'x' * 9} https://a:b@c.org {AWS_KEY}"

    assert redact(redact(text)) == redact(text)


def test_no_entry_holds_them_however_deep_they_lie(tmp_path: Path) -> None:
    place = RecordPlace(DirectoryStore(tmp_path), "record/")
    chain = Chain(place, "ocean-1", Writer())
    entry = chain.append("step", {"detail": {"lines": ["/home/ada/x", {"key": AWS_KEY}]}, "n": 1.5})

    assert entry.body == {"detail": {"lines": ["~/x", {"key": "[redacted]"}]}, "n": 1.5}
    stored = (tmp_path / "record/ocean-1/00000001.json").read_text()
    assert AWS_KEY not in stored
    assert "ada" not in stored
