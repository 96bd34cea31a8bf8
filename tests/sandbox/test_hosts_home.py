"""Homes do not get into each other's way."""

from pathlib import Path

import pytest

from sandbox import home as homes
from sandbox.__main__ import main
from sandbox.control.lifecycle import remove_saved_state
from sandbox.home import find_home, open_home, release_number


@pytest.fixture(autouse=True)
def claims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(homes, "CLAIMS", tmp_path / "claims" / "numbers")
    monkeypatch.setattr(homes, "DEFAULT_PATH", tmp_path / "default")
    monkeypatch.delenv("NOTEBAKE_SANDBOX_HOME", raising=False)
    # Bridges of sandboxes that really run here hold their numbers too.
    monkeypatch.setattr(homes, "_bridge", lambda number: tmp_path / "bridges" / str(number))
    return tmp_path / "claims" / "numbers"


def test_the_default_home_is_number_zero_and_others_never_are(tmp_path: Path) -> None:
    other = open_home(tmp_path / "other")
    assert other.number == 1
    assert open_home().number == 0
    assert open_home().gateway == "10.213.0.1"


def test_a_home_keeps_its_number(tmp_path: Path, claims: Path) -> None:
    first, second = open_home(tmp_path / "a"), open_home(tmp_path / "b")
    assert (first.number, second.number) == (1, 2)
    for claim in claims.iterdir():
        claim.unlink()  # as a restart of this machine does
    assert open_home(tmp_path / "b").number == 2
    assert open_home(tmp_path / "c").number == 1


def test_a_number_is_free_again_after_release(tmp_path: Path) -> None:
    first = open_home(tmp_path / "a")
    release_number(first)
    assert find_home(tmp_path / "a") is None
    assert open_home(tmp_path / "b").number == first.number


def test_a_number_whose_bridge_still_stands_is_not_given_away(tmp_path: Path) -> None:
    (tmp_path / "bridges" / "1").mkdir(parents=True)
    assert open_home(tmp_path / "a").number == 2


@pytest.mark.sandbox  # asks the kernel, as root
def test_status_says_by_its_exit_code_that_nothing_is_up(tmp_path: Path) -> None:
    assert main(["--home", str(tmp_path / "none"), "status"]) == 1
    open_home(tmp_path / "a")
    assert main(["--home", str(tmp_path / "a"), "status"]) == 1


def test_what_a_home_kept_can_be_forgotten_but_not_its_number(tmp_path: Path) -> None:
    home = open_home(tmp_path / "a")
    kept = ("images/ami-1.json", "snapshots/snap-1.img", "layers/one", "volumes/v.img", "api.json")
    for name in (*kept, "git/mine"):
        (home.path / name).write_text("{}")
    remove_saved_state(home)
    assert [name for name in kept if (home.path / name).exists()] == []
    assert (home.path / "git/mine").exists()
    assert open_home(tmp_path / "a") == home


def test_env_points_at_the_home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = open_home(tmp_path / "a")
    assert main(["--home", str(home.path), "env"]) == 0
    assert f"AWS_ENDPOINT_URL=http://127.0.0.1:{4566 + home.number}\n" in capsys.readouterr().out
