"""What a cluster makes of every word: the fields of Kubernetes' objects; `pod.` is below `spec.template.spec`."""

from collections.abc import Mapping

from releaser.engines.vocabulary.cells import Cell, idle, no, to

_OURS = "`release` itself"
_FLAT = "all pods reach each other; a NetworkPolicy of your own says who may not"
_ADDRESS = "a cluster gives addresses itself"
_BY_NAME = "remove it: services reach each other by their names"
_NODE = "the node's container runtime decides that for all pods"
_POD = "set it on the nodes, or remove it"
_FAILED = "a failed delivery ends as `on_failure` says"
_BACK = "the way back goes as the way forward"
_OWN_DELAY = "a node waits a little longer each time"
_ROOT = "files belong to root, and `mode` says who may read"


def _rollouts() -> dict[str, Cell]:
    forward = {
        "parallelism": to("strategy.rollingUpdate.maxSurge (start-first) or maxUnavailable (stop-first)"),
        "delay": idle("a Deployment waits for no time between steps", told=True),
        "failure_action": idle(_FAILED, told=True),
        "monitor": idle("`stable` says how long pods are watched", told=True),
        "max_failure_ratio": idle(_FAILED, told=True),
        "order": to("strategy: maxSurge or maxUnavailable; Recreate where one pod alone may write a volume"),
    }
    return {f"deploy.update_config.{word}": cell for word, cell in forward.items()} | {
        f"deploy.rollback_config.{word}": idle(_BACK, told=True) for word in forward
    }


