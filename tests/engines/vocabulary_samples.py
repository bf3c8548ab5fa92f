"""A value for every word of a service: what it is set in, and what it is set from."""

from collections.abc import Mapping
from typing import Any, NamedTuple

_LISTS = (["preferences", "x"], ["config", "x"])
GONE = object()
KEY = "x"
"""The name that stands for `*`."""


HERE = "/etc"
"""A path that every host has, as Docker looks for it."""


class Sample(NamedTuple):
    """A word's value, the words around it, and what stood there before."""

    value: Any
    around: Mapping[str, Any] = {}
    before: Any = GONE

    def words(self, word: str, value: Any) -> dict[str, Any]:
        """A service with that value at the word's place."""
        found: dict[str, Any] = copied(self.around)
        *above, last = (KEY if key == "*" else key for key in word.split("."))
        if KEY in above and above[-2:] in _LISTS:
            above, last, value = above[:-2], above[-2], [] if value is GONE else [{last: value}]
        at = found
        for key in above:
            at = at.setdefault(key, {})
        if value is not GONE:
            at[last] = value
        return found


def copied(tree: Any) -> Any:
    return {key: copied(value) for key, value in tree.items()} if isinstance(tree, Mapping) else tree


def port(**words: Any) -> Mapping[str, Any]:
    return {"ports": {KEY: {"target": 80, "published": 8000, **words}}}


def mount(kind: str, **words: Any) -> Mapping[str, Any]:
    source = {} if kind == "tmpfs" else {"source": HERE if kind == "bind" else "data"}
    return {"volumes": {KEY: {"type": kind, "target": "/t", **source, **words}}}


CONFIG = {"configs": {KEY: {"name": "x.0123"}}}
SECRET = {"secrets": {KEY: {}}}
JOINED = {"networks": {KEY: {"name": "shop-test1_x"}}}
CHECK = {"healthcheck": {"test": ["CMD", "true"]}}
ALIVE = {"deploy": {"restart_policy": {"condition": "on-failure"}}}

