"""The frozen record that everything is which travels between parts."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A frozen record."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
