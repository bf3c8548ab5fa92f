"""One layer and one pipeline with every word that their schemas know; and what is said of wrong ones."""

from pathlib import Path
from typing import Any

import pytest

LAYER = """\
# yaml-language-server: $schema=../schemas/layer.schema.json
vars: {domain: "${environment}.shop.test", replicas: 2}
engine: {kind: docker, host: "ssh://deploy@host", keep: 2, adopts: shop}
wait: 5m
stable: 5s
ignore: [services.api.deploy.replicas]
on_failure: keep
verify: {command: [./smoke, "${domain}"], timeout: 1m30s}
services:
  api:
    image: api
    command: [run, --fast]
    entrypoint: /bin/run
    environment: {TTL: 120, DEBUG: no, RATIO: 1.10, PASSWORD: {secret: db_password}}
    ports:
      http: {target: 8080, published: 80, protocol: tcp, host_ip: 127.0.0.1, mode: host, app_protocol: http,
        ingress: {host: shop.test, path: /api, class: nginx, tls: shop-tls}}
      metrics: {target: 9090, published: auto}
    expose: [8081, "8082"]
    volumes:
      data: {type: volume, source: store, target: /data, read_only: false, volume: {nocopy: true, subpath: a}}
      logs:
        type: bind
        source: /var/log
        target: /logs
        bind: {propagation: rslave, create_host_path: true, selinux: z}
      tmp: {type: tmpfs, target: /tmp, tmpfs: {size: 64M, mode: 01777}}
    configs: {settings: {target: /etc/settings.json, uid: "1000", gid: 1000, mode: 0440}}
    secrets: {db_password: {target: db, uid: 0, gid: "0", mode: 0400}}
    networks:
      front: {aliases: [shop], ipv4_address: 10.0.0.2, ipv6_address: "fd00::2", mac_address: "02:42:ac:11:00:02",
        priority: 10, driver_opts: {a: 1}}
    depends_on: {worker: {condition: service_healthy, restart: true, required: true}}
    healthcheck:
      test: [CMD, ./health]
      interval: 10s
      timeout: 1s
      retries: 3
      start_period: 500ms
      start_interval: 1s
      disable: false
    restart: on-failure:3
    "on": [rollback]
    hostname: api
    domainname: shop.test
    container_name: api
    network_mode: bridge
    devices: ["/dev/null:/dev/null"]
    privileged: false
    shm_size: 64M
    group_add: [1000, audio]
    pid: host
    ipc: shareable
    userns_mode: host
    cgroup_parent: shop
    runtime: runc
    oom_score_adj: -500
    platform: linux/amd64
    stop_signal: SIGINT
    stop_grace_period: 30s
    user: 1000:1000
    working_dir: /app
    read_only: true
    cap_add: [NET_ADMIN]
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    ulimits: {nofile: {soft: 1024, hard: 65536}, core: -1}
    sysctls: {net.core.somaxconn: 1024}
    init: true
    tty: false
    stdin_open: false
    tmpfs: [/run]
    extra_hosts: {db: 10.0.0.1}
    dns: 10.0.0.53
    dns_search: [shop.test]
    dns_opt: ["ndots:2"]
    logging: {driver: json-file, options: {max-size: 10m, max-file: 3}}
    labels: {team: shop, tier: 1}
    annotations: {a: b}
    deploy:
      mode: replicated
      replicas: 2
      labels: {a: b}
      endpoint_mode: vip
      autoscale: {min: 2, max: 5, cpu: 70}
      resources:
        limits: {cpus: 0.5, memory: 256M, pids: 100}
        reservations: {cpus: "0.25", memory: 128M}
      update_config:
        parallelism: 1
        delay: 1s
        failure_action: rollback
        monitor: 5s
        max_failure_ratio: 0.1
        order: start-first
      rollback_config: {parallelism: 0, failure_action: pause, order: stop-first}
      restart_policy: {condition: on-failure, delay: 1s, max_attempts: 3, window: 10s}
      placement: {constraints: [node.role==worker], preferences: [{spread: node.labels.zone}], max_replicas_per_node: 1}
  worker: {image: api, command: work}
configs:
  settings: {file: envs/settings.json}
  motd: {content: "Hello ${environment}"}
secrets:
  db_password: {from: env, name: SHOP_DB_PASSWORD}
  key: {from: file, path: envs/not-a-secret.key}
  token: {from: exec, command: [vault, read], timeout: 10s}
volumes:
  store: {external: true, name: shop-store, driver: local, driver_opts: {size: 1}, labels: {a: b},
    per_replica: {size: 10Gi, storage_class: fast, access: ReadWriteOnce}}
networks:
  front:
    external: false
    name: front
    driver: overlay
    driver_opts: {encrypted: true}
    internal: true
    attachable: true
    enable_ipv6: false
    ipam:
      driver: default
      options: {a: b}
      config: [{subnet: 10.0.0.0/16, ip_range: 10.0.1.0/24, gateway: 10.0.0.1, aux_addresses: {router: 10.0.0.9}}]
    labels: {a: b}
"""

