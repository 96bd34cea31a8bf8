"""uv, which builds the Python environments: a pinned version, verified by hash.

The pip wheel that comes with Python's venv module downloads uv. That takes 3 s; a virtual
environment with its own pip would take 8 s. The wheel is unpacked first, as importing pip from the
archive costs most of a second.
"""

from shlex import quote

UV_VERSION = "0.13.9"
UV_HASHES = (
    # x86_64, then aarch64; both manylinux_2_17
    "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
    "5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe",
)


def uv_requirement() -> str:
    """Return the requirement line that pins uv by version and hash."""
    return " ".join((f"uv=={UV_VERSION}", *(f"--hash=sha256:{digest}" for digest in UV_HASHES)))


# pip's configuration files; the later ones take precedence (pip's documentation, "Configuration").
PRINT_CONFIGURED_INDEX = """\
import configparser, os, pathlib

home = pathlib.Path(os.environ.get("HOME") or "/")
files = ["/etc/xdg/pip/pip.conf", "/etc/pip.conf", home / ".pip/pip.conf"]
files += [home / ".config/pip/pip.conf", os.environ.get("PIP_CONFIG_FILE") or "/dev/null"]
settings = configparser.RawConfigParser(strict=False)
try:
    settings.read(files)
except configparser.Error:
    pass
for section in ("install", "global"):
    if settings.has_option(section, "index-url"):
        print(settings.get(section, "index-url").strip())
        break
"""

UV_ENVIRONMENT = r"""
export UV_CACHE_DIR=$root/cache UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1
# Builds execute files that they have unpacked, and /tmp may be mounted noexec.
mkdir --parents "$root/tmp"
export TMPDIR=$root/tmp
# uv does not read pip's configuration, but its index is meant for both.
PIP_INDEX_URL=${PIP_INDEX_URL:-$(python3 -I -c PRINT_CONFIGURED_INDEX)}
if [ -n "$PIP_INDEX_URL" ]; then
    export PIP_INDEX_URL UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$PIP_INDEX_URL}
fi
if [ -n "${packages_until:-}" ]; then
    # What was uploaded later is as good as not there.
    export UV_EXCLUDE_NEWER=$packages_until
fi
exempt=()
for package in ${packages_at_once:-}; do
    exempt+=(--exclude-newer-package "$package=false")
done
uv=$root/uv/bin/uv
""".replace("PRINT_CONFIGURED_INDEX", quote(PRINT_CONFIGURED_INDEX))

FIND_WHEEL = """
import ensurepip, pathlib, sys
places = (pathlib.Path("/usr/share/python-wheels"), pathlib.Path(ensurepip.__file__).parent)
wheel = str(next(wheel for place in places for wheel in sorted(place.rglob("pip-*.whl"))))
"""
PRINT_DEFAULT_INDEX = f"""{FIND_WHEEL}
sys.path.insert(0, wheel)
from pip._internal.models.index import PyPI
print(PyPI.simple_url)
"""
"""Prints pip's default index."""

DEFAULT_INDEX = "https://pypi.org/simple"
"""What pip and uv ask where nothing is configured (docs.astral.sh/uv, "Package indexes")."""
PRINT_INDEX = f"""\
import contextlib, io, os

configured = io.StringIO()
with contextlib.redirect_stdout(configured):
    exec({PRINT_CONFIGURED_INDEX!r})
environment = os.environ.get("PIP_INDEX_URL") or os.environ.get("UV_DEFAULT_INDEX")
if environment or configured.getvalue():
    print(environment or configured.getvalue())
else:
    exec({PRINT_DEFAULT_INDEX!r})
"""
"""Prints the index that pip uses on this machine: the configured one, or else pip's default."""

CHECK_INDEX_REACHABLE = r"""
index=${PIP_INDEX_URL:-$(python3 -I -c PRINT_DEFAULT_INDEX)}
case ${PIP_NO_INDEX:+none}$index in
    http://* | https://*) check_reachable "the index of Python packages" all "$index" ;;
esac
""".replace("PRINT_DEFAULT_INDEX", quote(PRINT_DEFAULT_INDEX))
"""Fails if the index that pip and uv will use cannot be reached."""

INSTALL_UV = r"""
wanted=${uv_requirement%% *}
installed=$("$uv" --version 2> /dev/null | cut --delimiter=' ' --fields=2 || true)
if [ "uv==$installed" != "$wanted" ]; then
    echo "Python: downloading $wanted"
    rm --recursive --force "$root/uv"
    wheel=$(python3 -I -c PRINT_WHEEL)
    rm --recursive --force "$root/pip"
    python3 -m zipfile --extract "$wheel" "$root/pip"
    python3 "$root/pip/pip" install --quiet --disable-pip-version-check --no-cache-dir \
        --no-compile --no-deps --only-binary :all: --require-hashes --target "$root/uv" \
        --requirement <(echo "$uv_requirement")
    rm --recursive --force "$root/pip"
fi
""".replace("PRINT_WHEEL", quote(f"{FIND_WHEEL}print(wheel)\n"))

FILTER_UV_OUTPUT = """\
import pathlib, re, sys

file, name = sys.argv[1:]
text = pathlib.Path(file).read_bytes()


def line_of(position):
    return f"{name}, line {text.count(bytes([10]), 0, int(position[1])) + 1}"


for line in sys.stdin:
    if not re.match(r" [+~-] ", line):
        line = re.sub(rf"`?{re.escape(file)}`? at position (\\d+)", line_of, line)
        sys.stdout.write(line.replace(file, name))
        sys.stdout.flush()
"""
"""Prints uv's output without the list of packages, which the lock file has, and with the line of
the user's own file instead of a position in the copy."""

# Bytecode is not compiled here: that costs more than it saves at the first start of JupyterLab and
# a kernel. The first use writes the bytecode, and so it still becomes part of the image.
INSTALL_BY_UV = r"""
install_by_uv() {
    "$uv" pip install --python "$root/python/bin/python" \
        "${exempt[@]}" "${@:3}" --requirements "$1" 2>&1 |
        python3 -I -c FILTER_UV_OUTPUT "$1" "$2"
}
""".replace("FILTER_UV_OUTPUT", quote(FILTER_UV_OUTPUT))
"""Defines `install_by_uv FILE NAME OPTION…`; messages about FILE call it NAME."""

BUILD_WITH_PIP = r"""
rm --recursive --force "$root/python"
echo "Python: building the environment with uv"
"$uv" --quiet venv --python "$(command -v python3)" "$root/python"
printf '%s\n' "$packages" > "$root/tmp/packages.txt"
install_by_uv "$requirements" requirements.txt --requirements "$root/tmp/packages.txt"
"""

DEFINE_LOCKING = r"""
mkdir --parents "$locks"
freeze() { "$root/uv/bin/uv" --quiet --no-cache pip freeze --python "$root/$1/bin/python"; }
keep() { cat > "$locks/$1.new" && mv "$locks/$1.new" "$locks/$1"; }
"""
