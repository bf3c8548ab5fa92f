"""The front: where an image is looked up decides who is asked, and what is imported for it."""

import subprocess
import sys
from pathlib import Path

from releaser.model.image import Image
from releaser.registry.images import Images
from tests.contracts.oci_images import multi
from tests.contracts.scripted_registry import ScriptedRegistry

ROOT = Path(__file__).parents[2]


def test_layouts_need_no_http() -> None:
    script = """
import sys
from pathlib import Path
from releaser.model.image import Image
from releaser.registry.images import Images
image = Image(name="api", repository="registry.example.com/shop/api", source="oci:envs/images/api")
print(Images(Path(), {}).resolve(image, "v1.4").digest)
print(sorted({"urllib3", "requests", "tenacity", "ssl", "subprocess", "socket"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    digest, imported = done.stdout.splitlines()
    assert digest.startswith("sha256:")
    assert imported == "[]"


def test_source_is_asked_in_place_of_the_repository(scripted: ScriptedRegistry) -> None:
    content = multi()
    scripted.store("mirror/api", "v1", content)
    image = Image(name="api", repository="registry.example.com/shop/api", source=f"{scripted.host}/mirror/api")
    assert Images(ROOT, {}).resolve(image, "v1").digest == content.top


def test_repository_without_a_source_is_asked_itself(scripted: ScriptedRegistry) -> None:
    content = multi()
    scripted.store("shop/api", "v1", content)
    images = Images(ROOT, {})
    image = Image(name="api", repository=f"{scripted.host}/shop/api", digest=content.top)
    assert images.resolve(image, "v1").digest == content.top
    assert images.pinned(image).platforms == content.platforms
    assert images.confirm(image, content.top) == content.platforms
