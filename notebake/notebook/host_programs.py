"""Small Python programs that run on the host before and after papermill.

They run in papermill's environment, and import only the standard library and dependencies of
papermill.
"""

# ipykernel's kernelspec names just "python", which papermill would replace by its own interpreter
# (jupyter_client/manager.py, format_kernel_cmd): the copy names the image's interpreter.
PREPARE_KERNELS = """\
import json, pathlib, shutil, sys

prefix, copies = map(pathlib.Path, sys.argv[1:])
for spec in prefix.glob("share/jupyter/kernels/*/kernel.json"):
    copy = copies / "kernels" / spec.parent.name
    shutil.copytree(spec.parent, copy)
    kernel = json.loads(spec.read_text(encoding="utf-8"))
    if kernel["argv"][0].startswith("python"):
        kernel["argv"][0] = str(prefix / "bin" / "python")
    (copy / "kernel.json").write_text(json.dumps(kernel), encoding="utf-8")
"""

UNSUITABLE_EXIT_CODE = 65
"""Exit code of `CHECK_NOTEBOOK`, and of the whole script, if the notebook cannot be executed."""

# Finds the faults that `judge_notebook` would find, by the same modules, before papermill begins.
# It also writes the kernel's language to a file: papermill needs it to write parameters into a
# notebook that names no language.
CHECK_NOTEBOOK = f"""\
import json, pathlib, sys

programs, source, kernel, language_file, *names = sys.argv[1:]
sys.path.insert(0, programs)
from jupyter_core.paths import jupyter_path
from notebake.notebook.language import find_language_mismatch, papermill_language
from notebake.notebook.parameters import find_ineffective_parameters


def language_of(kernel):
    for folder in jupyter_path("kernels"):
        for spec in sorted(pathlib.Path(folder).glob("*/kernel.json")):
            if spec.parent.name.lower() == kernel.lower():
                return json.loads(spec.read_text(encoding="utf-8")).get("language", "")
    return None


def read(path):
    try:
        notebook = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        if notebook.get("nbformat", 4) < 4:
            import nbformat

            notebook = nbformat.read(path, as_version=4)
    except Exception:  # papermill will report the error
        return None
    return notebook if isinstance(notebook, dict) else None


language = language_of(kernel)
notebook = read(source)
if notebook is None or language is None:
    sys.exit()
name = papermill_language(kernel, language)
pathlib.Path(language_file).write_text(name or language, encoding="utf-8")
fault = find_language_mismatch(notebook, kernel, language) or find_ineffective_parameters(
    notebook, names, kernel=kernel, language=language
)
if fault:
    print(fault)
    sys.exit({UNSUITABLE_EXIT_CODE})
"""

# If papermill did not write the notebook, or was killed while writing, the source without its
# outputs replaces it: committed outputs must not count as results of this execution.
WRITE_STATUS = """\
import json, pathlib, sys

source, output, log, language, *numbers = sys.argv[1:]
exit_code, microseconds, oom_kills = map(int, numbers)


def read(path):
    try:
        return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def replace(path, content):
    new = pathlib.Path(path + ".new")
    new.write_text(json.dumps(content, indent=1), encoding="utf-8")
    new.replace(path)


if read(output) is None:
    notebook = read(source)
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    for cell in notebook["cells"]:
        if cell.get("cell_type") == "code":
            cell.update(outputs=[], execution_count=None)
    replace(output, notebook)
kernels = []
if exit_code:
    from jupyter_client.kernelspec import find_kernel_specs

    kernels = sorted(find_kernel_specs())
text = pathlib.Path(log).read_text(encoding="utf-8", errors="replace")
status = {"exit_code": exit_code, "seconds": microseconds / 1e6, "oom_kills": oom_kills}
status |= {"kernels": kernels, "log": text[-8000:], "language": language}
replace(output + ".status.json", status)
"""
