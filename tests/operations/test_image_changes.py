"""What a plan's images have other than those that run: told where both are known, and no part of the plan's id."""

import pytest

from releaser.model.image_content import ImageSummary
from releaser.model.plan import ImageChange
from releaser.operations import promote

LAYER = "services: {api: {image: api}}\n"
PIPELINE = """
project: shop
images: {api: registry.test/shop/api}
environments: {test: {}}
"""


@pytest.fixture
def digests(project):
    project.write("pipeline.yaml", PIPELINE)
    project.write("test.yaml", f"engine: {{kind: directory, path: deploy/test}}\n{LAYER}")
    found = {
        version: project.registry.push("registry.test/shop/api", version, content=version).digest
        for version in ("v1", "v2")
    }
    assert project.promote("v1", "test").outcome == "delivered"
    return found


def know(project, digest, size, platform="linux/amd64", **packages):
    names = {f"dpkg/{name}": version for name, version in packages.items()}
    project.known.images[digest] = ImageSummary(platform=platform, packages=names, bytes=size)


def planned(project):
    return project.plan(promote.request("test", "v2"))


def test_packages_and_bytes(project, digests):
    without = planned(project)
    know(project, digests["v1"], 5000, curl="8.0", tar="1.3", zlib="1")
    know(project, digests["v2"], 9000, curl="8.1", tar="1.3", wget="2")
    plan = planned(project)
    assert plan.images == (ImageChange(image="api", packages=3, bytes=4000),)
    assert (without.images, without.id) == ((), plan.id)


@pytest.mark.parametrize("known", ["v1", "v2"])
def test_one_alone_is_not_compared(project, digests, known):
    know(project, digests[known], 5000)
    assert planned(project).images == ()


def test_two_platforms_are_not_compared(project, digests):
    know(project, digests["v1"], 5000)
    know(project, digests["v2"], 5000, platform="linux/arm64")
    assert planned(project).images == ()


def test_the_same_image_is_not_told(project, digests):
    know(project, digests["v1"], 5000)
    project.edit("test.yaml", LAYER, "services: {api: {image: api, environment: {A: b}}}\n")
    assert project.plan(promote.request("test", "v1")).images == ()
