"""What makes imports quicker, for every program that imports Pydantic or Prefect."""

import gc
import os


def speed_up_imports() -> None:
    """Spare what imports would do in vain; to be called before them."""
    # They make hundreds of thousands of objects that stay: by default the collector would go
    # through them a thousand times.
    gc.set_threshold(100_000)
    # Pydantic would search all packages that are installed for plugins of its own.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
