"""A plan over one's own manifests: every field that changes has its file and line, of a manifest or of a patch."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from releaser.declarations.loader import ProjectDeclarations
from releaser.engines.kubernetes import manifests
from releaser.engines.kubernetes.render import render
from releaser.model.image import ReleaseImage
from releaser.model.release import Release
from releaser.model.resource import Inventory, InventoryItem, Live, Mark, Observation, Rendering
from releaser.model.value import dotted
from releaser.operations.promote import locator
from releaser.planning.planner import Locate, Wanted, changes

MARK = Mark(project="shop", environment="test1", history="h", revision=1)
PIPELINE = "project: shop\nimages: {api: registry.test/shop/api}\nenvironments: {test1: {layers: [base]}}\n"
BASE = """\
vars: {domain: shop.test}
engine: {kind: kubernetes, namespace: shop}
manifests: {api: {file: k8s/api.yaml}}
secrets: {db: {from: env, name: DB}}
"""
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 1
  template:
    spec:
      containers:
        - name: api
          image: registry.test/shop/api:latest
          env:
            - {name: URL, value: "https://${domain}"}
            - {name: DB, valueFrom: {secretKeyRef: {name: db, key: value}}}
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {ports: [{name: http, port: 80}]}
"""
PATCHES = """\
patches:
  deployment.apps/api:
    spec:
      replicas: 3
      template: {spec: {containers: {api: {env: {LEVEL: {value: debug}, DB: null}}}}}
  service/api:
    - {op: replace, path: /spec/ports/0/port, value: 8080}
vars: {domain: test.shop}
"""


def made(root: Path, files: Mapping[str, str], digit: str) -> tuple[Rendering, Locate]:
    """What an environment comes to, and where its values are from."""
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    environment = ProjectDeclarations(root).environment("test1")
    image = ReleaseImage(repository="registry.test/shop/api", tag="v1", digest=f"sha256:{digit * 64}", platforms={})
    at = datetime(2026, 1, 2, tzinfo=UTC)
    release = Release(version="v1", images={"api": image}, created_at=at, created_by="ci")
    rendering = manifests.render(environment, release, "shop", render(environment, release))
    return rendering, locator(environment, rendering.sources)


def planned(before: Rendering | None, after: Rendering, locate: Locate) -> list[str]:
    items, live = {}, {}
    for one in before.resources if before else ():
        items[one.id] = InventoryItem(resource=one, snapshot=one.body, revision=1)
        live[one.id] = Live(id=one.id, body=one.body, fingerprint=one.fingerprint, mark=MARK)
    wanted = Wanted(
        resources=after.resources,
        inventory=Inventory(items=items),
        observation=Observation(resources=live, at=datetime(2026, 1, 2, tzinfo=UTC)),
        secrets={},
        owns_orphans=False,
        ours=MARK,
    )
    said = []
    for change in changes(wanted, locate):
        said.append(f"{change.action} {change.resource}")
        if change.action == "update":
            for field in change.fields:
                old, new = (msgspec.json.encode(value).decode() for value in (field.old, field.new))
                said.append(f"  {field.path}: {old} → {new}  ({field.origin})")
    return said


def test_a_second_delivery(tmp_path: Path) -> None:
    first = {"envs/pipeline.yaml": PIPELINE, "envs/base.yaml": BASE, "k8s/api.yaml": MANIFEST}
    before, locate = made(tmp_path, first, "1")
    assert planned(None, before, locate) == ["create secret/db", "create service/api", "create deployment.apps/api"]
    assert planned(before, before, locate) == [
        "unchanged secret/db",
        "unchanged service/api",
        "unchanged deployment.apps/api",
    ]

    after, locate = made(tmp_path, {"envs/test1.yaml": PATCHES}, "2")
    image = "registry.test/shop/api@sha256:"
    here = "spec.template.spec.containers.api"
    assert planned(before, after, locate) == [
        "update service/api",
        "  spec.ports.http.port: 80 → 8080  (envs/test1.yaml:7:54)",
        "update deployment.apps/api",
        "  spec.replicas: 1 → 3  (envs/test1.yaml:4:17)",
        f'  {here}.env.DB.name: "DB" → null  (envs/test1.yaml:5:49)',
        f'  {here}.env.DB.valueFrom.secretKeyRef.key: "value" → null  (envs/test1.yaml:5:49)',
        f'  {here}.env.DB.valueFrom.secretKeyRef.name: "db" → null  (envs/test1.yaml:5:49)',
        f'  {here}.env.LEVEL.name: null → "LEVEL"  (envs/test1.yaml:5:57)',
        f'  {here}.env.LEVEL.value: null → "debug"  (envs/test1.yaml:5:65)',
        f'  {here}.env.URL.value: "https://shop.test" → "https://test.shop"  (k8s/api.yaml:12:34)',
        f'  {here}.image: "{image}{"1" * 64}" → "{image}{"2" * 64}"  (k8s/api.yaml:10:18)',
        "delete secret/db",
    ]


def test_a_path_with_dots_leads_to_its_place(tmp_path: Path) -> None:
    manifest = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a.b}\ndata:\n  "x.y": z\n'
    files = {"envs/pipeline.yaml": PIPELINE, "envs/base.yaml": BASE, "k8s/api.yaml": manifest}
    rendering, locate = made(tmp_path, files, "1")
    assert [one.id for one in rendering.resources] == ["configmap/a.b"]
    assert str(locate("configmap/a.b", ("data", "x.y"))) == "k8s/api.yaml:5:10"
    assert dotted(("data", "x.y")) == 'data."x.y"'
