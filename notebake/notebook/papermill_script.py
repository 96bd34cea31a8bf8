"""The script that runs papermill on a host, and leaves a result however it ends.

papermill has its own environment; the kernel is the image's. The script writes a small status file
beside the executed notebook as its last act: the fields of `ExecutionStatus` as JSON.
"""

import inspect
from shlex import join
from types import ModuleType

from notebake.commands.shell import script, variables
from notebake.notebook import language, value_uses
from notebake.notebook import parameters as notebook_parameters
from notebake.notebook.host_programs import (
    CHECK_NOTEBOOK,
    PREPARE_KERNELS,
    UNSUITABLE_EXIT_CODE,
    WRITE_STATUS,
)
from notebake.notebook.parameters_file import parameters_as_yaml

PAPERMILL = "/opt/notebake/papermill/bin/papermill"
PYTHON_PREFIX = "/opt/notebake/python"
HOST_MODULES = (language, value_uses, notebook_parameters)
GRACE_SECONDS = 20
"""Enough for papermill to interrupt, end and kill a kernel (5 + 5 s), and to save the notebook."""

# The kernel's key, histories and temporary files are removed when the script ends. jupyter_client
# writes the key's file by tempfile (jupyter_client/connect.py), hence TMPDIR.
PREPARE = """\
export LC_ALL=C.UTF-8
rm --force -- "$output" "$output.status.json"
[ -f "$notebook" ] || { echo "There is no notebook $notebook" >&2; exit 66; }
[ -d "$directory" ] || { echo "There is no directory $directory" >&2; exit 66; }
mkdir --parents -- "$(dirname -- "$output")"
# Not in /tmp, which may be mounted noexec: notebooks compile code into these directories.
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

RUN_PAPERMILL = f"""\
language=$(cat "$runtime/language")
run_papermill() {{
    timeout --signal=INT --kill-after={GRACE_SECONDS} "$seconds" env --default-signal=INT \\
        "$papermill" --kernel "$kernel" --cwd "$directory" --start-timeout "$seconds" \\
        --autosave-cell-every 10 --parameters_file "$runtime/parameters.yaml" \\
        ${{language:+--language "$language"}} --no-progress-bar --log-output \\
        "$notebook_template" "$output_template"
}}"""

EXECUTE = """\
count_oom_kills() { awk '$1 == "oom_kill" { n = $2 } END { print n + 0 }' /proc/vmstat; }
oom_kills=$(count_oom_kills)
started=${EPOCHREALTIME/./}
exit_code=$check_code
if [ "$check_code" = 0 ]; then
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
    """Return the path of the status file: the fields of `ExecutionStatus` as JSON."""
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
    """Return the login user's script that executes a notebook and exits with papermill's exit code.

    Exit code 124 means the time limit, 138 a dead kernel, 65 a notebook that does not fit the
    kernel or the parameters and was not executed, 66 a missing notebook or directory: only then
    there is no status file. Tests set another `papermill` and `python_prefix`.
    """
    values = variables(
        notebook=notebook_path,
        output=output_path,
        directory=working_directory,
        prefix=python_prefix,
        python=papermill.removesuffix("papermill") + "python",
        papermill=papermill,
        kernel=kernel,
        seconds=timeout_seconds,
        notebook_template=_escape_braces(notebook_path),
        output_template=_escape_braces(output_path),
    )
    return script(
        values,
        PREPARE,
        *(_write_module(module) for module in HOST_MODULES),
        _here_document('"$python" - "$prefix" "$runtime/jupyter"', PREPARE_KERNELS),
        *_check(parameters),
        _here_document('cat > "$runtime/parameters.yaml"', parameters_as_yaml(parameters)),
        RUN_PAPERMILL,
        EXECUTE,
        _here_document(WRITE_STATUS_COMMAND, WRITE_STATUS),
        'exit "$exit_code"',
    )


def _check(parameters: dict[str, str | int | float | bool]) -> tuple[str, ...]:
    """Return commands that set `check_code` to 0, or to UNSUITABLE_EXIT_CODE."""
    command = f"{CHECK_COMMAND} {join(parameters)}"
    return (
        "check_code=0",
        _here_document(command, CHECK_NOTEBOOK, then=' | tee -- "$runtime/log" || check_code=$?'),
        f'[ "$check_code" = 0 ] || [ "$check_code" = {UNSUITABLE_EXIT_CODE} ]',
    )


def _write_module(module: ModuleType) -> str:
    """Return a command that writes one of our modules where the host's programs import it."""
    name = module.__name__.rpartition(".")[2]
    return _here_document(
        f'cat > "$runtime/programs/notebake/notebook/{name}.py"', inspect.getsource(module)
    )


def _here_document(command: str, text: str, then: str = "") -> str:
    """Return a command with a text as its stdin, which the shell does not expand."""
    return f"{command} <<'END_OF_TEXT'{then}\n{text}END_OF_TEXT"


def _escape_braces(path: str) -> str:
    """Return a path in which papermill finds no template fields."""
    return path.replace("{", "{{").replace("}", "}}")
