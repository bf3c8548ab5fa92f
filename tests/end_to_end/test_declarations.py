"""Declarations that mean harm, or are wrong: refused with their place and what to do, and nothing is delivered."""

import os
import re

import pytest
import yaml

from tests.end_to_end.shop import Shop

VERBS = (("validate",), ("plan", "v1.5", "--to", "test1"), ("promote", "v1.5", "--to", "test1", "--yes"))


def wrong(shop: Shop, says: str, at: str, hint: str = "") -> None:
    """What checks, plans or delivers refuses the declarations alike."""
    for words in VERBS:
        shop.refused(*words, code=64, kind="invalid-declarations", says=says, at=at, hint=hint)


BOMB = "vars:\n  a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"  {b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
QUADRATIC = "vars:\n  a: &a " + "x" * 10_000 + "\n" + "".join(f"  v{n}: *a\n" for n in range(10_001))

YAML = {
    # the environment's own file, what the error says, its line
    "bomb": (BOMB, "aliases included", "envs/test1.yaml:7"),
    "many aliases": (QUADRATIC, "aliases", "envs/test1.yaml:10003"),
    "cycle": ("services: &s\n  web: *s\n", "holds itself", "envs/test1.yaml:2"),
    "alias of nothing": ("services: *s\n", "stands for nothing", "envs/test1.yaml:1"),
    "deep": ("vars: " + "[" * 5_000 + "]" * 5_000 + "\n", "nest", "envs/test1.yaml:1"),
    "deep in lines": ("".join(f"{' ' * n}k:\n" for n in range(500)) + " " * 500 + "v\n", "nest", "envs/test1.yaml:"),
    "python tag": (
        "vars: {a: !!python/object/apply:os.system ['touch pwned']}\n",
        "python/object/apply:os.system",
        "envs/test1.yaml:1",
    ),
    "own tag": ("vars: {a: !secret x}\n", "!secret", "envs/test1.yaml:1"),
    "standard tag": ("vars: {a: !!str 1}\n", "str", "envs/test1.yaml:1"),
    "duplicate key": ("vars: {a: x}\nwait: 5m\nvars: {b: y}\n", "written twice", "envs/test1.yaml:3"),
    "duplicate key in a flow": ("vars: {a: x, b: y, a: z}\n", "written twice", "envs/test1.yaml:1"),
    "merge key": ("vars: &v {a: x}\nservices: {<<: *v}\n", "merge keys", "envs/test1.yaml:2"),
    "two documents": ("vars: {}\n---\nvars: {}\n", "second document", "envs/test1.yaml:2"),
    "nothing": ("", "empty", "envs/test1.yaml:1"),
    "a list": ("- web\n", "", "envs/test1.yaml:1"),
    "not closed": ("vars: {a: x\n", "", "envs/test1.yaml:"),
    "a tab": ("vars:\n\ta: x\n", "", "envs/test1.yaml:2"),
    "control bytes": ("vars: {a: \x1b[31m}\n", "", "envs/test1.yaml:1"),
    "infinite": ("services: {web: {deploy: {resources: {limits: {cpus: .inf}}}}}\n", ".inf", "envs/test1.yaml:1"),
    "key that is a list": ("? [a]\n: x\n", "", "envs/test1.yaml:1"),
}


@pytest.mark.parametrize(("text", "says", "at"), YAML.values(), ids=YAML)
def test_yaml_that_means_harm(shop: Shop, text: str, says: str, at: str) -> None:
    shop.write("envs/test1.yaml", text)
    wrong(shop, says, at)
    assert not (shop.root / "pwned").exists()


def test_bytes_that_are_no_text(shop: Shop) -> None:
    for data in (
        b"vars: {a: \xff\xfe}\n",
        b"\xff\xfev\x00a\x00r\x00",
        b"vars: {a: x\x00y}\n",
        os.urandom(3000) + b"\xff",
    ):
        (shop.root / "envs/test1.yaml").write_bytes(data)
        wrong(shop, "", "envs/test1.yaml:")


def test_a_file_that_is_too_large(shop: Shop) -> None:
    shop.write("envs/test1.yaml", "# " + "x" * (64 * 1024 * 1024))
    wrong(shop, "larger than", "envs/pipeline.yaml:")


def test_every_error_of_every_file_at_once(shop: Shop) -> None:
    shop.write("envs/test1.yaml", "services: {web: {imagee: web, ports: {http: {published: lots}}}}\n")
    shop.edit("envs/base.yaml", "  worker:\n    image: worker", "  worker:\n    comand: [x]\n    image: worker")
    shop.edit("envs/staging.yaml", "published: 8080", "published: 99999999")
    found = shop.refused("validate", code=64, kind="invalid-declarations", hint="image")
    assert {place["file"] for problem in found for place in problem["locations"]} == {
        "envs/base.yaml",
        "envs/staging.yaml",
        "envs/test1.yaml",
    }
    assert len(found) >= 4
    assert re.search(r"\d+ errors$", shop("validate").err.strip())


# --- scalars ---

SCALARS = {
    # as written → as the container gets it
    "no": "no",
    "yes": "yes",
    "on": "on",
    "off": "off",
    "y": "y",
    "NO": "NO",
    "1.10": "1.10",
    "1.0": "1.0",
    "1e3": "1e3",
    "010": "010",
    "0o17": "0o17",
    "0x1F": "0x1F",
    "0b11": "0b11",
    "1_000": "1_000",
    "22:30": "22:30",
    "190:20:30": "190:20:30",
    "2026-01-02": "2026-01-02",
    "2026-01-02T03:04:05Z": "2026-01-02T03:04:05Z",
    "+1": "+1",
    "-0": "-0",
    ".5": ".5",
    "12345678901234567890": "12345678901234567890",
    "true": "true",
    "True": "True",
    "FALSE": "FALSE",
    '""': "",
    '" "': " ",
    "'~'": "~",
    '"null"': "null",
    "=": "=",
    "a#b": "a#b",
    "a: b": None,
    "'a: b'": "a: b",
    '"$$HOME"': "$HOME",
    '"$${domain}"': "${domain}",
    "$$$$": "$$",
    '"line\\nbreak"': "line\nbreak",
    '"\\u00e9\\U0001F600"': "é😀",
    "é😀": "é😀",
    '"  x  "': "  x  ",
    "5 % 3": "5 % 3",
    '"{{.Name}}"': "{{.Name}}",
    "sha256:abc": "sha256:abc",
    "-": None,
    "~": None,
}


def test_odd_scalars_reach_the_container_as_they_are_written(shop: Shop) -> None:
    kept = {f"V{n}": pair for n, pair in enumerate(SCALARS.items()) if pair[1] is not None}
    lines = "".join(f"      {name}: {written}\n" for name, (written, _) in kept.items())
    shop.write(
        "envs/test1.yaml", f"services:\n  web:\n    environment:\n{lines}    ports: {{http: {{published: 8101}}}}\n"
    )
    shop.promote("v1.5", "test1")
    document = yaml.safe_load((shop.root / "deploy/test1/compose.yaml").read_text())
    # what compose makes of the text: a doubled dollar is one
    delivered = {name: value.replace("$$", "$") for name, value in document["services"]["web"]["environment"].items()}
    assert {name: delivered[name] for name in kept} == {name: value for name, (_, value) in kept.items()}
    assert shop.json("promote", "v1.5", "--to", "test1", "--yes")["outcome"] == "unchanged"
    shop.clean("test1")


@pytest.mark.parametrize(
    "written", [scalar for scalar, value in SCALARS.items() if value is None] + ["", "null", "[a]"]
)
def test_scalars_that_are_no_value(shop: Shop, written: str) -> None:
    shop.write("envs/test1.yaml", f"services:\n  web:\n    environment:\n      V: {written}\n")
    wrong(shop, "", "envs/test1.yaml:4")


# --- files ---

OUTSIDE = {
    "relative": "../outside.ini",
    "absolute": "/etc/hostname",
    "roundabout": "envs/../../outside.ini",
    "link": "envs/files/link.ini",
    "link to a folder": "envs/files/up/outside.ini",
    "folder": "envs/files",
    "missing": "envs/files/featurs.ini",
    "device": "envs/files/device",
    "pipe": "envs/files/pipe",
    "circle": "envs/files/circle",
}


@pytest.mark.parametrize("path", OUTSIDE.values(), ids=OUTSIDE)
def test_a_mounted_file_that_is_not_of_the_project(shop: Shop, path: str) -> None:
    outside = shop.root.parent / "outside.ini"
    outside.write_text("c4nary of somebody else\n")
    files = shop.root / "envs/files"
    (files / "link.ini").symlink_to("../../../outside.ini")
    (files / "up").symlink_to("../../..")
    (files / "device").symlink_to("/dev/zero")
    (files / "circle").symlink_to("circle")
    os.mkfifo(files / "pipe")
    shop.edit("envs/base.yaml", "envs/files/features.ini", path)
    wrong(shop, path, "envs/base.yaml:")
    assert "c4nary" not in shop("promote", "v1.5", "--to", "test1", "--yes").err
    assert outside.read_text() == "c4nary of somebody else\n"


def test_a_link_that_stays_inside_is_followed(shop: Shop) -> None:
    (shop.root / "envs/files/link.ini").symlink_to("features-production.ini")
    shop.edit("envs/base.yaml", "envs/files/features.ini", "envs/files/link.ini")
    shop.promote("v1.5", "test1")
    shop.clean("test1")


@pytest.mark.parametrize("layer", ["../outside", "/etc/passwd", "link"])
def test_a_layer_that_is_not_of_the_project(shop: Shop, layer: str) -> None:
    (shop.root.parent / "outside.yaml").write_text("vars: {a: c4nary}\n")
    (shop.root / "envs/link.yaml").symlink_to("../../outside.yaml")
    shop.edit("envs/pipeline.yaml", "test1: {layers: [base, test]}", f"test1: {{layers: [base, test, {layer}]}}")
    wrong(shop, "", "envs/pipeline.yaml:18")
    assert "c4nary" not in shop("validate").err


def test_a_target_folder_of_another_environment(fresh: Shop) -> None:
    fresh.promote("v1.3", "test2")
    fresh.edit("envs/test1.yaml", "services:", "engine: {kind: directory, path: deploy/test2}\nservices:")
    words = ("promote", "v1.3", "--to", "test1", "--yes")
    fresh.refused(*words, code=4, kind="foreign-target", says="deploy/test2")
    fresh.refused("validate", code=64, kind="invalid-declarations", says="`test2`")
    fresh.clean("test2")


# --- rules ---

PIPELINE, BASE, OWN = "envs/pipeline.yaml", "envs/base.yaml", "envs/test1.yaml"
RULES = {
    # file, what stands there, what is written instead, what is said of it, at which line
    "a service without an image": (BASE, "    image: worker\n", "", "image", "3"),
    "an image that nobody declared": (BASE, "    image: worker\n", "    image: wrker\n", "wrker", "3"),
    "from itself": (PIPELINE, "{any: [test1,", "{any: [staging,", "staging", "2"),
    "from in a circle": (
        PIPELINE,
        "test1: {layers: [base, test]}",
        "test1: {layers: [base, test], from: production}",
        "production",
        "18",
    ),
    "from nowhere": (PIPELINE, "from: staging", "from: stagign", "stagign", "3"),
    "two in one folder": (
        OWN,
        "services:\n",
        "engine: {kind: directory, path: deploy/test2}\nservices:\n",
        "test2",
        "2",
    ),
    "a name that is not there": (OWN, "services:\n", 'vars: {domain: "${enviroment}"}\nservices:\n', "enviroment", "2"),
    "names in a circle": (
        OWN,
        "services:\n",
        'vars: {domain: "${log_level}", log_level: "${domain}"}\nservices:\n',
        "domain",
        "2",
    ),
    "removing what is not there": (OWN, "services:\n", "services:\n  wroker: null\n", "wroker", "3"),
    "another kind": (OWN, "services:\n", "services:\n  worker: [a]\n", "worker", "3"),
    "a secret that nobody declared": (BASE, "      db_password: {target:", "      passwort: {target:", "passwort", "2"),
    "a soak that is no time": (PIPELINE, "soak: 10s", "soak: soon", "soon", "3"),
    "a negative soak": (PIPELINE, "soak: 10s", "soak: -10s", "", "3"),
    "an engine of another world": (OWN, "services:\n", "engine: {kind: nomad}\nservices:\n", "", "2"),
}


@pytest.mark.parametrize(("file", "old", "new", "says", "line"), RULES.values(), ids=RULES)
def test_rules_of_the_declarations(shop: Shop, file: str, old: str, new: str, says: str, line: str) -> None:
    text = (shop.root / file).read_text()
    shop.write(file, text.replace(old, new, 1))
    shop.refused("validate", code=64, kind="invalid-declarations", says=says, at=f"{file}:{line}")
    if file == OWN:
        shop.ok("plan", "v1.4", "--to", "staging")  # one's mistakes are not another's
    else:
        shop.refused("promote", "v1.5", "--to", "test1", "--yes", code=64, kind="invalid-declarations", says=says)


@pytest.mark.parametrize(
    "text",
    [
        "services: {api: null}",
        "services: null",
        "services: {api: {image: api, environment: {A: null}, ports: {http: null}}}",
        "services: {api: {image: api, ports: null, configs: null, secrets: null, volumes: null, networks: null}}",
        "services: {api: {image: api, configs: {a: null}, secrets: {a: null}, depends_on: {a: null}}}",
        "configs: {a: null}",
        "configs: null",
        "secrets: {a: null}",
        "verify: null",
        "verify: {command: null}",
        "engine: null",
        "vars: null",
        "vars: {a: null}",
        "{services: {$append: [a]}, vars: {$prepend: [b]}}",
    ],
)
def test_a_first_layer_that_removes_or_extends_nothing(shop: Shop, text: str) -> None:
    shop.write("envs/base.yaml", text + "\n")
    wrong(shop, "", "envs/base.yaml:1")
