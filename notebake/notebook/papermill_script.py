"""How papermill runs a notebook on a host, so that there is always something to fetch.

papermill lives in an environment of its own; the kernel is the image's. Beside the executed
notebook lies a small status file, written last: exactly the arguments that `judge_notebook` takes.
"""

import inspect
from shlex import join, quote
from types import ModuleType

from notebake.notebook import language, value_uses
from notebake.notebook import parameters as notebook_parameters
from notebake.notebook.host_programs import (
    CHECK_NOTEBOOK,
    PREPARE_KERNELS,
    UNSUITABLE_EXIT_CODE,
    WRITE_STATUS,
)

PAPERMILL = "/opt/notebake/papermill/bin/papermill"
PYTHON_PREFIX = "/opt/notebake/python"
HOST_MODULES = (language, value_uses, notebook_parameters)
GRACE_SECONDS = 20
"""Enough for papermill to interrupt, end and kill a kernel (5 + 5 s), and to save the notebook."""

# The kernel's key, the history and temporary files go when the script goes. The key's file is
# made by tempfile, not in Jupyter's runtime directory (jupyter_client/connect.py), hence TMPDIR.
PREPARE = """\
rm --force -- "$output" "$output.status.json"
[ -f "$notebook" ] || { echo "There is no notebook $notebook" >&2; exit 66; }
[ -d "$directory" ] || { echo "There is no directory $directory" >&2; exit 66; }
mkdir --parents -- "$(dirname -- "$output")"
# Not in /tmp, which may be mounted noexec: what a notebook compiles lies in these directories.
runtime=$(mktemp --directory --tmpdir="$(dirname -- "$output")" notebake-XXXXXX)
trap 'rm --recursive --force -- "$runtime"' EXIT
mkdir -- "$runtime/tmp"
export TMPDIR="$runtime/tmp"
export JUPYTER_PATH="$runtime/jupyter"
export JUPYTER_RUNTIME_DIR="$runtime/jupyter-runtime"
export IPYTHONDIR="$runtime/ipython"
mkdir --parents -- "$runtime/programs/notebake/notebook"
: > "$runtime/programs/notebake/__init__.py"
: > "$runtime/programs/notebake/notebook/__init__.py"
: > "$runtime/language"
: > "$runtime/log"
export PATH="$prefix/bin:$PATH\""""

CHECK_COMMAND = '"$python" - "$runtime/programs" "$notebook" "$kernel" "$runtime/language"'

EXECUTE = """\
language=$(cat "$runtime/language")
count_oom_kills() { awk '$1 == "oom_kill" { n = $2 } END { print n + 0 }' /proc/vmstat; }
oom_kills=$(count_oom_kills)
started=${EPOCHREALTIME/./}
exit_code=$fitness
if [ "$fitness" = 0 ]; then
    set +e
    run_papermill < /dev/null 2>&1 | tee -- "$runtime/log"
    exit_code=${PIPESTATUS[0]}
    set -e
fi
microseconds=$((${EPOCHREALTIME/./} - started))
oom_kills=$(($(count_oom_kills) - oom_kills))"""

WRITE_STATUS_COMMAND = (
    '"$python" - "$notebook" "$output" "$runtime/log" "$language"'
    ' "$exit_code" "$microseconds" "$oom_kills"'
)


def status_path(output_path: str) -> str:
    """Return where the status file lies: JSON, the keyword arguments of `judge_notebook`."""
    return f"{output_path}.status.json"


def notebook_script(
    *,
    notebook_path: str,
    output_path: str,
    working_directory: str,
    parameters: dict[str, str | int | float | bool],
    kernel: str,
    timeout_seconds: int,
    papermill: str = PAPERMILL,
    python_prefix: str = PYTHON_PREFIX,
) -> str:
    """Return the script with which the login user runs a notebook; ends with papermill's exit code.

    Exit code 124 is the time limit, 138 a dead kernel, 65 a notebook that is not fit for what is
    asked of it and was not begun, 66 a notebook or directory that is not there: only then is there
    no status file. Another papermill and prefix are for tests.
    """
    options = {
        "--kernel": kernel,
        "--cwd": working_directory,
        "--start-timeout": str(timeout_seconds),
        "--autosave-cell-every": "10",
    }
    python = quote(papermill.removesuffix("papermill") + "python")
    command = [papermill, *(word for option in options.items() for word in option)]
    paths = [_braces_doubled(notebook_path), _braces_doubled(output_path)]
    return "\n".join(
        (
            "set -euo pipefail",
            "umask 022",
            "export LC_ALL=C.UTF-8",
            f"notebook={quote(notebook_path)}",
            f"output={quote(output_path)}",
            f"directory={quote(working_directory)}",
            f"prefix={quote(python_prefix)}",
            f"python={python}",
            f"kernel={quote(kernel)}",
            PREPARE,
            *(_program(module) for module in HOST_MODULES),
            _here_document('"$python" - "$prefix" "$runtime/jupyter"', PREPARE_KERNELS),
            "fitness=0",
            _here_document(
                f"{CHECK_COMMAND} {join(parameters)}",
                CHECK_NOTEBOOK,
                then=' | tee -- "$runtime/log" || fitness=$?',
            ),
            f'[ "$fitness" = 0 ] || [ "$fitness" = {UNSUITABLE_EXIT_CODE} ]',
            _here_document('cat > "$runtime/parameters.yaml"', parameters_as_yaml(parameters)),
            f"run_papermill() {{ timeout --signal=INT --kill-after={GRACE_SECONDS}"
            f" {timeout_seconds} env --default-signal=INT {join(command)}"
            ' --parameters_file "$runtime/parameters.yaml"'
            ' ${language:+--language "$language"}'
            f" --no-progress-bar --log-output {join(paths)}; }}",
            EXECUTE,
            _here_document(WRITE_STATUS_COMMAND, WRITE_STATUS),
            'exit "$exit_code"\n',
        )
    )


def _program(module: ModuleType) -> str:
    """Return a command that puts one of our own modules where the host's programs find it."""
    name = module.__name__.rpartition(".")[2]
    return _here_document(
        f'cat > "$runtime/programs/notebake/notebook/{name}.py"', inspect.getsource(module)
    )


def _here_document(command: str, text: str, then: str = "") -> str:
    """Return a command that is given a text, in which nothing is the shell's."""
    return f"{command} <<'END_OF_TEXT'{then}\n{text}END_OF_TEXT"


def parameters_as_yaml(parameters: dict[str, str | int | float | bool]) -> str:
    """Return parameters as plain ASCII lines of YAML that come back with their types."""
    return "".join(f"{_as_yaml(name)}: {_as_yaml(value)}\n" for name, value in parameters.items())


def _as_yaml(value: str | int | float | bool) -> str:
    """Return one scalar; a YAML 1.1 float needs a point, and infinity has a name of its own."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return repr(value).replace("nan", ".nan").replace("inf", ".inf")
        mantissa, _, exponent = repr(value).partition("e")
        point = "" if "." in mantissa else ".0"
        sign = "" if exponent[:1] in "+-" else "+"
        return f"{mantissa}{point}e{sign}{exponent}" if exponent else mantissa
    if isinstance(value, int):
        return str(value)
    return '"' + "".join(_escaped(character) for character in value) + '"'


def _escaped(character: str) -> str:
    """Return one character of a double-quoted YAML scalar, in ASCII."""
    if " " <= character <= "~" and character not in '"\\':
        return character
    return f"\\U{ord(character):08x}"


def _braces_doubled(path: str) -> str:
    """Return a path in which papermill finds no template to fill in."""
    return path.replace("{", "{{").replace("}", "}}")
