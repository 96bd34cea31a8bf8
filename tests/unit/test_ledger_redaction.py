"""What free text brings into an entry: no home of a person, no credential."""

from pathlib import Path
from random import Random

import pytest

from notebake.ledger.chain import Chain, RecordPlace, Writer
from notebake.ledger.closing import close_if_finished
from notebake.ledger.kinds import STEP
from notebake.ledger.redaction import redact
from notebake.ledger.verify import verify_run
from notebake.store.directory import DirectoryStore
from tests.draw import fix_seed, has_everything
from tests.recorded_runs import bake, ended, outcome, step, write

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


PIECES = (
    *(
        "/home/ada",
        "/root",
        f"/{USERS}/ada",
        "~",
        "/",
        ".",
        "-",
        "_",
        "x",
        " ",
        "\n",
        "'",
        '"',
        ":",
    ),
    *("@", "=", "://", "a:b@", "password=", "token: ", "secret", "[redacted]", "]", "abcdefgh1234"),
    *(AWS_KEY, GITHUB, JWT, KEY, KEY[:35], "sk-" + "a" * 20),
)


def test_any_text_is_redacted_at_once() -> None:
    """A seal's summary is redacted again, and has to be what its entries give."""
    random = Random(fix_seed())  # noqa: S311
    for _ in range(100_000 if has_everything() else 5000):
        text = "".join(random.choices(PIECES, k=random.randrange(2, 8)))
        once = redact(text)
        assert redact(once) == once, text


def test_the_seal_of_a_run_with_odd_texts_is_right(tmp_path: Path) -> None:
    place = RecordPlace(DirectoryStore(tmp_path), "record/")
    chain = write(place, bake()[:-2], "ocean-1")
    chain.append(STEP, step("push", "failed", f"{AWS_KEY}/home/ada and token: ://a:b@c")[1])
    chain.append(*outcome())
    chain.append(*ended("GitError", f"refused: {GITHUB}/root: x"))
    assert close_if_finished(chain)

    assert verify_run(place, "ocean-1").findings == ()


def test_no_entry_holds_them_however_deep_they_lie(tmp_path: Path) -> None:
    place = RecordPlace(DirectoryStore(tmp_path), "record/")
    chain = Chain(place, "ocean-1", Writer())
    entry = chain.append("step", {"detail": {"lines": ["/home/ada/x", {"key": AWS_KEY}]}, "n": 1.5})

    assert entry.body == {"detail": {"lines": ["~/x", {"key": "[redacted]"}]}, "n": 1.5}
    stored = (tmp_path / "record/ocean-1/00000001.json").read_text()
    assert AWS_KEY not in stored
    assert "ada" not in stored
