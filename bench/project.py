"""Projects of any size, delivered once, and the same thing for the peers."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
RELEASE = [sys.executable, "-m", "releaser"]

SERVICE = """
  service-{number}:
    image: api
    command: [serve, --port, "8080"]
    environment:
      BASE_URL: "https://${{domain}}/{number}"
      LOG_LEVEL: info
      CACHE_URL: redis://cache-{number}:6379/0
      CACHE_TTL: 60
      DB_HOST: db.internal
    labels: {{team: shop, part: "part-{number}"}}
    ports:
      http: {{target: 8080}}
    healthcheck:
      test: [CMD, wget, -q, -O-, "http://127.0.0.1:8080/healthz"]
      interval: 5s
      retries: 6
    deploy:
      replicas: 2
      resources:
        limits: {{cpus: 0.50, memory: 256M}}
"""
PATCH = """
  service-{number}:
    environment: {{CACHE_TTL: {number}, LOG_LEVEL: debug}}
    deploy: {{replicas: 1}}
"""


def push_images(registry: str) -> None:
    """Push the images of the README's walk, which all projects here deliver."""
    busybox = os.environ.get("RELEASER_TEST_BUSYBOX", "")
    command = ["sh", str(REPOSITORY / "docs" / "walk" / "images.sh"), registry]
    subprocess.run(command, env={**os.environ, "BUSYBOX": busybox}, check=True, capture_output=True)


@dataclass(frozen=True)
class Project:
    """A folder with declarations that `release` delivers."""

    root: Path
    environ: dict[str, str]

    def release(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Run a command of ours; it must succeed."""
        command = [*RELEASE, "-C", str(self.root), *arguments]
        done = subprocess.run(command, env=self.environ, capture_output=True, stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} exits {done.returncode}:\n{done.stderr.decode()}")
        return done


def make(folder: Path, services: int, environments: int = 1) -> Project:
    """A project of so many services, with an overlay that patches each of them."""
    envs = folder / "envs"
    envs.mkdir(parents=True)
    shutil.copytree(REPOSITORY / "envs" / "images" / "api", envs / "images" / "api")
    names = [f"test{number}" for number in range(1, environments + 1)]
    lines = "".join(f"  {name}: {{layers: [base, test]}}\n" for name in names)
    (envs / "pipeline.yaml").write_text(
        "project: bench\nimages:\n"
        '  api: {repository: registry.example.com/bench/api, source: "oci:envs/images/api"}\n'
        f"environments:\n{lines}"
    )
    numbers = range(services)
    base = "vars: {domain: bench.test}\nservices:" + "".join(SERVICE.format(number=n) for n in numbers)
    (envs / "base.yaml").write_text(base)
    (envs / "test.yaml").write_text("services:" + "".join(PATCH.format(number=n) for n in numbers))
    for name in names:
        (envs / f"{name}.yaml").write_text(f'vars: {{domain: "{name}.bench.test"}}\n')
    home = folder / "home"
    return Project(folder, {**os.environ, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": ""})


def files(project: Project, environment: str) -> list[str]:
    """The files that a plan for the environment reads."""
    return [str(project.root / "envs" / f"{name}.yaml") for name in ("pipeline", "base", "test", environment)]


def kustomization(folder: Path, services: int) -> Path:
    """The same for kustomize: as many Deployments, and an overlay with a patch for each."""
    base, overlay = folder / "base", folder / "overlay"
    base.mkdir(parents=True)
    overlay.mkdir()
    (base / "all.yaml").write_text("---\n".join(json.dumps(_deployment(n)) + "\n" for n in range(services)))
    (base / "kustomization.yaml").write_text("resources: [all.yaml]\n")
    for number in range(services):
        (overlay / f"patch-{number}.yaml").write_text(json.dumps(_patch(number)) + "\n")
    patches = "".join(
        f"- path: patch-{number}.yaml\n  target: {{kind: Deployment, name: service-{number}}}\n"
        for number in range(services)
    )
    (overlay / "kustomization.yaml").write_text(f"resources: [../base]\npatches:\n{patches}")
    return overlay


def _deployment(number: int) -> dict[str, object]:
    variables = {"BASE_URL": "https://bench.test", "LOG_LEVEL": "info", "CACHE_TTL": "60", "DB_HOST": "db.internal"}
    container = {
        "name": "app",
        "image": "registry.example.com/bench/api@sha256:" + "a" * 64,
        "args": ["serve", "--port", "8080"],
        "env": [{"name": name, "value": value} for name, value in variables.items()],
        "ports": [{"containerPort": 8080}],
        "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}},
    }
    labels = {"app": f"service-{number}"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {**_named(number), "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}}


def _patch(number: int) -> dict[str, object]:
    variables = [{"name": "CACHE_TTL", "value": str(number)}, {"name": "LOG_LEVEL", "value": "debug"}]
    container = {"name": "app", "env": variables}
    return {**_named(number), "spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}}}


def _named(number: int) -> dict[str, object]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": f"service-{number}"}}
