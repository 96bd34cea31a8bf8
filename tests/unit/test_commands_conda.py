"""conda's way, for real: rattler solves and installs from a channel that the tests have made.

The only fakes are uv, which hands on the rattler of the development environment instead of
fetching it, and who owns what; the channel is served by HTTP on this machine.
"""

import asyncio
import getpass
import http.server
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from notebake.commands.conda import RATTLER_HASHES
from notebake.commands.software import install_software, parse_locks, software_is_installed
from notebake.commands.uv import UV_VERSION
from notebake.recipe import Software
from tests.conda_channel import PYTHON, python_package, whole_channel, write_channel
from tests.preflight_world import serving
from tests.unit.shell_world import ShellWorld, shell_world

pytest.importorskip("rattler", reason="py-rattler is of the development environment")
FAKE_UV = f"""case "$*" in
    --version) echo 'uv {UV_VERSION} (fake)' ;;
    *" venv "*) at="${{@: -1}}"; mkdir -p "$at/bin"
        printf '#!/bin/sh\\nPYTHONPATH=%s${{PYTHONPATH:+:$PYTHONPATH}} exec %s "$@"\\n' \\
            "$rattler_path" "$own_python" > "$at/bin/python"
        chmod 755 "$at/bin/python" ;;
    *"pip freeze"*) echo jupyterlab==4.0.0 ;;
    *"pip install"*)
        while [ $# -gt 0 ]; do
            [ "$1" != --requirements ] || {{ echo "== $2"; cat "$2"; }} >> "$asked"
            shift
        done
        if [ -n "${{uv_says:-}}" ] && grep -q pip.txt "$asked"; then
            printf '%b\\n' "$uv_says" >&2; exit 1
        fi ;;
esac"""


class Machine:
    """A host whose conda settings name the channel of the tests."""

    def __init__(self, world: ShellWorld, address: str) -> None:
        self.world, self.address = world, address
        self.root, self.locks = world.directory / "opt", world.directory / "locks"
        self.profile, self.requirements = world.directory / "notebake.sh", world.directory / "asked"
        path = ":".join(
            str(Path(spec.origin).parents[1 + depth])
            for name, depth in (("rattler", 0), ("ruamel.yaml", 1))
            if (spec := importlib.util.find_spec(name)) and spec.origin
        )
        world.environment |= {
            "HOME": str(world.directory),
            "CONDA_CHANNEL_ALIAS": address,
            "rattler_path": path,
            "own_python": sys.executable,
            "asked": str(self.requirements),
            # What the one who runs the tests has set for himself is none of the machine's.
            "CONDARC": "",
            "XDG_CONFIG_HOME": "",
        }
        world.fake("dpkg-query", "exit 0")
        uv = self.root / "uv" / "bin" / "uv"
        uv.parent.mkdir(parents=True)
        shutil.copy(world.fake("uv", FAKE_UV), uv)

    def text(self, software: Software, digest: str) -> str:
        return install_software(
            software,
            user=getpass.getuser(),
            digest=digest,
            root=str(self.root),
            locks=str(self.locks),
            profile=str(self.profile),
        )

    def install(self, software: Software, digest: str = "aaaa") -> tuple[int, str]:
        script = self.world.directory / "script"
        script.write_text(self.text(software, digest))
        done = self.world.run(f"bash {script}")
        return done.returncode, done.stdout + done.stderr

    def settings(self, text: str) -> None:
        """Write a .condarc."""
        path = self.world.directory / "condarc"
        path.write_text(text)
        self.world.environment["CONDARC"] = str(path)

    def has(self, digest: str = "aaaa") -> bool:
        asks = software_is_installed(digest, str(self.root), "conda")
        return self.world.run(asks).returncode == 0

    def version_of(self, module: str) -> str:
        python = str(self.root / "python/bin/python")
        program = f"import {module}; print({module}.__version__)"
        done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def lock(self, name: str) -> str:
        return (self.locks / name).read_text()


class Channel(http.server.SimpleHTTPRequestHandler):
    """Serves channels, to whoever gives the login, where one is wanted."""

    login = ""

    def do_GET(self) -> None:
        if self.login and self.headers.get("Authorization") != self.login:
            self.send_error(401)
            return
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def channels_served(folder: Path) -> Iterator[str]:
    """Serve a folder whose `conda-forge` is the tests' channel."""
    whole_channel(folder / "conda-forge")
    with serving(partial(Channel, directory=str(folder))) as address:
        yield address


