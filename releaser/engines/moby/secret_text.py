"""The value of a secret as a variable holds it."""

from releaser.model.errors import ApplyFailed


def as_text(name: str, value: bytes) -> str:
    """The value as text. Raises ApplyFailed where it is none."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ApplyFailed(
            f"the value of the secret {name} is no text, so no variable can hold it",
            hint=f"mount it as a file: `secrets: {{{name}: {{}}}}`",
        )
    return text
