"""JSON trees as people read them: indented, as in YAML, and safe for a terminal."""

from collections.abc import Iterator

from releaser.model.value import Json
from releaser.planning.redact import printable


def tree(value: Json) -> Iterator[str]:
    """The lines of a value."""
    import yaml  # noqa: PLC0415 - only where a tree is shown

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the same value twice is written twice
            return True

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            del indentless  # lists stand in, below their key
            return super().increase_indent(flow, indentless=False)

    def text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
        style = "|" if "\n" in data else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    Plain.add_representer(str, text)
    dumped = yaml.dump(value, Dumper=Plain, sort_keys=False, allow_unicode=True, width=10_000)
    for line in printable(dumped, lines=True).splitlines():
        if line != "...":
            yield line
