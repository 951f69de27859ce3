"""Removes control characters from text that is printed."""


def without_control_characters(text: str) -> str:
    """The text with "?" for each unprintable character: a name must not control the terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)
