"""The words below `deploy`."""

from releaser.engines.vocabulary import kubernetes
from releaser.engines.vocabulary.cells import Row, idle, no, rows, to

_ONE_HOST = "there is one host, and nothing to choose from"
_OURS = "a failed delivery ends as `on_failure` says"
_BACK = "the way back goes as the way forward"
_STABLE = "`stable` says how long a container is watched"
_OWN_DELAY = "Docker waits a little longer each time"

_AUTOSCALE = (no("only Kubernetes scales by itself", "write `replicas`"),) * 3


def _rollout(word: str, place: str) -> tuple[Row, ...]:
    docker = {
        "parallelism": idle("instances are replaced one after another", told=True),
        "delay": idle("instances are replaced one after another", told=True),
        "failure_action": idle(_OURS, told=True),
        "monitor": idle(_STABLE, told=True),
        "max_failure_ratio": idle(_OURS, told=True),
        "order": to("how containers are replaced"),
    }
    names = {
        "parallelism": "Parallelism",
        "delay": "Delay",
        "failure_action": "FailureAction",
        "monitor": "Monitor",
        "max_failure_ratio": "MaxFailureRatio",
        "order": "Order",
    }
    back = idle(_BACK, told=True)
    return rows(
        {
            f"deploy.{word}.{key}": (docker[key] if word == "update_config" else back, to(f"{place}.{name}"))
            for key, name in names.items()
        },
        kubernetes.SERVICE,
    )


_POLICY = {
    "deploy.restart_policy.condition": (
        to("HostConfig.RestartPolicy.Name"),
        to("RestartPolicy.Condition"),
    ),
    "deploy.restart_policy.max_attempts": (
        to("HostConfig.RestartPolicy.MaximumRetryCount"),
        to("RestartPolicy.MaxAttempts"),
    ),
    "deploy.restart_policy.delay": (idle(_OWN_DELAY, told=True), to("RestartPolicy.Delay")),
    "deploy.restart_policy.window": (idle(_OWN_DELAY, told=True), to("RestartPolicy.Window")),
}

DEPLOY = (
    *rows(
        {
            "deploy.mode": (to("`global` is one instance: one host is one node"), to("Mode")),
            "deploy.replicas": (to("so many containers"), to("Mode.Replicated.Replicas")),
            "deploy.labels": (no("plain Docker has containers, and no services", "write `labels`"), to("Labels")),
            "deploy.endpoint_mode": (
                no(
                    "plain Docker has no virtual addresses: a name leads to every instance",
                    "write `dnsrr`, or remove it",
                    "dnsrr",
                ),
                to("EndpointSpec.Mode"),
            ),
            "deploy.resources.limits.cpus": (to("HostConfig.NanoCpus"), to("Resources.Limits.NanoCPUs")),
            "deploy.resources.limits.memory": (to("HostConfig.Memory"), to("Resources.Limits.MemoryBytes")),
            "deploy.resources.limits.pids": (to("HostConfig.PidsLimit"), to("Resources.Limits.Pids")),
            "deploy.resources.reservations.cpus": (
                idle("nothing keeps processors free on one host", told=True),
                to("Resources.Reservations.NanoCPUs"),
            ),
            "deploy.resources.reservations.memory": (
                to("HostConfig.MemoryReservation"),
                to("Resources.Reservations.MemoryBytes"),
            ),
        },
        kubernetes.SERVICE,
    ),
    *_rollout("update_config", "UpdateConfig"),
    *_rollout("rollback_config", "RollbackConfig"),
    *rows(_POLICY, kubernetes.SERVICE),
    *rows(
        {
            "deploy.autoscale.min": _AUTOSCALE,
            "deploy.autoscale.max": _AUTOSCALE,
            "deploy.autoscale.cpu": _AUTOSCALE,
            "deploy.placement.constraints": (idle(_ONE_HOST, told=True), to("Placement.Constraints")),
            "deploy.placement.preferences.*.spread": (idle(_ONE_HOST, told=True), to("Placement.Preferences")),
            "deploy.placement.max_replicas_per_node": (idle(_ONE_HOST, told=True), to("Placement.MaxReplicas")),
        },
        kubernetes.SERVICE,
    ),
)
