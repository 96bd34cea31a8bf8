import getpass
from pathlib import Path

import pytest

from notebake.commands.papermill import install_papermill, papermill_is_installed
from notebake.commands.software import (
    install_software,
    parse_locks,
    read_locks,
    software_is_installed,
)
from notebake.commands.uv import UV_VERSION
from notebake.recipe import Software
from tests.unit.shell_world import NASTY, ShellWorld, shell_world

PROGRAM = """#!/bin/bash
echo "{name} $*" >> {calls}
{body}
"""
MAKE_ENVIRONMENT = """
mkdir -p "$at/bin"
for name in python jupyter-lab papermill; do
    printf '#!/bin/sh\\nexit ${PROGRAMS_EXIT:-0}\\n' > "$at/bin/$name"
    chmod 755 "$at/bin/$name"
done"""
FAKE_UV = f"""case "$*" in
    --version) echo 'uv {UV_VERSION} (fake)' ;;
    *" venv "*) at="${{@: -1}}"; [ ! -e "$at" ] || exit 2; {MAKE_ENVIRONMENT} ;;
    *"pip freeze"*) echo jupyterlab==4.0; echo numpy==2.1 ;;
    *"pip install"*)
        for word; do
            [ "${{before:-}}" != --requirements ] || cat "$word" >> "$asked"
            before=$word
        done
        [ -z "$UV_FAILS" ] || exit 1
        [ -z "$UV_KILLS" ] || kill -KILL $PPID ;;
esac"""


class Machine:
    """A host with fake package managers; what they were asked for lies in `asked`."""

    def __init__(self, world: ShellWorld) -> None:
        self.world, directory = world, world.directory
        self.root, self.locks = directory / "opt", directory / "locks"
        self.profile, self.requirements = (
            directory / "profile.d" / "notebake.sh",
            directory / "asked",
        )
        world.environment |= {"asked": str(self.requirements)}
        world.fake("dpkg-query", "exit 0")
        installed = directory / "uv"
        self.write(installed, "uv", FAKE_UV)
        target = f'mkdir -p "{self.root}/uv/bin" && cp "{installed}" "{self.root}/uv/bin/uv"'
        pip = f'cat "${{@: -1}}" >> "$asked.hashes"; {target}'
        world.fake(
            "python3", f'case "$*" in -) echo wheel ;; "-I -c"*) ;; *install*) {pip} ;; esac'
        )

    def write(self, path: Path, name: str, body: str) -> None:
        calls = self.world.directory / "calls"
        path.write_text(PROGRAM.format(name=name, calls=calls, body=body))
        path.chmod(0o755)

    def install(self, software: Software, digest: str = "aaaa") -> tuple[int, str]:
        text = install_software(
            software,
            user=getpass.getuser(),
            digest=digest,
            root=str(self.root),
            locks=str(self.locks),
            profile=str(self.profile),
        )
        done = self.world.run(text)
        return done.returncode, done.stdout + done.stderr

    def install_papermill(self) -> tuple[int, str]:
        text = install_papermill(user=getpass.getuser(), root=str(self.root), locks=str(self.locks))
        done = self.world.run(text)
        return done.returncode, done.stdout + done.stderr

    def has_papermill(self) -> bool:
        return self.world.run(papermill_is_installed(str(self.root))).returncode == 0

    def has(self, digest: str = "aaaa") -> bool:
        return self.world.run(software_is_installed(digest, str(self.root))).returncode == 0

    def calls_of(self, program: str) -> list[str]:
        return [call for call in self.world.calls if call.split()[0] == program]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(shell_world(tmp_path))


def test_jupyterlab_is_always_installed(machine: Machine) -> None:
    assert not machine.has()
    code, printed = machine.install(Software(packages=("numpy>=2",), requirements="utm\n"))
    assert code == 0, printed
    assert (
        " ".join(machine.requirements.read_text().split())
        == "jupyterlab ipykernel pip numpy>=2 utm"
    )
    assert machine.has()
    assert not machine.has("aaab")
    assert (machine.locks / "requirements.txt").read_text() == "jupyterlab==4.0\nnumpy==2.1\n"
    printed = machine.world.run(read_locks(str(machine.locks))).stdout
    assert parse_locks(printed) == {
        path.name: path.read_bytes() for path in machine.locks.iterdir()
    }
    assert "--hash=sha256:" in (machine.world.directory / "asked.hashes").read_text()
    assert f"{machine.root}/python/bin:" in machine.profile.read_text()


def test_a_lock_file_that_cannot_be_read_is_not_kept_empty(machine: Machine) -> None:
    machine.locks.mkdir()
    (machine.locks / "apt.txt").write_text("git=1\n")
    machine.world.fake("base64", 'echo "$name: Input/output error" >&2; exit 1')

    done = machine.world.run(read_locks(str(machine.locks)))

    assert machine.world.calls == ["base64 --wrap=0 apt.txt"]
    assert (done.returncode, done.stdout) == (1, "")


