"""Prefect's command, as `python -m prefect`, with quicker imports."""

from flows.quick_imports import hasten_imports

if __name__ == "__main__":
    hasten_imports()
    from prefect.cli import app

    app()
