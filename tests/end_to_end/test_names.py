"""Names that nobody knows get the nearest one; names that mean harm get nothing."""

from collections.abc import Iterable

import pytest

from tests.end_to_end.shop import Shop, plain, stamps, told

# Every verb that takes an environment; ENV stands for it.
ENVIRONMENTS = {
    "plan": ("plan", "v1.4", "--to", "ENV"),
    "promote": ("promote", "v1.4", "--to", "ENV", "--yes"),
    "rollback": ("rollback", "--to", "ENV", "--yes"),
    "rollback to a revision": ("rollback", "--to", "ENV", "--revision", "1", "--yes"),
    "reconcile": ("reconcile", "--to", "ENV", "--yes"),
    "resume": ("resume", "--", "ENV"),
    "abort": ("abort", "--", "ENV"),
    "status": ("status", "--env", "ENV"),
    "live": ("status", "--env", "ENV", "--live"),
    "drift": ("drift", "--env", "ENV"),
    "history": ("history", "--env", "ENV"),
    "show": ("show", "--", "ENV"),
    "show a revision": ("show", "--", "ENV/1"),
    "diff left": ("diff", "--", "ENV", "production"),
    "diff right": ("diff", "--", "production", "ENV"),
    "diff revisions": ("diff", "--", "production/1", "ENV/1"),
    "explain": ("explain", "api.image", "--env", "ENV"),
    "render": ("render", "--env", "ENV"),
    "validate": ("validate", "--env", "ENV"),
    "lock status": ("lock", "status", "--env", "ENV"),
    "lock break": ("lock", "break", "--env", "ENV", "--reason", "it hangs"),
}
# Every verb that takes a release, as REL.
RELEASES = {
    "create": ("create", "--", "REL"),
    "plan": ("plan", "--to", "test1", "--", "REL"),
    "promote": ("promote", "--to", "test1", "--yes", "--", "REL"),
    "rollback": ("rollback", "--to", "staging", "--yes", "--release", "REL"),
    "history": ("history", "--release", "REL"),
    "render": ("render", "--env", "test1", "--", "REL"),
    "releases show": ("releases", "show", "--", "REL"),
}
HARMFUL = {
    "outside": "../x",
    "absolute": "/etc/passwd",
    "option": "--yes",
    "short option": "-C",
    "empty": "",
    "dot": ".",
    "dots": "..",
    "long": "v" * 200,
    "line": "v1\nv2",
    "escape": "\x1b[31mv1\x1b[0m",
    "bell": "v1\x07",
    "reordered": "v1\u202e4",
    "space": "v1 4",
    "quote": "v1'; rm -rf .; '",
    "letters of others": "vé4",
    "half a pair": "v\udcff",
    "null": "v\x00",
    "tilde": "~root",
    "percent": "v%s%n",
}


def with_name(words: tuple[str, ...], place: str, name: str) -> tuple[str, ...]:
    """The words with the name in its place."""
    return tuple(word.replace(place, name) if place in word else word for word in words)


def harmless(shop: Shop, words: tuple[str, ...], place: str, names: Iterable[str]) -> None:
    """Every harmful name is refused as wrong, and nothing is written anywhere."""
    everything = stamps(shop.root.parent)
    before = shop.kept()
    for kind in names:
        name = HARMFUL[kind]
        typed = with_name(words, place, name)
        document, said = shop("--json", *typed), shop(*typed)
        assert (document.code, said.code) == (64, 64), (kind, document, said)
        problems = document.document["errors"]
        assert {problem["code"] for problem in problems} <= {"bad-argument", "unknown-name"}, (kind, problems)
        told(said, problems)
        assert len(problems[0]["message"]) < 400
    assert shop.kept() == before
    assert stamps(shop.root.parent) == everything


