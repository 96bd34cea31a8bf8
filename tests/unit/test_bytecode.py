from pathlib import Path

import pytest

from deployments.bytecode import compile_programs


def test_what_is_imported_is_compiled_though_python_may_write_no_bytecode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tide.py").write_text("import moon\n")
    (tmp_path / "moon.py").write_text("")
    (tmp_path / "unused.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    compile_programs([("tide",)])

    compiled = [path.name.partition(".")[0] for path in tmp_path.glob("__pycache__/*.pyc")]
    assert sorted(compiled) == ["moon", "tide"]


def test_a_program_that_cannot_be_imported_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="no_such_module cannot be imported"):
        compile_programs([("no_such_module",)])
