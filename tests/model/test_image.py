"""Images: which platforms are missing, and what engines are given."""

import pytest

from releaser.model.image import DIGEST, Image, ReleaseImage, missing_platforms

D = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("have", "want", "missing"),
    [
        (["linux/amd64"], ["linux/amd64"], []),
        (["linux/amd64"], ["linux/amd64", "linux/arm64"], ["linux/arm64"]),
        (["linux/arm64/v8"], ["linux/arm64"], []),
        (["linux/arm64"], ["linux/arm64/v8"], []),
        (["linux/arm64/v9"], ["linux/arm64"], ["linux/arm64"]),
        (["linux/arm/v8"], ["linux/arm"], ["linux/arm"]),
        (["linux/arm/v7"], ["linux/arm/v6"], ["linux/arm/v6"]),
        ([], ["linux/s390x"], ["linux/s390x"]),
        (["linux/amd64"], [], []),
    ],
)
def test_missing_platforms(have, want, missing):
    assert missing_platforms(dict.fromkeys(have, D), tuple(want)) == tuple(missing)


def test_engines_are_given_the_digest():
    image = ReleaseImage(repository="registry.test:5000/shop/api", tag="v1", digest=D, platforms={})
    assert image.reference == f"registry.test:5000/shop/api@{D}"


def test_where_a_tag_is_looked_up():
    assert Image(name="api", repository="r/api").lookup == "r/api"
    assert Image(name="api", repository="r/api", source="oci:images/api").lookup == "oci:images/api"


@pytest.mark.parametrize("text", [D[:-1], D + "0", D.upper(), "sha512:" + "0" * 64, D + "\n", "sha256:" + "g" * 64])
def test_what_is_no_digest(text):
    assert DIGEST.match(D)
    assert not DIGEST.match(text)
