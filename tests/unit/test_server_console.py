"""What a server's console says of its use, and the keys that people paste or name."""

from pathlib import Path

import pytest

from notebake.errors import NotebakeError
from notebake.servers.console_state import parse_use
from notebake.servers.keys import key_path, read_public_key, remember_own
from tests.ec2_actions import PUBLIC_KEY
from tests.server_world import server_named

UNUSED = "Not used since 14:05 UTC (last: typing: pts/0 of ubuntu); stops at 15:05 UTC: idle"


@pytest.mark.parametrize(
    ("console", "use"),
    [
        ("", ""),
        ("[  1.0] python3[8]: In use\n", ""),
        ("[  1.0] notebake-idle[8]: Does nothing: the instance has no tag\n", ""),
        ("[  1.0] notebake-idle[8]: In use\r\n", "In use"),
        (f"[  1.0] notebake-idle[8]: In use\n[ 9.9] notebake-idle[12]: {UNUSED}\r\n", UNUSED),
        (
            f"[  1.0] notebake-idle[8]: {UNUSED}\nlogin: [ 9.9] notebake-idle[12]: In use\n",
            "In use",
        ),
        ("notebake-idle[8]: Not used since 14:05 UTC\x1b[31m (last: x)\n", None),
    ],
)
def test_the_last_state_on_the_console_counts(console: str, use: str | None) -> None:
    if use is None:
        assert "\x1b" not in parse_use(console)
        assert parse_use(console).startswith("Not used since 14:05 UTC")
    else:
        assert parse_use(console) == use


def test_a_pasted_key_loses_its_comment_and_what_is_none_is_refused() -> None:
    line = " ".join(PUBLIC_KEY.decode().split()[:2])
    assert read_public_key(f"{line} ada@laptop\n") == line
    for wrong in ("ssh-ed25519 AAAA", line[:-10], "ssh-ed25519", "secret words"):
        with pytest.raises(NotebakeError, match="The public key cannot be read") as caught:
            read_public_key(wrong)
        assert "id_ed25519.pub" in caught.value.hint
        assert wrong not in str(caught.value)


def test_a_named_key_is_remembered_unless_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "home"))
    own, other = tmp_path / "id_ed25519", tmp_path / "other"
    own.touch()
    other.touch()

    remember_own(server_named("ada", "ocean"), own)
    remember_own(server_named("ada", "ocean"), other)

    assert key_path(server_named("ada", "ocean")) == own
