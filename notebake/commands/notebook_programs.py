"""Two small Python programs that run on the host, before and after papermill.

Both run in papermill's environment and need the standard library and jupyter_client alone.
"""

# The wheel's kernelspec says just "python", which papermill would take for its own
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

# A notebook that papermill never wrote, or was killed while writing, is replaced by the source
# without its outputs: what was committed with it must not pass for what ran here.
WRITE_STATUS = """\
import json, pathlib, sys

source, output, log, *numbers = sys.argv[1:]
exit_code, microseconds, oom_kills = map(int, numbers)


def read(path):
    try:
        return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def replace(path, content):
    new = pathlib.Path(path + ".new")
    new.write_text(json.dumps(content, indent=1), encoding="utf-8")
    new.replace(path)


if read(output) is None:
    notebook = read(source)
    if not isinstance(notebook, dict):
        notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    for cell in notebook.get("cells", []):
        if cell.get("cell_type") == "code":
            cell.update(outputs=[], execution_count=None)
    replace(output, notebook)
kernels = []
if exit_code:
    from jupyter_client.kernelspec import find_kernel_specs

    kernels = sorted(find_kernel_specs())
text = pathlib.Path(log).read_text(encoding="utf-8", errors="replace")
status = {"exit_code": exit_code, "seconds": microseconds / 1e6, "oom_kills": oom_kills}
replace(output + ".status.json", status | {"kernels": kernels, "log": text[-8000:]})
"""