@contextmanager
def machine_opened(folder: Path) -> Iterator[Machine]:
    """Give a machine whose conda-forge is the tests' channel."""
    (folder / "machine").mkdir()
    with channels_served(folder / "served") as address:
        yield Machine(shell_world(folder / "machine"), address)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with machine_opened(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Give a machine on which the environment was made, for whoever only looks."""
    with machine_opened(tmp_path_factory.mktemp("built")) as opened:
        assert not opened.has()
        code, printed = opened.install(conda(ENVIRONMENT, packages=("liba",), pip=("utm==0.7",)))
        assert code == 0, printed
        yield opened


def conda(text: str = "", **more: object) -> Software:
    """Return software whose environment.yml holds these lines."""
    return Software(manager="conda", requirements=text or None, **more)


ENVIRONMENT = """\
channels: [conda-forge, defaults]
dependencies:
  - python=3
  - libb
  - pip:
      - -e git+https://host/tool.git@v1#egg=tool
variables:
  depth: 200 m
"""


def test_an_environment_file_is_solved_and_installed(built: Machine) -> None:
    assert built.has()
    assert not built.has("aaab")
    assert built.version_of("liba") == "1.0", "libb needs one below 2"
    requirements = built.requirements.read_text()
    assert "\n\n\n\n\n\ntool @ git+https://host/tool.git@v1\n" in requirements, (
        "in its own line, the 6th"
    )
    assert "\nutm==0.7\n" in requirements
    assert all(f"{name} --hash=sha256:" in requirements for name in RATTLER_HASHES)
    assert not (built.root / "rattler").exists(), "it is no part of the image"
    assert not (built.root / "asked/conda").exists()


def test_the_solution_is_kept_so_that_conda_can_make_it_again(built: Machine) -> None:
    explicit = built.lock("conda-explicit.txt").splitlines()
    at = explicit.index("@EXPLICIT")
    assert len(explicit) - at - 1 == len(list((built.root / "python/conda-meta").glob("*.json")))
    for line in explicit[at + 1 :]:
        assert line.startswith(f"{built.address}/conda-forge/")
        assert len(line.rpartition("#sha256:")[2]) == 64
    names = [line.rpartition("/")[2].split("-")[0] for line in explicit]
    assert names.index("liba") < names.index("libb"), "after what it needs"
    environment = built.lock("environment.yml")
    assert "  - libb=1.0=0\n" in environment
    assert f"  - {json.dumps(built.address + '/conda-forge')}\n" in environment
    assert "/conda-26.3.2-0.tar.bz2#sha256:" in built.lock("conda-itself-explicit.txt")
    assert "conda-explicit.txt" in parse_locks(
        built.world.run(
            f"cd {built.locks} && for name in *; do"
            ' printf "%s %s\\n" "$name" "$(base64 --wrap=0 "$name")"; done'
        ).stdout
    )


def test_conda_is_available_in_the_environment(built: Machine) -> None:
    login = built.world.run(
        f". {built.profile}; conda; printenv CONDA_PREFIX LIBB_DATA; echo $conda_is_defined"
    )

    prefix = built.root / "python"
    assert login.stdout.split("\n")[:4] == [
        f"conda of {built.root}/conda",
        str(prefix),
        f"{prefix}/share/libb",
        "yes",
    ], login.stderr
    history = (prefix / "conda-meta/history").read_text().splitlines()
    assert history[0].startswith("==> ")
    assert "+conda-forge/noarch::libb-1.0-0" in history
    assert history[-1].startswith("# update specs: [")
    assert '"libb"' in history[-1]
    settings = (built.root / "conda/.condarc").read_text().splitlines()
    assert 'channels: ["conda-forge"]' in settings
    assert 'channel_priority: "strict"' in settings


def test_a_kernel_has_the_variables_of_an_activated_environment(built: Machine) -> None:
    prefix = built.root / "python"
    kernel = json.loads((prefix / "share/jupyter/kernels/python3/kernel.json").read_text())
    assert kernel["argv"] == ["python", "-m", "ipykernel_launcher"]
    wanted = {
        "LIBB_DATA": f"{prefix}/share/libb",
        "CONDA_PREFIX": str(prefix),
        "DEPTH": "200 m",
        "KEPT": "own",
    }
    assert {name: kernel["env"].get(name) for name in wanted} == wanted
    assert "PATH" not in kernel["env"]


def test_an_unchanged_list_is_not_rebuilt_and_a_changed_one_is(machine: Machine) -> None:
    assert machine.install(conda(packages=("liba",)))[0] == 0
    assert machine.version_of("liba") == "2.0"
    inode = (machine.root / "python/conda-meta/history").stat().st_ino
    assert machine.install(conda(packages=("liba",)))[0] == 0
    assert (machine.root / "python/conda-meta/history").stat().st_ino == inode
    (machine.root / "python/left-over").touch()

    code, printed = machine.install(conda(packages=("liba=1",)), "bbbb")

    assert code == 0, printed
    assert machine.version_of("liba") == "1.0"
    assert not (machine.root / "python/left-over").exists()
    assert (machine.has("aaaa"), machine.has("bbbb")) == (False, True)
    assert "liba-1.0-0" in machine.lock("conda-explicit.txt")
    assert "liba-2.0-0" not in machine.lock("conda-explicit.txt")


KILLED_AT = ("conda-meta/python-*.json", "conda-meta/liba-*.json", "conda-meta/history")


@pytest.mark.parametrize("at", KILLED_AT)
def test_an_interrupted_installation_is_completed(machine: Machine, at: str) -> None:
    script = machine.world.directory / "script"
    script.write_text(machine.text(conda(packages=("libb",)), "aaaa"))
    environment = {**machine.world.environment, "PATH": machine.world.path}
    process = subprocess.Popen(
        ["bash", str(script)],
        cwd=machine.world.directory,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None and not list((machine.root / "python").glob(at)):
        pass
    killed = process.poll() is None
    if killed:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()

    assert not killed or not machine.has(), "half of it is not done"
    code, printed = machine.install(conda(packages=("libb",)))

    assert code == 0, printed
    assert machine.has()
    assert machine.version_of("libb") == "1.0"
    assert machine.version_of("liba") == "1.0"


TROUBLES = {
    "a conflict": (
        "  - libb\n  - needsnew\n",
        ("fulfils the whole list", "liba >=2", "liba <2", "conflicts with the versions"),
    ),
    "an unknown package": (
        "  - liba\n  - nosuchthing\n",
        ("error: There is no package nosuchthing (line 3) in http://",),
    ),
    "an unknown version": (
        "  - liba=7\n  - nosuchthing\n",
        ("No liba=7 (line 2) is in http://", "there are 1.0, 2.0", "nosuchthing (line 3)"),
    ),
    "a driver": ("  - ongpu\n", ("__cuda >=12", "CONDA_OVERRIDE_CUDA", "__glibc")),
}


@pytest.mark.parametrize(("lines", "words"), TROUBLES.values(), ids=TROUBLES.keys())
def test_an_unavailable_package_gives_a_readable_error(
    machine: Machine, lines: str, words: tuple[str, ...]
) -> None:
    code, printed = machine.install(conda(f"dependencies:\n{lines}"))

    assert code != 0
    for word in words:
        assert word in printed, printed
    assert "Traceback" not in printed
    assert not machine.has()


def test_virtual_packages_of_the_base_image_are_used(machine: Machine) -> None:
    machine.world.environment["CONDA_OVERRIDE_CUDA"] = "12.4"

    code, printed = machine.install(conda(packages=("ongpu",)))

    assert code == 0, printed


def test_an_archive_with_a_wrong_hash_is_refused_and_downloaded_again(
    machine: Machine, tmp_path: Path
) -> None:
    file = next((tmp_path / "served/conda-forge").glob("noarch/repodata.json"))
    right = file.read_text()
    index = json.loads(right)
    index["packages"]["liba-2.0-0.tar.bz2"]["sha256"] = "0" * 64
    file.write_text(json.dumps(index))

    code, printed = machine.install(conda(packages=("liba",)))

    assert code != 0
    assert "does not match its checksum in the channel's index" in printed
    assert not machine.has()
    file.write_text(right)
    shutil.rmtree(machine.root / "cache/conda/repodata")
    assert machine.install(conda(packages=("liba",)))[0] == 0


def test_a_channel_that_does_not_answer_is_named(machine: Machine) -> None:
    machine.world.environment |= {"CONDA_CHANNEL_ALIAS": "http://127.0.0.1:9", "reach_seconds": "0"}

    code, printed = machine.install(conda(packages=("liba",)))

    assert code != 0
    assert "cannot reach the channels of conda packages" in printed


def test_a_missing_channel_is_named(machine: Machine) -> None:
    code, printed = machine.install(conda("channels: [nosuch]\ndependencies: [liba]\n"))

    assert code != 0
    assert "There is no conda channel" in printed
    assert "/nosuch/" in printed


def test_uv_errors_in_the_pip_section_name_the_line_of_the_file(machine: Machine) -> None:
    at = machine.root / "asked/conda/pip.txt"
    # The second entry begins behind five ends of lines and the first entry.
    machine.world.environment["uv_says"] = f"error: Could not parse `{at}` at position 14"
    text = "dependencies:\n  - liba\n  - pip:\n    # theirs\n    - utm==0.7\n    - other\n"

    code, printed = machine.install(conda(text))

    assert code != 0
    assert "environment.yml, line 6" in printed, printed


def test_a_company_channel_without_conda_is_reported(machine: Machine, tmp_path: Path) -> None:
    for file in tmp_path.glob("served/conda-forge/*/repodata.json"):
        index = json.loads(file.read_text())
        packages = index["packages"].items()
        index["packages"] = {
            key: package for key, package in packages if package["name"] != "conda"
        }
        file.write_text(json.dumps(index))

    code, printed = machine.install(conda(packages=("liba",)))

    assert code != 0
    assert "conda itself cannot be installed on the image. There is no package conda" in printed


def test_channels_follow_the_file_with_strict_priority(machine: Machine, tmp_path: Path) -> None:
    write_channel(tmp_path / "served/mine", [python_package("liba", "0.5")])

    code, printed = machine.install(
        conda("channels: [mine, nodefaults]\ndependencies: [liba, ipykernel]\n")
    )

    assert code == 0, printed
    assert machine.version_of("liba") == "0.5", "the first channel that has it, though it is older"


def test_a_package_of_a_named_channel_comes_from_there(machine: Machine, tmp_path: Path) -> None:
    write_channel(tmp_path / "served/mine", [python_package("liba", "0.5")])

    code, printed = machine.install(conda("dependencies: ['mine::liba', 'defaults::needsnew']\n"))

    assert code != 0
    assert "fulfils the whole list" in printed
    assert machine.install(conda("dependencies: ['mine::liba', 'defaults::pip']\n"))[0] == 0
    assert machine.version_of("liba") == "0.5"


CONDARC = """\
channel_alias: http://127.0.0.1:9/nowhere
custom_channels:
  conda-forge: {address}
default_channels: ["{address}/theirs"]
"""


def test_a_condarc_defines_where_company_channels_are(machine: Machine, tmp_path: Path) -> None:
    del machine.world.environment["CONDA_CHANNEL_ALIAS"]
    write_channel(tmp_path / "served/theirs", [python_package("liba", "0.7")])
    machine.settings(CONDARC.format(address=machine.address))

    code, printed = machine.install(conda("channels: [defaults]\ndependencies: [liba]\n"))

    assert code == 0, printed
    assert machine.version_of("liba") == "0.7", "its own copy of what `defaults` means"
    assert "default_channels" not in (machine.root / "conda/.condarc").read_text()


def test_a_sharded_index_is_read_again_when_unchanged(machine: Machine, tmp_path: Path) -> None:
    from rattler.index import index_fs

    asyncio.run(index_fs(tmp_path / "served/conda-forge"))
    assert list(tmp_path.glob("served/conda-forge/*/repodata_shards.msgpack.zst"))

    for digest in ("aaaa", "bbbb"):
        code, printed = machine.install(conda(packages=("liba",)), digest)
        assert code == 0, printed
        assert machine.has(digest)


def test_a_mirror_replaces_its_channel(machine: Machine) -> None:
    machine.world.environment["CONDA_CHANNEL_ALIAS"] = "http://127.0.0.1:9"
    machine.world.environment["reach_seconds"] = "0"
    machine.settings(f"mirrored_channels:\n  conda-forge: ['{machine.address}/conda-forge']\n")

    code, printed = machine.install(conda(packages=("liba",)))

    assert code == 0, printed


def write_authority(folder: Path) -> tuple[Path, tuple[Path, Path]]:
    """Write an authority's certificate, and one that it gives to the loopback address, with key."""
    names = ("ca.pem", "ca.key", "server.pem", "server.key", "request.pem", "extensions")
    ca, ca_key, server, server_key, request, extensions = (folder / name for name in names)
    extensions.write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    new = ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1"]
    by = ["-CA", str(ca), "-CAkey", str(ca_key), "-CAcreateserial"]
    for words in (
        [*new, "-x509", "-keyout", str(ca_key), "-out", str(ca)],
        [*new, "-keyout", str(server_key), "-out", str(request)],
        [
            "x509",
            "-req",
            "-in",
            str(request),
            *by,
            "-extfile",
            str(extensions),
            "-out",
            str(server),
        ],
    ):
        subprocess.run(["openssl", *words], check=True, capture_output=True)
    return ca, (server, server_key)


def test_the_certificate_authority_in_the_conda_settings_is_trusted(
    machine: Machine, tmp_path: Path
) -> None:
    authority, pair = write_authority(tmp_path)
    folder = str(tmp_path / "served")
    with serving(partial(Channel, directory=folder), certificate=pair) as address:
        settings = f"channel_alias: {address}\nssl_verify: "
        del machine.world.environment["CONDA_CHANNEL_ALIAS"]
        machine.settings(f"{settings}true\n")
        code, printed = machine.install(conda(packages=("liba",)))
        assert code != 0
        assert "certificate" in printed
        machine.settings(f"{settings}{authority}\n")

        code, printed = machine.install(conda(packages=("liba",)))

        assert code == 0, printed


def test_the_proxy_in_the_conda_settings_is_used(machine: Machine, tmp_path: Path) -> None:
    class Proxy(Channel):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            assert url.hostname == "channels.invalid"
            self.path = url.path
            super().do_GET()

    del machine.world.environment["CONDA_CHANNEL_ALIAS"]
    with serving(partial(Proxy, directory=str(tmp_path / "served"))) as address:
        machine.settings(
            f"channel_alias: http://channels.invalid\nproxy_servers:\n  http: {address}\n"
        )

        code, printed = machine.install(conda(packages=("liba",)))

    assert code == 0, printed
    assert "http://channels.invalid/conda-forge/" in machine.lock("conda-explicit.txt")


def files_with(text: bytes, *places: Path) -> list[Path]:
    """Return the files below these places that hold the text, while others come and go."""
    found = []
    for folder, _, names in (each for place in places for each in os.walk(place)):
        for path in (Path(folder, name) for name in names):
            with suppress(OSError):
                found += [path] if text in path.read_bytes() else []
    return found


def test_credentials_in_a_channel_url_are_used_and_not_stored(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile: list[list[Path]] = []
    answer = Channel.do_GET

    def look_and_answer(channel: Channel) -> None:
        meanwhile.append(files_with(b"s3cr3t", machine.root))
        answer(channel)

    monkeypatch.setattr(Channel, "do_GET", look_and_answer)
    monkeypatch.setattr(Channel, "login", "Basic bWU6czNjcjN0")
    machine.world.environment["CONDA_CHANNEL_ALIAS"] = machine.address.replace("//", "//me:s3cr3t@")

    code, printed = machine.install(conda(packages=("liba",)))

    assert code == 0, printed
    assert files_with(b"s3cr3t", machine.root, machine.locks) == []
    assert meanwhile
    assert not any(meanwhile), "a snapshot keeps the blocks of a file that was removed"
    monkeypatch.setattr(Channel, "login", "Basic bm90Om1l")
    code, printed = machine.install(conda(packages=("liba",)), "bbbb")
    assert code != 0
    assert "requires a login" in printed
    assert "s3cr3t" not in printed


def test_a_python_version_is_one_that_the_channel_offers(machine: Machine) -> None:
    code, printed = machine.install(conda(python="3.7"))

    assert code != 0
    assert f"No python=3.7 is in {machine.address}/conda-forge" in printed
    assert f"there are {PYTHON}.9" in printed
