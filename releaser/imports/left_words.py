"""Words of Compose that the declarations do not have, with why, and what there is instead."""

from collections.abc import Mapping
from typing import NamedTuple


class Reason(NamedTuple):
    """Why a word is left out."""

    why: str
    harmless: bool = False  # nothing runs otherwise without it


_NO_WORD = "the declarations have no word for it"
_CPU = f"{_NO_WORD}; `deploy.resources.limits.cpus` limits processors"

SERVICE: Mapping[str, Reason] = {
    "attach": Reason("it is about `docker compose up` alone", harmless=True),
    "blkio_config": Reason(_NO_WORD),
    "cgroup": Reason(_NO_WORD),
    "cpu_count": Reason(_CPU),
    "cpu_percent": Reason(_CPU),
    "cpu_period": Reason(_CPU),
    "cpu_quota": Reason(_CPU),
    "cpu_rt_period": Reason(_CPU),
    "cpu_rt_runtime": Reason(_CPU),
    "cpu_shares": Reason(_CPU),
    "cpuset": Reason(_CPU),
    "credential_spec": Reason("it is about Windows"),
    "develop": Reason("it is about `docker compose watch` alone", harmless=True),
    "device_cgroup_rules": Reason(_NO_WORD),
    "external_links": Reason("join the other container's network: `networks: {NAME: {external: true}}`"),
    "gpus": Reason("devices of this kind are not delivered"),
    "isolation": Reason("it is about Windows"),
    "mem_swappiness": Reason(_NO_WORD),
    "memswap_limit": Reason(_NO_WORD),
    "models": Reason("models are not delivered"),
    "oom_kill_disable": Reason(_NO_WORD),
    "post_start": Reason("nothing is run in a container that was started; let its command do it"),
    "pre_start": Reason('write a service with `restart: "no"` that this one awaits'),
    "pre_stop": Reason("nothing is run before a container stops; let it listen to its stop signal"),
    "provider": Reason("there is no container behind it"),
    "pull_policy": Reason("a release has a digest for each image: it is pulled where it is not there", harmless=True),
    "pull_refresh_after": Reason("a release has a digest for each image", harmless=True),
    "storage_opt": Reason(_NO_WORD),
    "use_api_socket": Reason("mount the engine's socket: `volumes`"),
    "uts": Reason(_NO_WORD),
    "volumes_from": Reason("name the other service's volumes in `volumes`"),
}
"""Words of a service."""

DOCUMENT: Mapping[str, Reason] = {
    "version": Reason("Compose does not read it any more", harmless=True),
    "models": Reason("models are not delivered"),
}
"""Words of the whole file."""

RESERVED_DEVICES = Reason("devices of this kind are not delivered")
"""`deploy.resources.reservations.devices`."""

UNKNOWN = Reason("Compose does not know it either", harmless=True)
"""A word of the whole file that is nowhere."""