def test_packages_that_cannot_be_listed_fail_the_step(machine: Machine) -> None:
    machine.world.fake("dpkg-query", "echo no database >&2; exit 2")

    code, printed = machine.install(Software())

    assert code == 2
    assert "no database" in printed


def test_a_date_and_its_exemptions_reach_uv_in_both_environments(machine: Machine) -> None:
    machine.write(machine.world.directory / "uv", "uv $UV_EXCLUDE_NEWER", FAKE_UV)
    user, until, at_once = getpass.getuser(), "2026-11-01T00:00:00Z", ("tide", "wave-tools")
    root, locks = str(machine.root), str(machine.locks)
    for text in (
        install_software(
            Software(),
            user=user,
            digest="aaaa",
            until=until,
            at_once=at_once,
            root=root,
            locks=locks,
            profile=str(machine.profile),
        ),
        install_papermill(user=user, until=until, at_once=at_once, root=root, locks=locks),
    ):
        done = machine.world.run(text)
        assert done.returncode == 0, done.stdout + done.stderr

    installed = [call for call in machine.calls_of("uv") if " pip install " in call]
    assert len(installed) == 2
    for call in installed:
        assert call.startswith("uv 2026-11-01T00:00:00Z ")
        assert "--exclude-newer-package tide=false" in call
        assert "--exclude-newer-package wave-tools=false" in call


def test_software_that_does_not_run_is_not_installed(machine: Machine) -> None:
    machine.install(Software())
    machine.world.environment["PROGRAMS_EXIT"] = "1"
    assert not machine.has()


def test_the_same_digest_is_not_rebuilt_and_another_one_is(machine: Machine) -> None:
    machine.install(Software())
    before = len(machine.calls_of("uv"))
    assert machine.install(Software())[0] == 0
    assert not [call for call in machine.calls_of("uv")[before:] if "venv" in call]
    (machine.root / "python" / "left-over").touch()
    assert machine.install(Software(packages=("utm",)), "bbbb")[0] == 0
    assert (machine.has("aaaa"), machine.has("bbbb")) == (False, True)
    assert not (machine.root / "python" / "left-over").exists()


@pytest.mark.parametrize("fault", ["UV_FAILS", "UV_KILLS"])
def test_an_interrupted_installation_is_not_done_and_is_repeated(
    machine: Machine, fault: str
) -> None:
    machine.world.environment[fault] = "1"
    assert machine.install(Software())[0] != 0
    assert any("pip install" in call for call in machine.calls_of("uv")), "the fault did not fire"
    assert not machine.has()
    del machine.world.environment[fault]
    assert machine.install(Software())[0] == 0
    assert machine.has()


def test_papermill_uses_the_software_s_download_cache_and_clears_it(
    machine: Machine,
) -> None:
    machine.install(Software())
    fetched = machine.root / "cache"
    fetched.mkdir()
    machine.requirements.unlink()
    assert not machine.has_papermill()

    code, printed = machine.install_papermill()

    assert code == 0, printed
    assert machine.requirements.read_text().split() == ["papermill>=2.6,<3", "ipykernel"]
    assert machine.has_papermill()
    assert machine.has(), "the image's own environment is as it was"
    assert (machine.locks / "papermill.txt").read_text() == "jupyterlab==4.0\nnumpy==2.1\n"
    assert not fetched.exists()


@pytest.mark.parametrize("fault", ["UV_FAILS", "UV_KILLS"])
def test_an_interrupted_papermill_installation_is_repeated(machine: Machine, fault: str) -> None:
    machine.install(Software())
    before = len(machine.calls_of("uv"))
    machine.world.environment[fault] = "1"
    assert machine.install_papermill()[0] != 0
    assert any("pip install" in call for call in machine.calls_of("uv")[before:]), "not fired"
    assert not (machine.locks / "papermill.txt").exists()
    del machine.world.environment[fault]
    assert machine.install_papermill()[0] == 0
    assert machine.has_papermill()


def test_values_reach_the_package_managers_unchanged(machine: Machine) -> None:
    nasty = NASTY.replace("/", "_")
    software = Software(requirements="x\n").model_copy(
        update={"packages": (nasty,), "requirements": f"tool @ https://host/{nasty}\n"}
    )
    code, printed = machine.install(software)
    assert code == 0, printed
    assert machine.requirements.read_text().count(nasty) == 2


def test_requirements_may_be_longer_than_a_command_line(machine: Machine, tmp_path: Path) -> None:
    software = Software(requirements="\n".join(f"package-{n}" for n in range(12_000)))
    text = install_software(
        software,
        user=getpass.getuser(),
        digest="aaaa",
        root=str(machine.root),
        locks=str(machine.locks),
        profile=str(machine.profile),
    )
    script = tmp_path / "script"
    script.write_text(text)
    assert machine.world.run(f"bash {script}").returncode == 0
    assert "package-11999" in machine.requirements.read_text()
