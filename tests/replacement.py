"""Other values for names of modules and classes, in a process whose world is never put back.

A test that goes on in the same process uses monkeypatch instead, which puts the values back.
"""


def replace(owner: object, **values: object) -> None:
    """Give attributes that the owner has other values; AttributeError where it has none."""
    for name, value in values.items():
        getattr(owner, name)
        setattr(owner, name, value)
