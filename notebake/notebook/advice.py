"""Advice after a notebook failed: by a specific error message, else by the kind of failure."""

import re
import sys

from notebake.notebook.verdict import NotebookKind

# Package names on PyPI and conda-forge that differ from the module's name.
PACKAGES = {
    "attr": "attrs",
    "Bio": "biopython",
    "bs4": "beautifulsoup4",
    "Crypto": "pycryptodome",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "faiss": "faiss-cpu",
    "fitz": "pymupdf",
    "git": "gitpython",
    "mpl_toolkits": "matplotlib",
    "osgeo": "gdal",
    "PIL": "pillow",
    "pkg_resources": "setuptools<81",
    "psycopg2": "psycopg2-binary",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "yaml": "pyyaml",
}
REMOVED_MODULES = {
    **dict.fromkeys(("asynchat", "asyncore", "distutils", "imp", "smtpd"), "3.12"),
    **dict.fromkeys(("aifc", "audioop", "cgi", "cgitb", "crypt", "imghdr", "lib2to3"), "3.13"),
    **dict.fromkeys(("pipes", "sndhdr", "telnetlib", "uu", "xdrlib"), "3.13"),
}
"""Former standard modules, and the first version without them (PEP 594,
https://peps.python.org/pep-0594/)."""
LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgomp.so.1": "libgomp1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libSM.so.6": "libsm6",
    "libsndfile.so.1": "libsndfile1",
    "libXext.so.6": "libxext6",
    "libXrender.so.1": "libxrender1",
}
"""Packages in Debian and Ubuntu of libraries that wheels expect."""
NO_LIBRARY = re.compile(r"(\S+\.so[\w.]*): cannot open shared object file")

ADVICE_BY_KIND: dict[NotebookKind, str] = {
    "passed": "",
    "cell_error": "The executed notebook, kept with the run, has the whole traceback.",
    "missing_module": "Add the package that has this module to software.packages in the recipe.",
    "asks_for_input": "The build cannot answer: set the value by notebook.parameters, or remove"
    " the input from the notebook.",
    "dead_kernel": "The usual reason is too little memory: choose a larger instance type, or use"
    " less data. A crash in compiled code looks the same.",
    "timed_out": "If it only needs longer, raise notebook.timeout_seconds in the recipe. The"
    " executed notebook has the output so far.",
    "missing_kernel": "Set notebook.kernel to one of these, or install the kernel by software.",
    "other_language": "Set notebook.kernel to a kernel of its language, and install it; for R:"
    " software.apt: [r-cran-irkernel] and notebook.kernel: ir.",
    "idle_parameters": "A parameter needs a default in the code cell that is tagged `parameters`,"
    " and a later use; otherwise remove it from notebook.parameters.",
    "papermill_failed": "The notebook itself may be correct: see the log of this step.",
    "too_little": "Either the notebook skips its work here, or minimum_cells and minimum_figures"
    " in the recipe ask for more than it has.",
    "no_verdict": "The notebook must print the text of notebook.verdict when it succeeds.",
}


def advise_module(module: str) -> str:
    """Return what to do about a missing module; of a dotted name, the top module exists."""
    top, _, inner = module.partition(".")
    package = PACKAGES.get(top, top)
    if inner and top in sys.stdlib_module_names:
        return f"Python's own {top} does not have it: correct the import."
    if inner:
        return (
            f"This version of {package} does not have it: pin an older one in software.packages,"
            f" such as {package}<VERSION, or correct the import."
        )
    if top in REMOVED_MODULES:
        return (
            f"Python {REMOVED_MODULES[top]} removed it: replace the import, or use an older Python"
            ' by software.manager: conda with python: "3.11".'
        )
    known = package if top in PACKAGES else "the package that has it"
    return (
        f"Add {known} to software.packages in the recipe; if it is a file of the repository, set"
        " notebook.working_directory to its folder."
    )


def advise_error(message: str) -> str:
    """Return what to do about an error message; "" if the message is not specific enough."""
    if found := NO_LIBRARY.search(message):
        package = LIBRARIES.get(found[1].rpartition("/")[2])
        known = f": {package}" if package else ""
        return f"Add the package that provides {found[1]} to software.apt{known}."
    return ""
