"""The words of a network and of a volume."""

from releaser.engines.vocabulary import kubernetes
from releaser.engines.vocabulary.cells import no, rows, to

_EXTERNAL = "must be there; it is never made or removed"
_OVERLAY = "remove it: a Swarm's networks are `overlay` unless they say otherwise"
_PER_REPLICA = (
    no("only in Kubernetes has each instance a volume of its own", "declare a volume for a service each"),
) * 3

NETWORK = rows(
    {
        "external": (to(_EXTERNAL), to(_EXTERNAL)),
        "name": (to("Name"), to("Name")),
        "driver": (to("Driver"), no("only `overlay` reaches from node to node", _OVERLAY, "overlay", place="Driver")),
        "driver_opts": (to("Options"), to("Options")),
        "internal": (to("Internal"), to("Internal")),
        "attachable": (to("Attachable"), to("Attachable")),
        "enable_ipv6": (to("EnableIPv6"), to("EnableIPv6")),
        "ipam.driver": (to("IPAM.Driver"), to("IPAM.Driver")),
        "ipam.options": (to("IPAM.Options"), to("IPAM.Options")),
        "ipam.config.*.subnet": (to("IPAM.Config[].Subnet"), to("IPAM.Config[].Subnet")),
        "ipam.config.*.ip_range": (to("IPAM.Config[].IPRange"), to("IPAM.Config[].IPRange")),
        "ipam.config.*.gateway": (to("IPAM.Config[].Gateway"), to("IPAM.Config[].Gateway")),
        "ipam.config.*.aux_addresses": (
            to("IPAM.Config[].AuxiliaryAddresses"),
            to("IPAM.Config[].AuxiliaryAddresses"),
        ),
        "labels": (to("Labels"), to("Labels")),
    },
    kubernetes.NETWORK,
)

VOLUME = rows(
    {
        "external": (to(_EXTERNAL), to("is on each node, or made there by Docker; it is never removed")),
        "name": (to("Name"), to("Mounts[].Source")),
        "driver": (to("Driver"), to("Mounts[].VolumeOptions.DriverConfig.Name")),
        "driver_opts": (to("DriverOpts"), to("Mounts[].VolumeOptions.DriverConfig.Options")),
        "labels": (to("Labels"), to("Mounts[].VolumeOptions.Labels")),
        "per_replica.size": _PER_REPLICA,
        "per_replica.storage_class": _PER_REPLICA,
        "per_replica.access": _PER_REPLICA,
    },
    kubernetes.VOLUME,
)
