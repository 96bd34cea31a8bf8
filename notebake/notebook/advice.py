"""What to change where a notebook did not pass: first by the error itself, else by its kind."""

import re
import sys

from notebake.notebook.verdict import NotebookKind

# PyPI's and conda-forge's names where they are not the module's.
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
"""Modules that Python had, and the version without them (https://peps.python.org/pep-0594/)."""
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
"""Debian's and Ubuntu's packages of libraries that wheels expect."""
NO_LIBRARY = re.compile(r"(\S+\.so[\w.]*): cannot open shared object file")

ADVICE_BY_KIND: dict[NotebookKind, str] = {
    "passed": "",
    "cell_error": "The executed notebook holds the whole traceback; it has been fetched.",
    "missing_module": "Add the package that has this module to software.packages in the recipe.",
    "asks_for_input": "Nobody is there to answer: give the value by notebook.parameters, or take"
    " the question out of the notebook.",
    "dead_kernel": "Most often this is too little memory: take a larger instance type, or less"
    " data. A crash in compiled code looks the same.",
    "timed_out": "If it only needs longer, raise notebook.timeout_seconds in the recipe. What it"
    " had printed so far is in the executed notebook.",
    "missing_kernel": "Name one of these in notebook.kernel, or install the other by software.",
    "other_language": "Name a kernel of its language in notebook.kernel, and install it; for R:"
    " software.apt: [r-cran-irkernel] and notebook.kernel: ir.",
    "idle_parameters": "A parameter must be given a default in the one code cell that is tagged"
    " `parameters`, and be used behind it; otherwise leave it out of notebook.parameters.",
    "papermill_failed": "The notebook itself may be sound: look at the log of this step.",
    "too_little": "Either the notebook skips its work here, or minimum_cells and minimum_figures"
    " in the recipe ask for more than it has.",
    "no_verdict": "The notebook must print the text of notebook.verdict where all is well.",
}


def advise_module(module: str) -> str:
    """Return what to do about a module that was not found; with a point, its top one is there."""
    top, _, inner = module.partition(".")
    package = PACKAGES.get(top, top)
    if inner and top in sys.stdlib_module_names:
        return f"It is no part of Python's own {top}: mend the import."
    if inner:
        return (
            f"This version of {package} does not have it: name an older one in software.packages,"
            f" such as {package}<VERSION, or mend the import."
        )
    if top in REMOVED_MODULES:
        return (
            f"Python itself had it before {REMOVED_MODULES[top]}: mend the import, or take an older"
            ' Python by software.manager: conda with python: "3.11".'
        )
    known = package if top in PACKAGES else "the package that has it"
    return (
        f"Add {known} to software.packages in the recipe; if it is a file of the repository, name"
        " the folder in which it lies in notebook.working_directory."
    )


def advise_error(message: str) -> str:
    """Return what to do about an error that tells it; empty where it does not."""
    if found := NO_LIBRARY.search(message):
        package = LIBRARIES.get(found[1].rpartition("/")[2])
        known = f": {package}" if package else ""
        return f"Add the distribution's package that has {found[1]} to software.apt{known}."
    return ""
