"""The words of a service, but for those below `deploy`."""

from releaser.engines.vocabulary import kubernetes
from releaser.engines.vocabulary.cells import idle, no, rows, to

_BY_NAME = "remove it: services reach each other by their names"
_NO_ADDRESS = "a Swarm gives addresses itself"
_NAMESPACE = "a Swarm keeps every container in namespaces of its own"
_ELSEWHERE = "deliver this service to plain Docker (`engine: {kind: docker}`), or remove the word"
_NOTE = "a note to readers: containers of one network reach every port of each other"

_INGRESS = (no("an Ingress is Kubernetes' own", "publish the port, and let a proxy of yours lead to it"),) * 3

PROCESS = rows(
    {
        "image": (to("Image"), to("ContainerSpec.Image"), to("`image: repository@digest`")),
        "command": (to("Cmd"), to("ContainerSpec.Args")),
        "entrypoint": (to("Entrypoint"), to("ContainerSpec.Command")),
        "environment.*": (to("Env"), to("ContainerSpec.Env, templates escaped")),
        "environment.*.secret": (
            to("Env; `docker inspect` shows the value"),
            to("ContainerSpec.Env; `docker service inspect` shows the value"),
            to("`${VARIABLE:?…}`, read by compose"),
        ),
        "working_dir": (to("WorkingDir"), to("ContainerSpec.Dir")),
        "user": (to("User"), to("ContainerSpec.User")),
        "group_add": (to("HostConfig.GroupAdd"), to("ContainerSpec.Groups")),
        "init": (to("HostConfig.Init"), to("ContainerSpec.Init")),
        "tty": (to("Tty"), to("ContainerSpec.TTY")),
        "stdin_open": (to("OpenStdin"), to("ContainerSpec.OpenStdin")),
        "stop_signal": (to("StopSignal"), to("ContainerSpec.StopSignal")),
        "stop_grace_period": (to("StopTimeout, and how long a stop waits"), to("ContainerSpec.StopGracePeriod")),
        "restart": (
            to("HostConfig.RestartPolicy; `deploy.restart_policy` goes before it"),
            to("RestartPolicy; `deploy.restart_policy` goes before it"),
        ),
        "labels": (to("Labels"), to("ContainerSpec.Labels")),
        "annotations": (
            to("HostConfig.Annotations", needs="1.43"),
            no("a Swarm has no annotations", "write `labels`"),
        ),
        "platform": (to("the platform to create for"), to("Placement.Platforms: the nodes it may run on")),
        "hostname": (to("Hostname"), to("ContainerSpec.Hostname")),
        "domainname": (
            to("Domainname"),
            no("a Swarm has no word for the domain name", "write the whole name as `hostname`"),
        ),
        "container_name": (
            to("the container's name; stop-first, one instance"),
            no("a Swarm names containers itself", _BY_NAME),
        ),
        "logging.driver": (to("HostConfig.LogConfig.Type"), to("LogDriver.Name")),
        "logging.options": (to("HostConfig.LogConfig.Config"), to("LogDriver.Options")),
        "on": (
            to("`release` itself: when a job runs again"),
            to("`release` itself: when a job runs again"),
            idle("whoever runs the compose file decides when a job runs", told=True),
        ),
    },
    kubernetes.SERVICE,
)

HEALTH = rows(
    {
        "healthcheck.test": (to("Healthcheck.Test"), to("ContainerSpec.Healthcheck.Test")),
        "healthcheck.interval": (to("Healthcheck.Interval"), to("ContainerSpec.Healthcheck.Interval")),
        "healthcheck.timeout": (to("Healthcheck.Timeout"), to("ContainerSpec.Healthcheck.Timeout")),
        "healthcheck.retries": (to("Healthcheck.Retries"), to("ContainerSpec.Healthcheck.Retries")),
        "healthcheck.start_period": (to("Healthcheck.StartPeriod"), to("ContainerSpec.Healthcheck.StartPeriod")),
        "healthcheck.start_interval": (
            to("Healthcheck.StartInterval", needs="1.44"),
            to("ContainerSpec.Healthcheck.StartInterval", needs="1.44"),
        ),
        "healthcheck.disable": (to("Healthcheck.Test: NONE"), to("ContainerSpec.Healthcheck.Test: NONE")),
        "depends_on.*.condition": (to("`release` itself: waits for it"), to("`release` itself: waits for it")),
        "depends_on.*.restart": (
            no("a container is not restarted because another one was", "remove it: let the service connect again"),
            no(
                "a Swarm does not restart a service because another one was", "remove it: let the service connect again"
            ),
        ),
        "depends_on.*.required": (to("`release` itself"), to("`release` itself")),
    },
    kubernetes.SERVICE,
)

