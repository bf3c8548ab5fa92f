"""Images of several platforms, with attestations, on an engine that keeps images in containerd."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from releaser.model.errors import BuildFailed
from tests.engines.images import HERE, OTHER, Images
from tests.engines.test_builder import BUILD, app, docker, opened, quiet, release

pytestmark = [pytest.mark.engines, pytest.mark.containerd_alone]
__all__ = ["app"]

BOTH = [f"linux/{HERE}", f"linux/{OTHER}"]
SCANNER = """#!/bin/sh
cat > "$BUILDKIT_SCAN_DESTINATION/files.spdx.json" <<S
{"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document",
 "predicate": {"spdxVersion": "SPDX-2.3", "name": "$(ls $BUILDKIT_SCAN_SOURCE | tr '\\n' ' ')"}}
S
"""
"""https://github.com/moby/buildkit/blob/master/docs/attestations/sbom-protocol.md"""


@pytest.fixture
def scanner(app: Path, images: Images, require: Callable[[str], str]) -> str:
    """A generator of SBOMs, by digest."""
    (app / "scan").write_text(SCANNER)
    (app / "scan").chmod(0o755)
    (app / "Dockerfile").write_text(
        "FROM scratch\nCOPY busybox /bin/sh\nCOPY busybox /bin/cat\nCOPY busybox /bin/ls\nCOPY busybox /bin/tr\n"
        'COPY scan /scan\nENTRYPOINT ["/scan"]\n'
    )
    builder = opened("buildkit", app.parent, require)
    name = f"{images.registry}/releaser-test/scanner-{uuid.uuid4().hex[:8]}"
    digest = builder.push(builder.build(BUILD, quiet).image_id, name, "v1", quiet)
    builder.close()
    return f"{name}@{digest}"


@pytest.fixture
def project(
    app: Path, images: Images, require: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """The pipeline of a project that delivers one image to two kinds of machines."""
    monkeypatch.setenv("DOCKER_HOST", require("RELEASER_TEST_DOCKER"))
    name = f"platforms-{uuid.uuid4().hex[:8]}"
    return {
        "project": name,
        "platforms": BOTH,
        "images": {"api": f"{images.registry}/releaser-test/{name}"},
        "builds": {"api": {"context": "app", "network": "none"}},
        "builder": {"kind": "buildkit"},
        "environments": {"test1": {}},
    }


def declare(root: Path, pipeline: dict[str, Any]) -> None:
    (root / "envs").mkdir(exist_ok=True)
    (root / "envs" / "pipeline.yaml").write_text(json.dumps(pipeline))
    layer = {"engine": {"kind": "docker"}, "stable": "300ms", "services": {"api": {"image": "api"}}}
    (root / "envs" / "test1.yaml").write_text(json.dumps(layer))


def done(root: Path, *words: str) -> Any:
    found = release(root, *words, "--json")
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def test_one_digest_for_every_platform_with_its_attestations(
    app: Path, images: Images, scanner: str, project: dict[str, Any]
) -> None:
    root, name = app.parent, project["images"]["api"]
    (app / "Dockerfile").write_text(
        "FROM scratch\nARG TARGETARCH\nCOPY busybox /bin/sh\nCOPY hello.txt /$TARGETARCH\n"
        'CMD ["/bin/sh", "-c", "/bin/sh -c \'sleep 999\'"]\n'
    )
    project["builds"]["api"] |= {"provenance": "mode=max", "sbom": f"generator={scanner}"}
    declare(root, project)
    report = done(root, "build", "v1", "--push")
    image = report["release"]["images"]["api"]
    assert image["digest"] == report["images"][0]["image_id"] == report["images"][0]["digest"]
    assert sorted(image["platforms"]) == sorted(BOTH)
    assert image["source"]["attestations"] == ["provenance", "sbom"]
    assert "with its provenance and a list of what is in it (SBOM)" in release(root, "releases", "show", "v1").stdout

    index = images.document(f"{name}@{image['digest']}")
    attested = [one for one in index["manifests"] if one["platform"]["os"] == "unknown"]
    assert len(attested) == len(BOTH)
    for one in attested:
        layers = images.document(f"{name}@{one['digest']}")["layers"]
        kinds = {layer["annotations"]["in-toto.io/predicate-type"] for layer in layers}
        assert kinds == {"https://slsa.dev/provenance/v0.2", "https://spdx.dev/Document"}

    for platform in BOTH:
        for reference in ("api:v1", f"docker:{image['digest']}"):
            found = done(root, "image", "inspect", reference, "--platform", platform)
            assert (found["platform"], sorted(found["platforms"])) == (platform, sorted(BOTH))
    with_other = release(root, "image", "inspect", f"docker:{image['digest']}", "--platform", "linux/s390x")
    assert with_other.returncode == 64
    assert f"it has {' and '.join(sorted(BOTH))}" in with_other.stderr

    try:
        promoted = release(root, "promote", "v1", "--to", "test1", "--yes")
        assert promoted.returncode == 0, promoted.stderr
        assert release(root, "drift", "--env", "test1").returncode == 0
    finally:
        for one in docker("ps", "-aq", "--filter", f"label=releaser.project={project['project']}").split():
            docker("rm", "-f", "-v", one)
        for one in docker("network", "ls", "-q", "--filter", f"label=releaser.project={project['project']}").split():
            docker("network", "rm", one)


def test_each_platform_is_reproducible_or_not(app: Path, project: dict[str, Any]) -> None:
    (app / "Dockerfile").write_text("FROM scratch\nCOPY hello.txt /hello.txt\n")
    project["builds"]["api"] |= {"provenance": True}
    declare(app.parent, project)
    found = done(app.parent, "build", "v1", "--check-reproducible")["images"]
    assert [(one["platform"], one["same"], one["layers"]) for one in found] == [(name, True, 1) for name in BOTH]


def test_the_api_alone_does_not_build_there(app: Path, require: Callable[[str], str]) -> None:
    """https://github.com/moby/moby/issues/47717, as long as the test bed has a version before 28."""
    builder = opened("engine", app.parent, require)
    with pytest.raises(BuildFailed, match="until version 28 its API cannot build there") as refused:
        builder.build(BUILD, quiet)
    builder.close()
    assert "buildkit" in str(refused.value.hint)