SAMPLES: Mapping[str, Sample] = {
    "image": Sample("web@sha256:1", before="api@sha256:1"),
    "command": Sample("serve --port 80"),
    "entrypoint": Sample(["/bin/serve"]),
    "environment.*": Sample("text"),
    "environment.*.secret": Sample("x", before="other", around={"environment": {KEY: {}}}),
    "working_dir": Sample("/srv"),
    "user": Sample(1000),
    "group_add": Sample([1001]),
    "init": Sample(True),
    "tty": Sample(True),
    "stdin_open": Sample(True),
    "stop_signal": Sample("SIGINT"),
    "stop_grace_period": Sample("30s"),
    "restart": Sample("on-failure:3"),
    "labels": Sample({"a": "b"}),
    "annotations": Sample({"a": "b"}),
    "platform": Sample("linux/arm64"),
    "hostname": Sample("api.shop.test"),
    "domainname": Sample("shop.test"),
    "container_name": Sample("api"),
    "logging.driver": Sample("local"),
    "logging.options": Sample({"max-size": "10m"}, around={"logging": {"driver": "json-file"}}),
    "on": Sample(["rollback"], around={"deploy": {"mode": "replicated-job"}, "release": "v1"}),
    "healthcheck.test": Sample("true", before="false"),
    "healthcheck.interval": Sample("5s", around=CHECK),
    "healthcheck.timeout": Sample("5s", around=CHECK),
    "healthcheck.retries": Sample(5, around=CHECK),
    "healthcheck.start_period": Sample("5s", around=CHECK),
    "healthcheck.start_interval": Sample("5s", around=CHECK),
    "healthcheck.disable": Sample(True, around=CHECK),
    "depends_on.*.condition": Sample("service_healthy", before="service_started"),
    "depends_on.*.restart": Sample(True),
    "depends_on.*.required": Sample(False),
    "ports.*.target": Sample(81, before=80, around=port()),
    "ports.*.published": Sample(8001, around={"ports": {KEY: {"target": 80}}}),
    "ports.*.protocol": Sample("udp", around=port()),
    "ports.*.host_ip": Sample("127.0.0.1", around=port()),
    "ports.*.mode": Sample("host", around=port()),
    "ports.*.app_protocol": Sample("http", around=port()),
    "expose": Sample([81]),
    "networks.*.aliases": Sample(["front"], around=JOINED),
    "networks.*.ipv4_address": Sample("198.18.5.9", around=JOINED),
    "networks.*.ipv6_address": Sample("2001:db8::9", around=JOINED),
    "networks.*.mac_address": Sample("02:42:ac:11:00:09", around=JOINED),
    "networks.*.priority": Sample(10, around={"networks": {"a": {"name": "shop-test1_a"}, **JOINED["networks"]}}),
    "networks.*.driver_opts": Sample({"a": "b"}, around=JOINED),
    "network_mode": Sample("host"),
    "extra_hosts": Sample({"db": "10.0.0.1"}),
    "dns": Sample("1.1.1.1"),
    "dns_search": Sample("shop.test"),
    "dns_opt": Sample(["ndots:1"]),
    "volumes.*.type": Sample("bind", before="volume", around=mount("volume", source=HERE)),
    "volumes.*.source": Sample("/usr", before=HERE, around=mount("bind")),
    "volumes.*.target": Sample("/other", before="/t", around=mount("volume")),
    "volumes.*.read_only": Sample(True, around=mount("volume")),
    "volumes.*.bind.propagation": Sample("rslave", around=mount("bind")),
    "volumes.*.bind.create_host_path": Sample(True, around=mount("bind")),
    "volumes.*.bind.selinux": Sample("z", around=mount("bind")),
    "volumes.*.volume.nocopy": Sample(True, around=mount("volume")),
    "volumes.*.volume.subpath": Sample("a", around=mount("volume")),
    "volumes.*.tmpfs.size": Sample("64M", around=mount("tmpfs")),
    "volumes.*.tmpfs.mode": Sample("01777", around=mount("tmpfs")),
    "tmpfs": Sample(["/run", "/tmp:size=64m"]),
    "shm_size": Sample("128M"),
    "read_only": Sample(True),
    "configs.*.target": Sample("/etc/app", around=CONFIG),
    "configs.*.uid": Sample(1000, around=CONFIG),
    "configs.*.gid": Sample("1000", around=CONFIG),
    "configs.*.mode": Sample("0400", around=CONFIG),
    "secrets.*.target": Sample("/etc/key", around=SECRET),
    "secrets.*.uid": Sample(1000, around=SECRET),
    "secrets.*.gid": Sample("1000", around=SECRET),
    "secrets.*.mode": Sample("0440", around=SECRET),
    "cap_add": Sample(["NET_ADMIN"]),
    "cap_drop": Sample(["ALL"]),
    "security_opt": Sample(["no-new-privileges:true"]),
    "ulimits.*": Sample(100),
    "ulimits.*.soft": Sample(50, around={"ulimits": {KEY: {"hard": 100}}}),
    "ulimits.*.hard": Sample(100, around={"ulimits": {KEY: {"soft": 50}}}),
    "sysctls": Sample({"net.core.somaxconn": 1024}),
    "privileged": Sample(True),
    "devices": Sample(["/dev/null:/dev/zero2"]),
    "pid": Sample("host"),
    "ipc": Sample("shareable"),
    "userns_mode": Sample("host"),
    "cgroup_parent": Sample("shop"),
    "runtime": Sample("runc"),
    "oom_score_adj": Sample(-100),
    "deploy.mode": Sample("global", around={"deploy": {"replicas": 3}}),
    "deploy.replicas": Sample(3),
    "deploy.labels": Sample({"a": "b"}),
    "deploy.endpoint_mode": Sample("dnsrr"),
    "deploy.resources.limits.cpus": Sample("0.5"),
    "deploy.resources.limits.memory": Sample("64M"),
    "deploy.resources.limits.pids": Sample(100),
    "deploy.resources.reservations.cpus": Sample("0.25"),
    "deploy.resources.reservations.memory": Sample("32M"),
    **{
        f"deploy.{section}.{word}": Sample(value, before=before, around={"deploy": {section: {"parallelism": 1}}})
        for section in ("update_config", "rollback_config")
        for word, value, before in (
            ("parallelism", 2, GONE),
            ("delay", "1s", GONE),
            ("failure_action", "continue", GONE),
            ("monitor", "7s", GONE),
            ("max_failure_ratio", "0.5", GONE),
            ("order", "start-first", "stop-first"),
        )
    },
    "deploy.restart_policy.condition": Sample("on-failure", before="none"),
    "deploy.restart_policy.max_attempts": Sample(3, around=ALIVE),
    "deploy.restart_policy.delay": Sample("5s", around=ALIVE),
    "deploy.restart_policy.window": Sample("5s", around=ALIVE),
    "ports.*.ingress.host": Sample("shop.example.com"),
    "ports.*.ingress.path": Sample("/api"),
    "ports.*.ingress.class": Sample("nginx"),
    "ports.*.ingress.tls": Sample("shop-tls"),
    "deploy.autoscale.min": Sample(2),
    "deploy.autoscale.max": Sample(7, before=5),
    "deploy.autoscale.cpu": Sample(70),
    "deploy.placement.constraints": Sample(["node.role==manager"]),
    "deploy.placement.preferences.*.spread": Sample("node.labels.zone"),
    "deploy.placement.max_replicas_per_node": Sample(2),
}

NETWORK: Mapping[str, Sample] = {
    "external": Sample(True),
    "name": Sample("shop-test1_other", before="shop-test1_x"),
    "driver": Sample("macvlan"),
    "driver_opts": Sample({"a": "b"}),
    "internal": Sample(True),
    "attachable": Sample(True),
    "enable_ipv6": Sample(True),
    "ipam.driver": Sample("own"),
    "ipam.options": Sample({"a": "b"}),
    "ipam.config.*.subnet": Sample("172.28.0.0/16"),
    "ipam.config.*.ip_range": Sample("172.28.5.0/24"),
    "ipam.config.*.gateway": Sample("172.28.5.254"),
    "ipam.config.*.aux_addresses": Sample({"router": "172.28.1.5"}),
    "labels": Sample({"a": "b"}),
}

VOLUME: Mapping[str, Sample] = {
    "external": Sample(True),
    "name": Sample("shop-test1_other", before="shop-test1_x"),
    "driver": Sample("own"),
    "driver_opts": Sample({"type": "tmpfs"}),
    "labels": Sample({"a": "b"}),
    "per_replica.size": Sample("10Gi", before="1Gi"),
    "per_replica.storage_class": Sample("fast"),
    "per_replica.access": Sample("ReadWriteMany", before="ReadWriteOnce"),
}