KUBERNETES = """\
engine:
  kind: kubernetes
  context: test
  namespace: shop
  keep: 3
  pull_secrets: [login]
  namespaces: [monitoring]
  cluster_scoped: true
manifests:
  api: {file: k8s/api.yaml, vars: false}
  more: {folder: k8s}
  all: {kustomization: k8s/overlays/test}
image_paths: {well.acme.example: [spec.image]}
patches:
  deployment.apps/api: {spec: {replicas: 2}}
  service/api:
    - {op: add, path: /spec/type, value: NodePort}
    - {op: move, path: /metadata/labels/b, from: /metadata/labels/a}
"""
"""What only this engine takes."""

PIPELINE = """\
# yaml-language-server: $schema=../schemas/pipeline.schema.json
project: shop
platforms: [linux/amd64]
images:
  api: registry.example.com/shop/api
  web: {repository: registry.example.com/shop/web, source: "oci:images/web"}
  cache:
    repository: docker.io/library/redis
    digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
registries: {"registry.internal:5000": {ca: envs/ca.pem, insecure: false, auth: auth.internal}}
history: sqlite:.release/history.db
builder:
  kind: dind
  host: "unix:///run/docker.sock"
  image: "registry.example.com/ci/docker@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  capabilities: [SYS_ADMIN, NET_ADMIN]
  args: [--mtu=1400]
  cache_volume: shop-builds
  memory: 2g
  cpus: 1.5
  ready_timeout: 90s
builds:
  api:
    context: app
    dockerfile: deploy/Dockerfile
    args: {LEVEL: 3, DEBUG: true, NAME: shop}
    target: final
    network: none
    labels: {team: shop}
    timeout: 30m
environments:
  test1: {layers: [base, test]}
  test2: {layers: [base, test], platforms: [linux/amd64]}
  staging: {layers: [base], from: {any: [test1, test2]}}
  dark: {layers: [base], from: {all: [test1, test2]}}
  production: {layers: [base], from: staging, soak: 24h, confirm: name}
"""

BUILDKIT = """\
builder: {kind: buildkit, builder: shop, cache_from: ["type=local,src=cache"], cache_to: ["type=inline"]}
builds:
  api: {context: app, secrets: {npm: {from: env, name: NPM_TOKEN}, key: {from: file, path: key}}, ssh: [default]}
  attested: {context: app, provenance: mode=max, sbom: generator=example.com/scanner, labels: {team: shop}}
  web: {context: web, secrets: {npm: {from: exec, command: [pass, npm], timeout: 5s}}}
"""
"""What only this builder takes."""

PACKAGE = """\
builds:
  api:
    package: {url: "https://example.com/app.tgz", sha256: %s, strip: 1}
    base: docker.io/library/python@sha256:%s
    user: "1000:1000"
    command: [python, -m, app]
    working_dir: /srv
  web:
    package: {file: dist/web.zip, sha256: %s}
    dockerfile: deploy/Dockerfile
  jobs:
    package: {git: v1.6, repository: "https://example.com/jobs.git", path: services/jobs}
    base: docker.io/library/python
""" % (("0123456789abcdef" * 4,) * 3)
"""Images of packages."""

DOOD = """\
builder: {kind: dood, socket: /run/docker.sock}
"""
"""What only this builder takes."""

ENGINES = (
    "{kind: directory, path: out}",
    "{kind: directory}",
    "{kind: docker, host: unix:///run/docker.sock}",
    "{kind: swarm, host: x}",
    "{kind: swarm}",
    "{kind: kubernetes, context: c, namespace: n}",
    "{kind: kubernetes, namespace: n, keep: 2, pull_secrets: [registry-login]}",
)


def said(name: str) -> list[Any]:
    """Cases from `said_of_<name>.txt`: blocks of a title, a document, and the place and words of what is wrong."""
    cases = []
    text = (Path(__file__).parents[1] / "declarations" / f"said_of_{name}.txt").read_text()
    for block in text.strip().split("\n\n"):
        title, *lines, words = block.split("\n")
        cases.append(pytest.param("\n".join(lines), words.removeprefix("=> "), id=title.removeprefix("# ")))
    return cases
