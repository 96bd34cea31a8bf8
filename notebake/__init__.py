"""What the runbook can do. Imports no Prefect."""


def installed_version() -> str:
    """Return the version of the installed package."""
    from importlib import metadata  # it takes longer than all else that help needs

    try:
        return metadata.version("notebake")
    except metadata.PackageNotFoundError:
        return "not installed: run from its source"
