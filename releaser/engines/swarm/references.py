"""What a service's body refers to by name, as the engine knows it."""

from collections.abc import Mapping

from releaser.model.value import JsonMap, Value


class Object(Value, frozen=True, kw_only=True):
    """A config or a secret of the Swarm."""

    id: str
    name: str


class References(Value, frozen=True, kw_only=True):
    """Everything that names in a service's body stand for; secrets' values too, so it is never shown."""

    networks: Mapping[str, str] = {}  # real name → id
    configs: Mapping[str, Object] = {}  # name by content → the object
    secrets: Mapping[str, Object] = {}  # declared name → the object
    values: Mapping[str, str] = {}  # declared name of a secret → what its variables get
    volumes: Mapping[str, JsonMap] = {}  # real name → how it is made where it is not there yet

    def network(self, name: str) -> str:
        """The id of a network; its name where the engine is to find it."""
        return self.networks.get(name, name)

    def __repr__(self) -> str:
        return f"References({', '.join(sorted(self.networks))}, values hidden)"
