import os
import re
from pathlib import Path

import msgspec
import pytest

from releaser.engines.directory import folder as folders
from releaser.engines.directory import observing
from releaser.engines.directory.engine import DirectoryEngine
from releaser.model.errors import EngineUnreachable
from releaser.model.resource import EMPTY, Resource
from releaser.planning import drift
from tests.contracts.engine_contract import (
    SCOPE,
    actions,
    environment,
    fingerprints,
    first,
    inventory_after,
    mark,
    second,
    wanted,
)

FILE = "file/compose.yaml"
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)
BROKEN = {
    "not closed": ("services: {api: [hunter2", "while parsing|did not find|expected"),
    "not a map": ("- hunter2\n", "not a map of services"),
    "a text": ("hunter2\n", "not a map of services"),
    "empty": ("", "not a map of services"),
    "sections that are none": ("services: [hunter2]\n", "services is not a map"),
    "a key twice": ("services: {}\nservices: {api: {image: hunter2}}\n", r"twice \(line 2, column 1\)"),
    "a key twice below": ("services: {api: {hunter2: 1, hunter2: 2}}\n", r"twice \(line 1, column 30\)"),
    "a key that is a map": ("{hunter2: 1}: 2\n", "key is not a plain text"),
    "an alias to nothing": ("services: *hunter2\n", "alias refers to nothing"),
    "a circle": ("services: &a {api: *a}\n", "alias refers to nothing"),
    "a bomb": (BOMB, "more than 2,000,000 values"),
    "deep": ("x: " + "[" * 500 + "]" * 500, "more than 100 levels"),
    "deeper than the parser goes": ("[" * 200_000, "nesting"),
    "two documents": ("services: {}\n---\nservices: {}\n", "second document"),
    "no text": ("services: \x00\x01\n", "characters"),
    "a tab": ("services:\n\tapi: hunter2\n", "token|tab"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_is_broken_by_hand_is_drift_and_is_put_back(lab, delivering, case: str) -> None:
    delivering.deliver(first())
    content, (text, reason) = lab.content(), BROKEN[case]
    lab.compose.write_text(text)
    observation = delivering.observe()
    assert [name for name in observation.resources if not name.startswith("config/")] == [FILE]
    items = {item.resource: item for item in drift.detect(delivering.inventory, observation)}
    assert items[FILE].kind == "changed"
    (error,) = [field.live for field in items[FILE].fields if field.path == "error"]
    assert re.search(reason, error), error
    assert "hunter2" not in error
    assert {name for name, item in items.items() if item.kind == "missing"} == {
        name for name in delivering.inventory.items if not name.startswith(("config/", FILE))
    }
    inventory = delivering.inventory
    delivering.bring_back(inventory)
    assert lab.content() == content


def test_not_utf_8(lab, delivering) -> None:
    delivering.deliver(first())
    lab.compose.write_bytes(b"services: {api: {image: \xff\xfe}}\n")
    assert "error" in delivering.observe().resources[FILE].body


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _link(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere"
    elsewhere.write_text("services: {}\n")
    path.symlink_to(elsewhere)


ODD = {"a named pipe": _pipe, "a symbolic link": _link, "a folder": Path.mkdir}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_file_is_drift_and_is_put_back(lab, delivering, kind: str) -> None:
    delivering.deliver(first())
    inventory, data = delivering.inventory, lab.compose.read_bytes()
    lab.compose.unlink()
    ODD[kind](lab.compose)
    assert delivering.observe().resources[FILE].body == {"error": f"it is {kind}"}
    delivering.bring_back(inventory)
    assert lab.compose.read_bytes() == data
    assert not lab.compose.is_symlink()
    if kind == "a symbolic link":
        assert (lab.root / "deploy" / "elsewhere").read_text() == "services: {}\n"


@pytest.mark.parametrize("kind", ODD)
def test_a_config_that_is_no_file_is_drift_and_is_put_back(lab, delivering, kind: str) -> None:
    delivering.deliver(first())
    content, inventory = lab.content(), delivering.inventory
    (config,) = lab.configs.iterdir()
    config.unlink()
    ODD[kind](config)
    (item,) = drift.detect(inventory, delivering.observe())
    assert (item.resource, item.kind) == (f"config/{config.name}", "changed")
    assert "error" in [field.path for field in item.fields]
    delivering.bring_back(inventory)
    (lab.folder / "elsewhere").unlink(missing_ok=True)
    assert lab.content() == content


def test_a_file_that_is_too_large(lab, delivering, monkeypatch: pytest.MonkeyPatch) -> None:
    delivering.deliver(first())
    monkeypatch.setattr(folders, "LIMIT", 100)
    assert delivering.observe().resources[FILE].body == {"error": "it is a file larger than 0 MiB"}


def test_fields_that_were_edited(lab, delivering) -> None:
    delivering.deliver(first())

    def edit(document: dict) -> None:
        document["services"]["api"]["environment"]["LEVEL"] = "debug"
        document["services"]["web"]["deploy"]["replicas"] = 3
        document["volumes"]["extra"] = None
        document["name"] = "other"

    lab.rewrite(edit)
    found = {
        (item.resource, field.path): (field.recorded, field.live)
        for item in drift.detect(delivering.inventory, delivering.observe())
        for field in item.fields
    }
    assert found == {
        ("service/api", "environment.LEVEL"): ("info", "debug"),
        ("service/web", "deploy.replicas"): (2, 3),
        (FILE, "name"): ("shop-test1", "other"),
    }
    assert delivering.observe().resources["volume/extra"].body == {}


def test_a_difference_in_bytes_alone_is_formatting(lab, delivering) -> None:
    delivering.deliver(first())
    data = lab.compose.read_bytes()
    lab.compose.write_bytes(data + b"# a note\n")
    (item,) = drift.detect(delivering.inventory, delivering.observe())
    assert (item.resource, item.kind, [field.path for field in item.fields]) == (FILE, "changed", ["formatting"])
    work = delivering.bring_back(delivering.inventory)
    assert actions(work) == {}
    assert lab.compose.read_bytes() == data


def test_a_file_that_is_gone(lab, delivering) -> None:
    delivering.deliver(first())
    content = lab.content()
    lab.compose.unlink()
    observation = delivering.observe()
    assert [name for name in observation.resources if not name.startswith("config/")] == []
    assert {item.kind for item in drift.detect(delivering.inventory, observation)} == {"missing"}
    delivering.bring_back(delivering.inventory)
    assert lab.content() == content


def test_a_config_file_that_is_gone(lab, delivering) -> None:
    delivering.deliver(first())
    content = lab.content()
    (config,) = lab.configs.iterdir()
    config.unlink()
    (item,) = drift.detect(delivering.inventory, delivering.observe())
    assert (item.resource, item.kind) == (f"config/{config.name}", "missing")
    delivering.bring_back(delivering.inventory)
    assert lab.content() == content


def test_a_config_that_the_compose_file_no_longer_lists_or_lists_otherwise(lab, delivering) -> None:
    delivering.deliver(first())
    (name,) = (path.name for path in lab.configs.iterdir())
    lab.rewrite(lambda document: document["configs"].pop(name))
    assert delivering.observe().resources[f"config/{name}"].body == {"content": "level = 1\n", "unused": True}
    lab.rewrite(lambda document: document.update(configs={name: {"file": "/etc/passwd"}}))
    live = delivering.observe().resources[f"config/{name}"]
    assert live.body == {"content": "level = 1\n", "definition": {"file": "/etc/passwd"}}


def test_orphans_among_the_configs(lab, delivering) -> None:
    delivering.deliver(first())
    (lab.configs / "extra.ini").write_bytes(b"\xff\x00")
    lab.rewrite(lambda document: document["configs"].update({"../../x": {"file": "../x"}}))
    items = [(item.resource, item.kind) for item in drift.detect(delivering.inventory, delivering.observe())]
    assert items == [("config/../../x", "orphan"), ("config/extra.ini", "orphan")]
    assert delivering.observe().resources["config/extra.ini"].body == {"base64": "/wA=", "unused": True}
    outside = lab.root / "x"
    outside.write_text("somebody's\n")
    delivering.deliver(first())
    assert outside.read_text() == "somebody's\n"
    assert not (lab.configs / "extra.ini").exists()
    assert drift.detect(delivering.inventory, delivering.observe()) == ()


def test_other_files_are_nobody_s_business(lab, delivering) -> None:
    delivering.deliver(first())
    for path in (lab.folder / ".env", lab.folder / "README", lab.folder / "data" / "x", lab.configs / "mine" / "y"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("somebody's\n")
    os.mkfifo(lab.folder / "pipe")
    (lab.folder / "compose.override.yaml").write_text("services: [")
    assert drift.detect(delivering.inventory, delivering.observe()) == ()
    delivering.deliver(second())
    delivering.perform(delivering.work(()))
    left = {path.relative_to(lab.folder).as_posix() for path in lab.folder.rglob("*") if not path.is_dir()}
    assert left == {".env", "README", "data/x", "config/mine/y", "pipe", "compose.override.yaml"}


def test_a_literal_in_place_of_a_secret_is_not_shown(lab, delivering) -> None:
    delivering.deliver(first())

    def edit(document: dict) -> None:
        document["services"]["api"]["environment"]["PASSWORD"] = "hunter2"
        document["secrets"]["password"] = {"content": "hunter2"}
        document["secrets"]["other"] = "hunter2"

    lab.rewrite(edit)
    observation = delivering.observe()
    assert "hunter2" not in str([live for name, live in observation.resources.items() if name.startswith("secret/")])
    items = drift.detect(delivering.inventory, observation)
    assert {item.resource for item in items} == {"service/api", "secret/password", "secret/other"}
    assert "hunter2" not in str(items)


@pytest.mark.parametrize("x", ["nonsense", {"project": 7}, {}, None, ["a"]])
def test_a_mark_that_is_none(lab, delivering, x: object) -> None:
    delivering.deliver(first())
    lab.rewrite(lambda document: document.update({"x-releaser": x}))
    observation = delivering.observe()
    assert {live.mark for live in observation.resources.values()} == {None}
    assert fingerprints(observation) == wanted(delivering.render(first()).resources)


def test_the_recorded_file_is_not_parsed_and_gives_the_same(lab, delivering, monkeypatch: pytest.MonkeyPatch) -> None:
    delivering.deliver(second())
    lab.rewrite(lambda document: document["services"]["web"].update(nothing=None))
    delivering.perform(delivering.work(delivering.render(first()).resources))
    parsed = lab.engine().observe(SCOPE, EMPTY)
    monkeypatch.setattr(observing, "parse", None)
    recorded = delivering.observe()
    assert recorded.resources == parsed.resources
    assert recorded.files == parsed.files
    assert {live.mark for live in recorded.resources.values()} == {mark(2)}


def test_the_recorded_file_hides_no_config(lab, delivering) -> None:
    delivering.deliver(first())
    (config,) = lab.configs.iterdir()
    config.write_text("level = 7\n")
    (lab.configs / "new").write_text("")
    observation = delivering.observe()
    assert observation.resources[f"config/{config.name}"].body == {"content": "level = 7\n"}
    assert "config/new" in observation.resources


def test_yaml_as_compose_reads_it(lab, delivering) -> None:
    delivering.deliver(environment(services={}))
    lab.compose.write_text(
        "services:\n  api: {a: no, b: 0o17, c: 0x1F, d: 012, e: 1e3, f: .5, g: 22:30, h: 2024-01-01, i: ~, j: '1',\n"
        "    k: !!str 1, l: !reset 1, m: 99999999999999999999, n: .inf, o: 1e999, p: True, q: &x [1], r: *x, 8080: y}\n"
    )
    assert delivering.observe().resources["service/api"].body == {
        "a": "no",
        "b": 15,
        "c": 31,
        "d": "012",
        "e": 1000.0,
        "f": 0.5,
        "g": "22:30",
        "h": "2024-01-01",
        "i": None,
        "j": "1",
        "k": "1",
        "l": "!reset 1",
        "m": "99999999999999999999",
        "n": ".inf",
        "o": "1e999",
        "p": True,
        "q": [1],
        "r": [1],
        "8080": "y",
    }


def test_a_file_in_place_of_the_folder(lab) -> None:
    lab.folder.parent.mkdir()
    lab.folder.write_text("")
    with pytest.raises(EngineUnreachable, match="cannot read deploy/test1: Not a directory") as raised:
        lab.engine().observe(SCOPE, EMPTY)
    assert raised.value.hint


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("deploy/test1", "deploy/test1"),
        ("./deploy//x/../test1/", "deploy/test1"),
        ("{root}/deploy/test1", "deploy/test1"),
        ("{parent}/elsewhere/", "{parent}/elsewhere"),
        ("../elsewhere", "{parent}/elsewhere"),
        (".", "."),
    ],
)
def test_the_target_is_the_same_however_it_is_spelled(tmp_path: Path, path: str, identity: str) -> None:
    root = tmp_path / "project"
    path, identity = (text.format(root=root, parent=tmp_path) for text in (path, identity))
    target = DirectoryEngine(root, path).target()
    assert (target.engine, target.identity, target.path) == ("directory", identity, path)


def test_a_link_that_takes_a_file_s_place_while_it_is_read(lab, delivering, monkeypatch: pytest.MonkeyPatch) -> None:
    delivering.deliver(first())
    (lab.root / "secret").write_text("services: {}\n")
    real = os.stat

    def swapped(path, **named):
        status = real(path, **named)
        if path == "compose.yaml":
            lab.compose.unlink()
            lab.compose.symlink_to(lab.root / "secret")
        return status

    monkeypatch.setattr(folders.os, "stat", swapped)
    with pytest.raises(EngineUnreachable, match=r"compose\.yaml: Too many levels of symbolic links"):
        delivering.observe()


def test_a_recorded_drift_is_recorded_as_it_was(lab, delivering, monkeypatch: pytest.MonkeyPatch) -> None:
    delivering.deliver(first())
    lab.compose.write_text(re.sub(r"(?ms)^configs:.*^secrets:", "secrets:", lab.compose.read_text()))
    found = delivering.observe()
    assert "unused" in str(found)
    delivering.inventory = inventory_after(found, (), 1)
    api = delivering.inventory.items["service/api"]
    declared = Resource(id="service/api", body={"image": "other"}, fingerprint="sha256:other")
    items = {**delivering.inventory.items, "service/api": msgspec.structs.replace(api, resource=declared)}
    delivering.inventory = msgspec.structs.replace(delivering.inventory, items=items)
    monkeypatch.setattr(observing, "parse", None)
    again = delivering.observe()
    assert again.resources == found.resources
    assert drift.detect(delivering.inventory, again) == ()


def test_a_recorded_file_with_a_mark_in_another_spelling_keeps_its_mark(lab, delivering) -> None:
    delivering.deliver(first())
    lab.rewrite(lambda document: document)
    delivering.inventory = inventory_after(delivering.observe(), delivering.render(first()).resources, 1)
    assert {live.mark for live in delivering.observe().resources.values()} == {mark(1)}
