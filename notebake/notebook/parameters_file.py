"""papermill's parameters file, in a subset of YAML that every YAML 1.1 parser reads alike."""


def parameters_as_yaml(parameters: dict[str, str | int | float | bool]) -> str:
    """Return parameters as ASCII lines of YAML that are read back with their types."""
    return "".join(f"{_as_yaml(name)}: {_as_yaml(value)}\n" for name, value in parameters.items())


def _as_yaml(value: str | int | float | bool) -> str:
    """Return one scalar; a YAML 1.1 float needs a point, and names infinity differently."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return repr(value).replace("nan", ".nan").replace("inf", ".inf")
        mantissa, _, exponent = repr(value).partition("e")
        point = "" if "." in mantissa else ".0"
        sign = "" if exponent[:1] in "+-" else "+"
        return f"{mantissa}{point}e{sign}{exponent}" if exponent else mantissa
    if isinstance(value, int):
        return str(value)
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(character: str) -> str:
    """Return one character of a double-quoted YAML scalar, in ASCII."""
    if " " <= character <= "~" and character not in '"\\':
        return character
    return f"\\U{ord(character):08x}"
