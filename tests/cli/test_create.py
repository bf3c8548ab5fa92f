"""create: releases and their digests, once."""

import pytest


def test_a_registration(cli):
    ran = cli.ok("create", "v1.4", "--image", "worker=v1.3")
    again = cli.ok("create", "v1.4", "--image", "worker=v1.3")

    assert ran.out.splitlines() == [
        "✓ v1.4 is registered",
        "IMAGE   DIGEST        FROM      PLATFORMS",
        "api     8d3028784b06  tag v1.4  linux/amd64, linux/arm64",
        "worker  1c6423aa3cc4  tag v1.3  linux/amd64, linux/arm64",
    ]
    assert ran.err == "next: release promote v1.4 --to test\n"
    assert again.out.startswith("✓ v1.4 is registered already, with the same digests\n")


def test_a_registration_as_a_document(cli):
    document = cli.json("create", "v1.4", "--by", "ann")

    assert (document["schema"], document["version"], document["created_by"]) == ("releaser/release/v1", "v1.4", "ann")


def test_a_release_keeps_its_digests(cli):
    cli.ok("create", "v9", "--image", "api=v1.3", "--image", "worker=v1.3")

    ran = cli("create", "v9", "--image", "api=v1.4", "--image", "worker=v1.3", "--json")

    assert ran.code == 3
    assert ran.document["errors"][0]["code"] == "release-conflict"


@pytest.mark.parametrize("words", [["api=v1.3", "api=v1.4"], ["ape=v1.3"], ["=v1"], ["api="]])
def test_a_tag_is_for_one_known_image(cli, words):
    assert cli("create", "v1.4", *(part for word in words for part in ("--image", word))).code == 64


def test_an_image_is_named_by_tag_digest_or_in_full(cli):
    digest = cli.json("create", "v1.4")["images"]["api"]["digest"]
    named = [digest, f"registry.test/shop/api@{digest}", f"registry.test/shop/api:v1.4@{digest}", "v1.4"]
    for number, reference in enumerate([*named, "registry.test/shop/api:v1.4"]):
        made = cli.json("create", f"v{number}", "--image", f"api={reference}", "--image", "worker=v1.4")

        assert made["images"]["api"]["digest"] == digest
    cli.promote("v0", "test")
    assert digest in cli.delivered("test").decode()


def test_an_image_of_another_repository_is_refused(cli):
    for reference in ("registry.test/shop/web:v1.4", f"elsewhere/api@sha256:{'0' * 64}"):
        ran = cli("create", "v1.4", "--image", f"api={reference}")

        assert ran.code == 64
        assert "is not of image api, which is registry.test/shop/api" in ran.err
    assert cli("create", "v1.4", "--image", f"api=sha256:{'0' * 64}").code == 64
