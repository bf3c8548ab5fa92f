"""The images that suites on a real engine use do what they say."""

import pytest

from releaser.engines.moby.client import Client
from tests.engines.images import Images

pytestmark = [pytest.mark.engines, pytest.mark.oldest]


def test_the_same_image_has_the_same_digest(images: Images) -> None:
    assert images.serve("v1") == images.serve("v1") != images.serve("v2")


def test_images_run(client: Client, images: Images, project: str) -> None:
    said = {}
    for reference in (images.exit3(), images.done()):
        client.pull(reference, None, print)
        labels = {"releaser.project": project}
        made = client.call("POST", "/containers/create", body={"Image": reference, "Labels": labels})["Id"]
        client.call("POST", f"/containers/{made}/start")
        ended = client.call("POST", f"/containers/{made}/wait")
        said[ended["StatusCode"]] = client.logs(f"/containers/{made}/logs")

    assert "giving up: no database" in said[3]
    assert said[0] == "migrated to v1"
