"""A file of faults, in JSON or YAML."""

from pathlib import Path

from sandbox.faults.fault import Fault, FaultError, read_faults


def read_fault_file(path: Path) -> list[Fault]:
    """Return the faults of a file. Raises FaultError, which names the file, fault and field."""
    # `python -m sandbox install` runs where no library is installed yet.
    import yaml

    try:
        described = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FaultError(f"The faults in {path} cannot be read: {error}") from error
    try:
        return read_faults(described)
    except FaultError as error:
        raise FaultError(f"{path}: {error}") from error