NETWORK = rows(
    {
        "ports.*.target": (
            to("ExposedPorts, HostConfig.PortBindings"),
            to("EndpointSpec.Ports[].TargetPort where published"),
            to("`ports` where published, else `expose`"),
        ),
        "ports.*.published": (
            to("HostConfig.PortBindings.*[].HostPort; `auto` leaves it open"),
            to("EndpointSpec.Ports[].PublishedPort; `auto` leaves it open"),
        ),
        "ports.*.protocol": (to("HostConfig.PortBindings"), to("EndpointSpec.Ports[].Protocol")),
        "ports.*.host_ip": (
            to("HostConfig.PortBindings.*[].HostIp"),
            no(
                "a Swarm publishes on every address of its nodes",
                "remove it, and let the nodes' firewall decide who may connect",
                "0.0.0.0",  # noqa: S104 - compared, not bound
            ),
        ),
        "ports.*.mode": (idle("one host: both are the same"), to("EndpointSpec.Ports[].PublishMode")),
        "ports.*.app_protocol": (idle("a note to readers"), idle("a note to readers")),
        "ports.*.ingress.host": _INGRESS,
        "ports.*.ingress.path": _INGRESS,
        "ports.*.ingress.class": _INGRESS,
        "ports.*.ingress.tls": _INGRESS,
        "expose": (to("ExposedPorts"), idle(_NOTE)),
        "networks.*.aliases": (to("NetworkingConfig.EndpointsConfig.*.Aliases"), to("Networks[].Aliases")),
        "networks.*.ipv4_address": (
            to("NetworkingConfig.EndpointsConfig.*.IPAMConfig.IPv4Address; stop-first, one instance"),
            no(_NO_ADDRESS, _BY_NAME),
        ),
        "networks.*.ipv6_address": (
            to("NetworkingConfig.EndpointsConfig.*.IPAMConfig.IPv6Address; stop-first, one instance"),
            no(_NO_ADDRESS, _BY_NAME),
        ),
        "networks.*.mac_address": (
            to("NetworkingConfig.EndpointsConfig.*.MacAddress; stop-first, one instance", needs="1.44"),
            no(_NO_ADDRESS, _BY_NAME),
        ),
        "networks.*.priority": (
            to("the order in which networks are joined"),
            no("a Swarm joins networks in its own order", "remove it"),
        ),
        "networks.*.driver_opts": (
            to("NetworkingConfig.EndpointsConfig.*.DriverOpts"),
            to("Networks[].DriverOpts"),
        ),
        "network_mode": (
            to("HostConfig.NetworkMode"),
            no(
                "a Swarm service joins networks, or the one of its nodes",
                "write `host` or `bridge`, or join a network with `internal: true` that nobody else joins",
                "host",
                "bridge",
                place="Networks[].Target",
            ),
        ),
        "extra_hosts": (to("HostConfig.ExtraHosts"), to("ContainerSpec.Hosts")),
        "dns": (to("HostConfig.Dns"), to("ContainerSpec.DNSConfig.Nameservers")),
        "dns_search": (to("HostConfig.DnsSearch"), to("ContainerSpec.DNSConfig.Search")),
        "dns_opt": (to("HostConfig.DnsOptions"), to("ContainerSpec.DNSConfig.Options")),
    },
    kubernetes.SERVICE,
)