@pytest.mark.parametrize("words", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_an_unknown_environment(shop: Shop, words: tuple[str, ...]) -> None:
    typed = with_name(words, "ENV", "stagign")
    shop.refused(*typed, code=64, kind="unknown-name", says="stagign", hint="staging")


def test_one_unknown_environment_of_several(shop: Shop) -> None:
    shop.refused("status", "--env", "test1,stagign", code=64, kind="unknown-name", hint="staging")
    shop.refused("status", "--env", "qa*", code=64, kind="unknown-name", says="qa*", hint="staging")


@pytest.mark.parametrize("words", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_an_environment_that_means_harm(shop: Shop, words: tuple[str, ...]) -> None:
    harmless(shop, words, "ENV", ("outside", "option", "empty", "long", "line", "escape", "half a pair"))


@pytest.mark.parametrize("words", RELEASES.values(), ids=RELEASES)
def test_a_release_that_means_harm(shop: Shop, words: tuple[str, ...]) -> None:
    harmless(shop, words, "REL", HARMFUL)


# --- other names that nobody knows ---

NEAREST = {
    # what was typed → the kind of error, and what the hint must name
    "verb": (("promot", "v1.4"), "bad-argument", "promote"),
    "option": (("promote", "v1.4", "--to", "test1", "--yess"), "bad-argument", "--yes"),
    "registered release": (("releases", "show", "v1.33"), "unknown-name", "v1.3"),
    "release of history": (("history", "--release", "v1.33"), "unknown-name", "v1.3"),
    "release of rollback": (("rollback", "--to", "staging", "--release", "v1.33", "--yes"), "unknown-name", "staging"),
    "tag": (("promote", "v1.44", "--to", "test1", "--yes"), "image-not-found", "v1.4"),
    "tag of create": (("create", "v1.6"), "image-not-found", "v1.5"),
    "tag of an image": (("create", "v2", "--image", "api=v1.44"), "image-not-found", "v1.4"),
    "image": (("create", "v2", "--image", "apo=v1.4"), "unknown-name", "api"),
    "path": (("explain", "api.environment.CACHE_TLL", "--env", "test1"), "unknown-name", "CACHE_TTL"),
    "service of a path": (("explain", "wrker.image", "--env", "test1"), "unknown-name", "worker"),
    "key of a path": (("explain", "services.api.deploy.replica", "--env", "test1"), "unknown-name", "replicas"),
    "top of a path": (("explain", "var.domain", "--env", "test1"), "unknown-name", "vars"),
    "revision": (("show", "staging/99"), "unknown-name", "release history --env staging"),
    "revision to go back to": (("rollback", "--to", "staging", "--revision", "99", "--yes"), "unknown-name", "staging"),
    "schema": (("schema", "laier"), "unknown-name", "layer"),
}


@pytest.mark.parametrize(("words", "kind", "hint"), NEAREST.values(), ids=NEAREST)
def test_the_nearest_name(shop: Shop, words: tuple[str, ...], kind: str, hint: str) -> None:
    shop.refused(*words, code=64, kind=kind, hint=hint)


UNKNOWN_KEYS = {
    # file, what stands there, what is written instead, the nearest word
    "of a service": ("envs/base.yaml", "    image: worker", "    imagee: worker", "image"),
    "of a layer": ("envs/test.yaml", "verify: null", "verifi: null", "verify"),
    "of the pipeline": ("envs/pipeline.yaml", "platforms: [linux/amd64]\n", "platform: [linux/amd64]\n", "platforms"),
    "of an environment": ("envs/pipeline.yaml", "    soak: 10s", "    soke: 10s", "soak"),
    "of a secret": ("envs/base.yaml", "{from: file, path:", "{from: file, pth:", "path"),
}


@pytest.mark.parametrize(("file", "old", "new", "near"), UNKNOWN_KEYS.values(), ids=UNKNOWN_KEYS)
def test_an_unknown_key_is_told_with_its_place(shop: Shop, file: str, old: str, new: str, near: str) -> None:
    shop.edit(file, old, new)
    line = next(at for at, text in enumerate((shop.root / file).read_text().splitlines(), 1) if new.strip() in text)
    for words in (("validate",), ("promote", "v1.5", "--to", "test1", "--yes")):
        found = shop.refused(*words, code=64, kind="invalid-declarations", hint=near)
        assert [(place["file"], place["line"]) for place in found[0]["locations"]] == [(file, line)]
        assert new.strip().split(":")[0].strip("{ ") in shop(*words).err, "the line itself is shown"


@pytest.mark.parametrize("name", ["../x", "--yes", '""', "v" * 200, '"a\\nb"', '"\\x1b[31mred"', "a/b", ".", "A b"])
def test_a_declared_environment_that_means_harm(shop: Shop, name: str) -> None:
    shop.edit("envs/pipeline.yaml", "  test6: {layers", f"  {name}: {{layers")
    found = shop.refused("validate", code=64, kind="invalid-declarations")
    assert any(place["file"] == "envs/pipeline.yaml" and place["line"] >= 20 for place in found[0]["locations"])


@pytest.mark.parametrize("where", ["-m", "--by", "RELEASE_BY"])
def test_words_for_the_record_that_would_move_a_terminal(shop: Shop, where: str) -> None:
    harm = "\x1b]0;mine\x07\x1b[2Jred\u202eder\r\nv9 ✓ succeeded"
    more = () if where == "RELEASE_BY" else (where, harm)
    environ = {"RELEASE_BY": harm} if where == "RELEASE_BY" else {}
    ran = shop.ok("promote", "v1.5", "--to", "test1", "--yes", *more, environ=environ)
    for words in (("history",), ("show", "test1"), ("status",), ("status", "-v"), ("history", "-v")):
        plain(shop.ok(*words))
        plain(shop.ok(*words, terminal=True, environ={"NO_COLOR": "1"}))
    plain(ran)
    delivery = shop.json("show", "test1")["delivery"]
    assert "mine" in delivery["reason" if where == "-m" else "actor"]


def test_a_name_of_the_record_that_is_no_text(shop: Shop) -> None:
    shop.ok("promote", "v1.5", "--to", "test1", "--yes", environ={"RELEASE_BY": "ann\udcff"})
    assert shop.json("show", "test1")["delivery"]["actor"] == "ann\\udcff"
    shop.kept()
