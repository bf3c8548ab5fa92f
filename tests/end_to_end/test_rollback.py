"""The way back when the declarations are deleted or broken: exactly the bytes of before, and reading goes on."""

import shutil
from collections.abc import Callable

import pytest

from tests.end_to_end.shop import Kept, Shop, plain


def deleted(shop: Shop) -> None:
    shutil.rmtree(shop.root / "envs")


def pipeline_deleted(shop: Shop) -> None:
    (shop.root / "envs/pipeline.yaml").unlink()


def pipeline_broken(shop: Shop) -> None:
    shop.write("envs/pipeline.yaml", "project: [shop\n")


def pipeline_emptied(shop: Shop) -> None:
    shop.write("envs/pipeline.yaml", "")


def layer_deleted(shop: Shop) -> None:
    (shop.root / "envs/base.yaml").unlink()


def layer_broken(shop: Shop) -> None:
    shop.write("envs/base.yaml", "services: {api: {image: ${nothing}}}\n")


def own_file_broken(shop: Shop) -> None:
    shop.write("envs/staging.yaml", "services: &a [*a]\n")


def environment_removed(shop: Shop) -> None:
    shop.edit(
        "envs/pipeline.yaml",
        "  staging:\n    layers: [base]\n    from:",
        "  acceptance:\n    layers: [base]\n    from:",
    )
    shop.edit("envs/pipeline.yaml", "    from: staging", "    from: acceptance")


def a_file_instead(shop: Shop) -> None:
    shutil.rmtree(shop.root / "envs")
    shop.write("envs", "gone\n")


def mounted_file_deleted(shop: Shop) -> None:
    (shop.root / "envs/files/features.ini").unlink()


def images_deleted(shop: Shop) -> None:
    shutil.rmtree(shop.root / "envs/images")


def renamed(shop: Shop) -> None:
    shop.edit("envs/pipeline.yaml", "project: shop", "project: store")


BROKEN = [
    deleted,
    pipeline_deleted,
    pipeline_broken,
    pipeline_emptied,
    layer_deleted,
    layer_broken,
    own_file_broken,
    environment_removed,
    a_file_instead,
    mounted_file_deleted,
    images_deleted,
    renamed,
]
READING = {
    "status": ("status",),
    "live": ("status", "--live"),
    "one": ("status", "--env", "staging"),
    "drift": ("drift", "--all"),
    "drift of one": ("drift", "--env", "staging", "--exit-code"),
    "history": ("history",),
    "history of one": ("history", "--env", "staging"),
    "show": ("show", "staging"),
    "show a revision": ("show", "staging/1"),
    "diff": ("diff", "staging/1", "staging/2"),
    "releases": ("releases",),
    "releases show": ("releases", "show", "v1.4"),
    "lock status": ("lock", "status"),
    "rollback": ("rollback", "--to", "staging", "--dry-run"),
}


@pytest.fixture
def went(shop: Shop) -> tuple[Shop, dict[str, str]]:
    """Staging went from v1.4, with a value of its own, to another value and to v1.3; and what it had with v1.4."""
    shop.edit("envs/staging.yaml", "CACHE_TTL: 120", "CACHE_TTL: 121\n      ODD: \"a$$b 'q' é ${domain}\"")
    shop.edit("envs/files/features.ini", "gift_cards = on", "gift_cards = maybe\r\n; \t end")
    shop.ok("promote", "v1.4", "--to", "staging", "--yes")
    before = shop.delivered("staging")
    shop.edit("envs/staging.yaml", "CACHE_TTL: 121", "CACHE_TTL: 122")
    shop.edit("envs/files/features.ini", "gift_cards = maybe", "gift_cards = off")
    shop.ok("promote", "v1.3", "--to", "staging", "--yes")
    assert shop.delivered("staging") != before
    return shop, before


@pytest.mark.parametrize("breaking", BROKEN)
def test_exactly_the_bytes_of_before(went: tuple[Shop, dict[str, str]], breaking: Callable[[Shop], None]) -> None:
    shop, before = went
    kept = shop.kept()
    breaking(shop)
    ran = shop("rollback", "--to", "staging", "--yes", "--json")
    assert ran.code == 0, ran
    assert ran.document["delivery"]["restores"] == 3
    assert ran.document["delivery"]["current"]["release"] == "v1.4"
    plain(ran)
    assert shop.delivered("staging") == before
    others(shop, kept)
    shop.clean("staging")
    # and further back, to what ran before that
    shop.ok("rollback", "--to", "staging", "--yes")
    assert shop.json("show", "staging")["delivery"]["restores"] == 2
    shop.ok("rollback", "--to", "staging", "--yes", "--revision", "4")
    shop.ok("rollback", "--to", "staging", "--yes", "--revision", "3")
    assert shop.delivered("staging") == before
    others(shop, kept)
    shop.clean("staging")
    shop.grown(kept)


def others(shop: Shop, kept: Kept) -> None:
    """No other environment was touched."""
    now = shop.delivered()
    assert {path: sha for path, sha in now.items() if not path.startswith("staging")} == {
        path: sha for path, sha in kept.delivered.items() if not path.startswith("staging")
    }


@pytest.mark.parametrize("breaking", BROKEN)
def test_reading_goes_on(went: tuple[Shop, dict[str, str]], breaking: Callable[[Shop], None]) -> None:
    shop, _ = went
    kept = shop.kept()
    breaking(shop)
    for words in READING.values():
        document, said = shop("--json", *words), shop(*words)
        assert (document.code, said.code) == (0, 0), (document, said)
        assert document.document
        plain(said)
    assert shop.kept() == kept


@pytest.mark.parametrize("breaking", [one for one in BROKEN if one not in (images_deleted, renamed)])
def test_what_needs_declarations_says_what_is_wrong_with_them(shop: Shop, breaking: Callable[[Shop], None]) -> None:
    breaking(shop)
    for words in (
        ("promote", "v1.3", "--to", "staging", "--yes"),
        ("render", "--env", "staging"),
        ("explain", "api.image", "--env", "staging"),
        ("diff", "staging", "production"),
    ):
        before = shop.kept()
        document, said = shop("--json", *words), shop(*words)
        assert (document.code, said.code) == (64, 64), (document, said)
        for problem in document.document["errors"]:
            assert problem["code"] in {"invalid-declarations", "unknown-name", "bad-argument"}
            assert problem["hint"], problem
        plain(said)
        assert shop.kept() == before


def test_drift_is_put_back_without_declarations(shop: Shop) -> None:
    before = shop.delivered()
    shop.drift("staging")
    deleted(shop)
    assert shop("drift", "--all", "--exit-code").code == 2
    shop.ok("reconcile", "--to", "staging", "--yes")
    assert shop.delivered() == before
    shop.clean("staging")


def test_a_deletion_in_the_middle_is_no_hindrance_to_resume(shop: Shop) -> None:
    """The folder is taken away by hand: a rollback writes it anew, to the byte."""
    before = shop.delivered("staging")
    shop.ok("promote", "v1.3", "--to", "staging", "--yes")
    shutil.rmtree(shop.root / "deploy/staging")
    deleted(shop)
    shop.ok("rollback", "--to", "staging", "--yes")
    assert shop.delivered("staging") == before
    shop.clean("staging")


def test_nothing_to_roll_back_to(shop: Shop) -> None:
    for name, kind in (("test2", "nothing-to-roll-back-to"), ("production", "nothing-to-roll-back-to")):
        shop.refused("rollback", "--to", name, "--yes", code=3, kind=kind, says=name)