FILES = rows(
    {
        "volumes.*.type": (to("HostConfig.Mounts[].Type"), to("ContainerSpec.Mounts[].Type")),
        "volumes.*.source": (to("HostConfig.Mounts[].Source"), to("ContainerSpec.Mounts[].Source")),
        "volumes.*.target": (to("HostConfig.Mounts[].Target"), to("ContainerSpec.Mounts[].Target")),
        "volumes.*.read_only": (to("HostConfig.Mounts[].ReadOnly"), to("ContainerSpec.Mounts[].ReadOnly")),
        "volumes.*.bind.propagation": (
            to("HostConfig.Mounts[].BindOptions.Propagation"),
            to("ContainerSpec.Mounts[].BindOptions.Propagation"),
        ),
        "volumes.*.bind.create_host_path": (
            to("HostConfig.Binds"),
            no("a Swarm makes no folders on its nodes", "make the folder on every node, and remove the word"),
        ),
        "volumes.*.bind.selinux": (
            to("HostConfig.Binds"),
            no("a Swarm labels no folders on its nodes", "label the folder on every node, and remove the word"),
        ),
        "volumes.*.volume.nocopy": (
            to("HostConfig.Mounts[].VolumeOptions.NoCopy"),
            to("ContainerSpec.Mounts[].VolumeOptions.NoCopy"),
        ),
        "volumes.*.volume.subpath": (
            to("HostConfig.Mounts[].VolumeOptions.Subpath", needs="1.45"),
            to("ContainerSpec.Mounts[].VolumeOptions.Subpath", needs="1.45"),
        ),
        "volumes.*.tmpfs.size": (
            to("HostConfig.Mounts[].TmpfsOptions.SizeBytes"),
            to("ContainerSpec.Mounts[].TmpfsOptions.SizeBytes"),
        ),
        "volumes.*.tmpfs.mode": (
            to("HostConfig.Mounts[].TmpfsOptions.Mode"),
            to("ContainerSpec.Mounts[].TmpfsOptions.Mode"),
        ),
        "tmpfs": (to("HostConfig.Tmpfs"), to("ContainerSpec.Mounts[], `size` and `mode` only")),
        "shm_size": (to("HostConfig.ShmSize"), to("ContainerSpec.Mounts[]: memory on /dev/shm")),
        "read_only": (to("HostConfig.ReadonlyRootfs"), to("ContainerSpec.ReadOnly")),
        "configs.*.target": (to("a file in a volume of the container's own"), to("ContainerSpec.Configs[].File.Name")),
        "configs.*.uid": (to("the file's owner"), to("ContainerSpec.Configs[].File.UID")),
        "configs.*.gid": (to("the file's group"), to("ContainerSpec.Configs[].File.GID")),
        "configs.*.mode": (to("the file's mode"), to("ContainerSpec.Configs[].File.Mode")),
        "secrets.*.target": (to("a file in a volume of the container's own"), to("ContainerSpec.Secrets[].File.Name")),
        "secrets.*.uid": (to("the file's owner"), to("ContainerSpec.Secrets[].File.UID")),
        "secrets.*.gid": (to("the file's group"), to("ContainerSpec.Secrets[].File.GID")),
        "secrets.*.mode": (to("the file's mode"), to("ContainerSpec.Secrets[].File.Mode")),
    },
    kubernetes.SERVICE,
)

HOST = rows(
    {
        "cap_add": (to("HostConfig.CapAdd"), to("ContainerSpec.CapabilityAdd")),
        "cap_drop": (to("HostConfig.CapDrop"), to("ContainerSpec.CapabilityDrop")),
        "security_opt": (
            to("HostConfig.SecurityOpt"),
            to("ContainerSpec.Privileges", needs="1.44"),
        ),
        "ulimits.*": (to("HostConfig.Ulimits"), to("ContainerSpec.Ulimits")),
        "ulimits.*.soft": (to("HostConfig.Ulimits[].Soft"), to("ContainerSpec.Ulimits[].Soft")),
        "ulimits.*.hard": (to("HostConfig.Ulimits[].Hard"), to("ContainerSpec.Ulimits[].Hard")),
        "sysctls": (to("HostConfig.Sysctls"), to("ContainerSpec.Sysctls")),
        "privileged": (to("HostConfig.Privileged"), no("a Swarm gives no container every right", _ELSEWHERE)),
        "devices": (to("HostConfig.Devices"), no("a Swarm hands no devices to containers", _ELSEWHERE)),
        "pid": (to("HostConfig.PidMode"), no(_NAMESPACE, _ELSEWHERE)),
        "ipc": (to("HostConfig.IpcMode"), no(_NAMESPACE, _ELSEWHERE, "private")),
        "userns_mode": (to("HostConfig.UsernsMode"), no(_NAMESPACE, _ELSEWHERE)),
        "cgroup_parent": (to("HostConfig.CgroupParent"), no("a Swarm chooses the cgroup itself", _ELSEWHERE)),
        "runtime": (
            to("HostConfig.Runtime"),
            no("a Swarm service cannot name its runtime", "make it the nodes' default runtime, and remove the word"),
        ),
        "oom_score_adj": (
            to("HostConfig.OomScoreAdj"),
            no(
                "a Swarm service has no such word before Docker 27",
                "limit the memory with `deploy.resources.limits`",
                0,
            ),
        ),
    },
    kubernetes.SERVICE,
)
