"""Objects of many kinds as people write them, built by a kustomization: delivered once, they are what is wanted."""

import json

import pytest

from tests.engines.kubernetes.conftest import KubernetesLab
from tests.engines.swarm.shop import Shop, delivered

pytestmark = [pytest.mark.engines, pytest.mark.cluster_admin]  # kinds that the documented Role does not have

KUSTOMIZATION = """
resources: [../base]
commonLabels: {team: shop}
configMapGenerator:
  - {name: made, literals: [level=info]}
"""
MANIFESTS = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: own, creationTimestamp: null}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: own}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: own}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: own}
subjects: [{kind: ServiceAccount, name: own}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: own}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{ports: [{port: 80}]}]}
---
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata: {name: own}
spec: {minAvailable: 1, selector: {matchLabels: {app: own}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: own}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1024Mi}}}
---
apiVersion: v1
kind: Service
metadata: {name: own}
spec: {clusterIP: None, selector: {app: own}, ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: own}
spec:
  rules:
    - host: own.shop.test
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: own, port: {number: 80}}}}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: own}
spec:
  selector: {matchLabels: {app: own}}
  template:
    metadata: {labels: {app: own}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: own
          image: IMAGE
          ports: [{containerPort: 8080}]
          resources: {requests: {cpu: 0.001, memory: 1000k}, limits: {memory: "268435456"}}
          envFrom: [{configMapRef: {name: made}}]
          volumeMounts: [{name: scratch, mountPath: /scratch}]
      volumes: [{name: scratch, emptyDir: {}}]
---
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: own}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: own}, maxReplicas: 1}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: numbered}
spec:
  serviceName: own
  selector: {matchLabels: {app: numbered}}
  template:
    metadata: {labels: {app: numbered}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: own, image: IMAGE}]
---
apiVersion: batch/v1beta1
kind: CronJob
metadata: {name: own}
spec:
  schedule: "0 0 1 1 *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: own, image: IMAGE}]}}}}
"""


@pytest.fixture
def many(shop: Shop) -> Shop:
    repository = f"{shop.images.registry}/releaser-test/{shop.project}-api"
    files = {
        "base/kustomization.yaml": "resources: [all.yaml]",
        "base/all.yaml": MANIFESTS.replace("IMAGE", f"{repository}:latest"),
        "test/kustomization.yaml": KUSTOMIZATION,
    }
    for name, text in files.items():
        file = shop.root / "k8s" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    shop.declare(
        {"api": {"image": "api", "stop_grace_period": "1s"}},
        manifests={"all": {"kustomization": "k8s/test"}},
        patches={"deployment.apps/own": [{"op": "add", "path": "/spec/minReadySeconds", "value": 0}]},
    )
    return shop


def test_they_are_what_is_wanted_after_one_delivery(many: Shop, lab: KubernetesLab) -> None:
    delivered(many.promote("v1"))
    assert many.drift() == ()
    plan = many.plan("v1")
    assert [(one.resource, one.fields) for one in plan.changes if one.action != "unchanged"] == []
    assert plan.nothing_to_do

    plan = many.plan("v2")
    changed = {one.resource for one in plan.changes if one.action != "unchanged"}
    assert changed == {"deployment.apps/api", "deployment.apps/own", "statefulset.apps/numbered", "cronjob.batch/own"}
    delivered(many.promote("v2"))
    assert many.drift() == ()
    own = lab.get("deployment.apps/own")
    assert own["metadata"]["labels"]["team"] == "shop"
    assert "made-" in json.dumps(own["spec"]["template"]["spec"]["containers"][0]["envFrom"])
