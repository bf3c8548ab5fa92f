"""Which variables become `vars`, and which become secrets: the texts of an import in the declarations' language."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from releaser.imports.secret_looks import holds_password, is_path, name_looks_secret, value_is_harmless
from releaser.imports.secret_names import SecretNames
from releaser.imports.shells import reads_environment
from releaser.imports.texts import Piece, Text, Variable
from releaser.imports.tree import Node, at, entries, is_list, is_map, is_text
from releaser.model.value import Location, Path, dotted

BUILT_IN = frozenset({"project", "environment"})


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """What a person said of names that look like secrets, or do not."""

    secret: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()

    def secret_by_name(self, name: str) -> bool:
        """Whether a variable of this name holds a secret."""
        return name in self.secret or (name not in self.plain and name_looks_secret(name))


@dataclass(frozen=True, kw_only=True)
class Exposed:
    """A secret where the declarations can refer to none."""

    variable: str
    path: str
    place: Location


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A variable that must have a value."""

    variable: str
    said: str
    place: Location


@dataclass(kw_only=True)
class Var:
    """One of `vars`."""

    value: str
    default: str | None
    origin: str


@dataclass
class Settled:
    """What the texts of an import came to."""

    vars: dict[str, Var] = field(default_factory=dict)
    exposed: list[Exposed] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    by_looks: dict[str, Location] = field(default_factory=dict)  # names that nobody decided about


class Settling:
    """Settles the parts of an import one by one; the first use of a variable names it."""

    def __init__(self, decisions: Decisions, taken: frozenset[str]) -> None:
        self.result = Settled()
        self.secrets = SecretNames(taken)
        self._decisions = decisions
        self._secret_variables: set[str] = set()
        self._environment: dict[str, str] = {}  # of the service at hand: variable of a secret → its key there

    def learn(self, service: Node) -> None:
        """Variables whose whole value is what a service knows by a secret's name are secrets everywhere."""
        for key, value in entries(at(service, "environment")):
            for variable in value.value.variables:
                self.secrets.reserve(variable.name)
            sole = value.value.sole
            if sole is None or sole.name in self._decisions.plain or not self._decisions.secret_by_name(key):
                continue
            if _unset(sole) or not value_is_harmless(sole.value):
                self._secret_variables.add(sole.name)

    def service(self, name: str, node: Node) -> Node:
        """A service, settled."""
        self._environment = {}
        values = {}
        environment = at(node, "environment")
        if environment is not None:
            settled = {key: self._variable(name, key, value) for key, value in environment.value.items()}
            values["environment"] = environment.with_value(settled)
        for word, child in node.value.items():
            if word != "environment":
                values[word] = self.tree(child, ("services", name, word))
        return node.with_value({word: values[word] for word in node.value if word in values})

    def tree(self, node: Node, path: Path) -> Node:
        """Any other part, settled."""
        if is_map(node):
            return node.with_value({key: self.tree(child, (*path, key)) for key, child in node.value.items()})
        if is_list(node):
            shell = reads_environment(path, node)
            return node.with_value(
                [
                    self._leaf(child, (*path, str(index)), shell=index == shell)
                    for index, child in enumerate(node.value)
                ],
                {},
            )
        return self._leaf(node, path, shell=reads_environment(path, node) is not None)

    def _leaf(self, node: Node, path: Path, *, shell: bool) -> Node:
        if not is_text(node.value):
            return self.tree(node, path) if is_map(node) or is_list(node) else self._number(node)
        found = node.with_value(self._written(node.value, path, node.place, shell=shell), {})
        switches = dict.fromkeys(piece.switch for piece in node.value.pieces if piece.switch)
        found.note = ", ".join(f"as ${{{name}:+…}} says" for name in switches)
        return found

    def _number(self, node: Node) -> Node:
        """A number, or true or false: no name can stand for it, so a comment says which one did."""
        if node.written is None:
            return node
        self._note_missing(node.written, node.place)
        found = node.with_value(node.value, {})
        found.note = ", ".join(
            f"${{{name}}}" for name in dict.fromkeys(variable.name for variable in node.written.variables)
        )
        return found

    # --- variables ---

    def _variable(self, service: str, key: str, node: Node) -> Node:
        """A variable of a service: a text, or a reference to a secret."""
        text: Text = node.value
        secrets = [variable for variable in text.variables if self._is_secret(variable)]
        if not secrets and not self._literal_secret(key, text):
            path = ("services", service, "environment", key)
            return node.with_value(self._written(text, path, node.place), {})
        for name in [variable.name for variable in secrets] or [key]:
            self._looks_secret(name, node.place)
        if text.sole is not None and secrets:
            secret = self.secrets.of_variable(text.sole, node.place)
        else:
            self._note_missing(text, node.place, but=secrets)
            secret = self.secrets.of_text(service, key, text, node.place, self._is_secret)
        self._environment.setdefault(self.secrets.sources[secret], key)
        return node.with_value({"secret": node.with_value(secret, {})}, {})

    def _looks_secret(self, name: str, place: Location) -> None:
        if name not in self._decisions.secret:
            self.result.by_looks.setdefault(name, place)

    def _is_secret(self, variable: Variable) -> bool:
        harmless = is_path(variable.value) if variable.value else not _unset(variable)
        if harmless or variable.name in self._decisions.plain:
            return False
        known = variable.name in self._secret_variables or self._decisions.secret_by_name(variable.name)
        return known or holds_password(Text.of(variable.value))

    def _literal_secret(self, key: str, text: Text) -> bool:
        told = text.sole is not None and text.sole.name in self._decisions.plain
        if told or key in self._decisions.plain or value_is_harmless(text.plain):
            return False
        return self._decisions.secret_by_name(key) or holds_password(text)

    # --- texts ---

    def _written(self, text: Text, path: Path, place: Location, *, shell: bool = False) -> str:
        """The text as the declarations write it."""
        self._note_missing(text, place)
        return "".join(self._piece(piece, path, place, shell=shell) for piece in text.pieces)

    def _piece(self, piece: Piece, path: Path, place: Location, *, shell: bool) -> str:
        variable = piece.variable
        if variable is None:
            return piece.text.replace("$", "$$")
        if self._is_secret(variable):
            if shell and variable.name in self._environment:
                return f"$${{{self._environment[variable.name]}}}"
            self._looks_secret(variable.name, place)
            self.result.exposed.append(Exposed(variable=variable.name, path=dotted(path), place=place))
            return ""
        if not piece.whole:
            return piece.text.replace("$", "$$")
        return f"${{{self._var(variable, path)}}}"

    def _var(self, variable: Variable, path: Path) -> str:
        wished = f"{variable.name}_" if variable.name in BUILT_IN else variable.name
        owner = "".join(c if c.isalnum() else "_" for c in path[1].upper()) if len(path) > 1 else "2"
        name, number = wished, 2
        while (known := self.result.vars.get(name)) is not None and known.value != variable.value:
            name = f"{wished}_{owner}" if number == 2 else f"{wished}_{owner}_{number - 1}"
            number += 1
        if known is None:
            self.result.vars[name] = Var(value=variable.value, default=variable.default, origin=variable.origin)
        elif known.default is None:
            known.default = variable.default
        return name

    def _note_missing(self, text: Text, place: Location, but: Sequence[Variable] = ()) -> None:
        for variable in text.variables:
            if variable.missing is not None and variable not in but:
                self.result.missing.append(Missing(variable=variable.name, said=variable.missing, place=place))


def _unset(variable: Variable) -> bool:
    return not variable.origin and variable.default is None
