"""What an engine runs on and what an image was built for, in the words of image indexes: `linux/arm64`."""

from releaser.model.value import JsonMap

_ARCHITECTURES = {
    "x86_64": "amd64",
    "i386": "386",
    "i686": "386",
    "aarch64": "arm64",
    "armv8l": "arm64",
    "armv7l": "arm/v7",
    "armv6l": "arm/v6",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
}
_ALSO = {"amd64": {"386"}, "arm64": {"arm"}}
"""Architecture → those whose programs it runs beside its own."""


def of_engine(info: JsonMap) -> str:
    """The platform that an engine's `/info` tells."""
    architecture = str(info.get("Architecture"))
    return f"{info.get('OSType', 'linux')}/{_ARCHITECTURES.get(architecture, architecture)}"


def of_image(inspected: JsonMap) -> str:
    """The platform that an image's inspection tells."""
    parts = (inspected.get("Os"), inspected.get("Architecture"), inspected.get("Variant"))
    return "/".join(str(part) for part in parts if part)


def several(info: JsonMap) -> bool:
    """Whether an engine's image store keeps several platforms of an image, and attestations: containerd's does."""
    return "io.containerd.snapshotter" in str(info.get("DriverStatus"))


def serves(have: str, wanted: str) -> bool:
    """Whether what is built for `have` runs where `wanted` is asked for; an older variant does on a newer."""
    system, architecture, variant = _parts(have)
    wanted_system, wanted_architecture, wanted_variant = _parts(wanted)
    if system != wanted_system:
        return False
    if architecture != wanted_architecture:
        return architecture in _ALSO.get(wanted_architecture, ())
    return not variant or not wanted_variant or variant <= wanted_variant


def _parts(platform: str) -> tuple[str, str, str]:
    system, architecture, variant = (*platform.split("/"), "", "")[:3]
    return system, architecture, variant