SERVICE: Mapping[str, Cell] = {
    "image": to("containers[].image"),
    "command": to("containers[].args, `$(` escaped"),
    "entrypoint": to("containers[].command, `$(` escaped"),
    "environment.*": to("containers[].env, `$(` escaped"),
    "environment.*.secret": to("containers[].env[].valueFrom.secretKeyRef"),
    "working_dir": to("containers[].workingDir"),
    "user": to("containers[].securityContext.runAsUser, runAsGroup: numbers"),
    "group_add": to("pod.securityContext.supplementalGroups: numbers"),
    "init": idle("what starts the process in a pod is the image's own business", told=True),
    "tty": to("containers[].tty"),
    "stdin_open": to("containers[].stdin"),
    "stop_signal": no("a pod is told to end by SIGTERM", "let the image's STOPSIGNAL say it", "SIGTERM", "TERM"),
    "stop_grace_period": to("pod.terminationGracePeriodSeconds"),
    "restart": to("pods are always started again; a job's are not"),
    "labels": to("annotations of the pods: Docker's labels may be what Kubernetes' may not"),
    "annotations": to("annotations of the pods"),
    "platform": to("pod.nodeSelector: kubernetes.io/os and kubernetes.io/arch"),
    "hostname": to("pod.hostname"),
    "domainname": no("a pod's domain is the cluster's", "remove it"),
    "container_name": no("a cluster names pods itself", _BY_NAME),
    "logging.driver": no(_NODE, _POD),
    "logging.options": no(_NODE, _POD),
    "on": to(f"{_OURS}: when a job runs again"),
    "healthcheck.test": to("readinessProbe and livenessProbe: exec"),
    "healthcheck.interval": to("periodSeconds, whole seconds"),
    "healthcheck.timeout": to("timeoutSeconds, whole seconds"),
    "healthcheck.retries": to("failureThreshold"),
    "healthcheck.start_period": to("startupProbe"),
    "healthcheck.start_interval": to("startupProbe.periodSeconds"),
    "healthcheck.disable": to("no probes"),
    "depends_on.*.condition": to(f"{_OURS}: waits for it"),
    "depends_on.*.restart": no(
        "a pod is not restarted because another one was", "remove it: let the service connect again"
    ),
    "depends_on.*.required": to(_OURS),
    "ports.*.target": to("containers[].ports; a Service of the service's name has it under the same number"),
    "ports.*.published": to("a Service NAME-published: LoadBalancer with this port; NodePort for `auto`"),
    "ports.*.protocol": to("protocol"),
    "ports.*.host_ip": no("a cluster publishes on addresses of its own", "remove it", "0.0.0.0"),  # noqa: S104 - compared, not bound
    "ports.*.mode": to("`host`: containers[].ports[].hostPort"),
    "ports.*.app_protocol": idle("a note to readers"),
    "ports.*.ingress.host": to("Ingress spec.rules[].host"),
    "ports.*.ingress.path": to("Ingress spec.rules[].http.paths[].path, by prefix"),
    "ports.*.ingress.class": to("Ingress spec.ingressClassName"),
    "ports.*.ingress.tls": to("Ingress spec.tls[].secretName"),
    "expose": to("containers[].ports; the Service has them too"),
    "networks.*.aliases": no("a Service has one name", "declare a service of that name"),
    "networks.*.ipv4_address": no(_ADDRESS, _BY_NAME),
    "networks.*.ipv6_address": no(_ADDRESS, _BY_NAME),
    "networks.*.mac_address": no(_ADDRESS, _BY_NAME),
    "networks.*.priority": idle(_FLAT),
    "networks.*.driver_opts": idle(_FLAT, told=True),
    "network_mode": no(
        "a pod has a network of its own, or the node's",
        "remove it, or write `host`",
        "host",
        "bridge",
        place="pod.hostNetwork",
    ),
    "extra_hosts": to("pod.hostAliases"),
    "dns": to("pod.dnsConfig.nameservers, beside the cluster's"),
    "dns_search": to("pod.dnsConfig.searches"),
    "dns_opt": to("pod.dnsConfig.options"),
    "volumes.*.type": to("persistentVolumeClaim, hostPath or emptyDir"),
    "volumes.*.source": to("the claim, or an absolute path of the node"),
    "volumes.*.target": to("volumeMounts[].mountPath"),
    "volumes.*.read_only": to("volumeMounts[].readOnly"),
    "volumes.*.bind.propagation": no("a pod's mounts follow other rules", "remove it"),
    "volumes.*.bind.create_host_path": to("hostPath.type: DirectoryOrCreate"),
    "volumes.*.bind.selinux": no("labels of SELinux are the cluster's policy", "remove it"),
    "volumes.*.volume.nocopy": idle("a new volume is never filled with the image's files"),
    "volumes.*.volume.subpath": to("volumeMounts[].subPath"),
    "volumes.*.tmpfs.size": to("emptyDir.sizeLimit"),
    "volumes.*.tmpfs.mode": no("a folder in memory has the mode 0777", "set it when the process starts"),
    "tmpfs": to("emptyDir: Memory; its options have no effect"),
    "shm_size": to("emptyDir: Memory at /dev/shm"),
    "read_only": to("containers[].securityContext.readOnlyRootFilesystem"),
    "configs.*.target": to("a ConfigMap's file, by volumeMounts[].subPath"),
    "configs.*.uid": no(_ROOT, "remove it", "0", 0),
    "configs.*.gid": no(_ROOT, "remove it", "0", 0),
    "configs.*.mode": to("configMap.defaultMode"),
    "secrets.*.target": to("a Secret's file, by volumeMounts[].subPath"),
    "secrets.*.uid": no(_ROOT, "remove it", "0", 0),
    "secrets.*.gid": no(_ROOT, "remove it", "0", 0),
    "secrets.*.mode": to("secret.defaultMode"),
    "cap_add": to("containers[].securityContext.capabilities.add"),
    "cap_drop": to("containers[].securityContext.capabilities.drop"),
    "security_opt": to("`no-new-privileges`: allowPrivilegeEscalation; others are refused"),
    "ulimits.*": no(_NODE, _POD),
    "ulimits.*.soft": no(_NODE, _POD),
    "ulimits.*.hard": no(_NODE, _POD),
    "sysctls": to("pod.securityContext.sysctls"),
    "privileged": to("containers[].securityContext.privileged"),
    "devices": no("a pod gets devices from a device plugin", "ask for its resource in a manifest of your own"),
    "pid": no(
        "a pod has processes of its own, or the node's", "remove it, or write `host`", "host", place="pod.hostPID"
    ),
    "ipc": no(
        "a pod's memory is shared within it, or with the node",
        "remove it, or write `host`",
        "host",
        place="pod.hostIPC",
    ),
    "userns_mode": no(_NODE, _POD),
    "cgroup_parent": no(_NODE, _POD),
    "runtime": no("a runtime is a RuntimeClass of the cluster", "write a manifest of your own"),
    "oom_score_adj": no("a node sets it by what is reserved", "write `deploy.resources.reservations`"),
    "deploy.mode": to("Deployment; `global`: DaemonSet; a job: Job; volumes `per_replica`: StatefulSet"),
    "deploy.replicas": to("spec.replicas"),
    "deploy.labels": to("labels of the workload"),
    "deploy.endpoint_mode": to("`dnsrr`: a Service with clusterIP None"),
    "deploy.resources.limits.cpus": to("containers[].resources.limits.cpu"),
    "deploy.resources.limits.memory": to("containers[].resources.limits.memory"),
    "deploy.resources.limits.pids": no(_NODE, _POD),
    "deploy.resources.reservations.cpus": to("containers[].resources.requests.cpu"),
    "deploy.resources.reservations.memory": to("containers[].resources.requests.memory"),
    **_rollouts(),
    "deploy.autoscale.min": to("HorizontalPodAutoscaler spec.minReplicas"),
    "deploy.autoscale.max": to("HorizontalPodAutoscaler spec.maxReplicas"),
    "deploy.autoscale.cpu": to("HorizontalPodAutoscaler spec.targetCPUUtilizationPercentage"),
    "deploy.restart_policy.condition": to("pods are always started again; a job's are not"),
    "deploy.restart_policy.max_attempts": to("a job's backoffLimit"),
    "deploy.restart_policy.delay": idle(_OWN_DELAY, told=True),
    "deploy.restart_policy.window": idle(_OWN_DELAY, told=True),
    "deploy.placement.constraints": to("pod.nodeSelector: node.labels.X==Y, node.hostname==X"),
    "deploy.placement.preferences.*.spread": to("pod.topologySpreadConstraints"),
    "deploy.placement.max_replicas_per_node": no(
        "Kubernetes has no such number", "write a manifest of your own with podAntiAffinity"
    ),
}

NETWORK: Mapping[str, Cell] = {
    word: idle(_FLAT)
    for word in (
        "external",
        "name",
        "driver",
        "driver_opts",
        "internal",
        "attachable",
        "enable_ipv6",
        "ipam.driver",
        "ipam.options",
        "ipam.config.*.subnet",
        "ipam.config.*.ip_range",
        "ipam.config.*.gateway",
        "ipam.config.*.aux_addresses",
        "labels",
    )
}

VOLUME: Mapping[str, Cell] = {
    "external": to("a claim that must be there; it is never made or removed"),
    "name": to("the claim's name"),
    "driver": no("a claim asks for a storage class", "write `driver_opts: {storage_class: NAME}`"),
    "driver_opts": to("a claim's `size`, `storage_class` and `access`; others are refused"),
    "labels": idle("claims are found by their names", told=True),
    "per_replica.size": to("volumeClaimTemplates[].spec.resources.requests.storage"),
    "per_replica.storage_class": to("volumeClaimTemplates[].spec.storageClassName"),
    "per_replica.access": to("volumeClaimTemplates[].spec.accessModes"),
}
