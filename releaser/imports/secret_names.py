"""The secrets of an import: a name and a variable for each value, and no value kept where it could be printed."""

from collections.abc import Callable

from releaser.imports.secret_looks import literal_password
from releaser.imports.texts import Text, Variable
from releaser.model.documents import ImportedSecret
from releaser.model.value import Location


class SecretNames:
    """Gives names; the same value, or the same variable, is one secret."""

    def __init__(self, taken: frozenset[str]) -> None:
        self.sources: dict[str, str] = {}  # name → the variable that it is read from
        self.imported: list[ImportedSecret] = []
        self._taken = taken  # names that the Compose file declares itself
        self._held: dict[str, str] = {}  # variable → what it holds

    def reserve(self, variable: str) -> None:
        """The variable is one that Compose knows: nothing else is read from it."""
        self._held.setdefault(variable, f"${variable}")

    def of_variable(self, variable: Variable, place: Location) -> str:
        """The secret that is a variable's whole value."""
        default_at = f"{place.file}:{place.line}" if variable.default else None
        return self._named(variable.name, place, variable.origin or default_at)

    def of_text(
        self, service: str, key: str, text: Text, place: Location, is_secret: Callable[[Variable], bool]
    ) -> str:
        """The secret that is a text of a service: one with a secret in it, or one written out."""
        variable = self._free(service, key, text.plain)
        template = _template(text, is_secret)
        value_at = f"{place.file}:{place.line}" if template is None else None
        return self._named(variable, place, value_at, template)

    def _free(self, service: str, key: str, value: str) -> str:
        """The variable to read a value from: its own name, unless another value has it."""
        number = 1
        name = key
        while self._held.setdefault(name, value) != value:
            own = f"{service}_{key}" if number == 1 else f"{service}_{key}_{number}"
            name, number = "".join(c if c.isalnum() else "_" for c in own.upper()), number + 1
        return name

    def _named(self, variable: str, place: Location, value_at: str | None, template: str | None = None) -> str:
        known = next((name for name, source in self.sources.items() if source == variable), None)
        if known is not None:
            return known
        name = variable.lower()
        while name in self._taken or name in self.sources:
            name += "_env"
        self.sources[name] = variable
        self.imported.append(
            ImportedSecret(name=name, variable=variable, used=place, value_at=value_at, template=template)
        )
        return name


def _template(text: Text, is_secret: Callable[[Variable], bool]) -> str | None:
    """What a secret is made of, its variables by name; None where a secret is written out in it."""
    secrets = [piece for piece in text.pieces if piece.variable is not None and is_secret(piece.variable)]
    if not secrets or literal_password(text) or not all(piece.whole for piece in secrets):
        return None
    return "".join(
        f"${{{piece.variable.name}}}" if piece in secrets and piece.variable is not None else piece.text
        for piece in text.pieces
    )
