"""Odd surroundings: streams that are closed or full, no home, poor languages, narrow terminals, odd paths."""

import os
import pwd
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.shop import LONG, REPOSITORY, Shop, document_of, plain, process_environment

ANSWERS = {
    "status": ("status",),
    "history": ("history",),
    "show": ("show", "staging", "-v"),
    "plan": ("plan", "v1.4", "--to", "production"),
    "diff": ("diff", "staging", "production"),
    "drift": ("drift", "--all"),
    "render": ("render", "--env", "staging"),
    "explain": ("explain", "api.image", "--env", "staging"),
    "releases": ("releases",),
    "validate": ("validate", "-v"),
    "schema": ("schema", "layer"),
    "help": ("--help",),
    "version": ("version",),
}


def shell(shop: Shop, script: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a script in bash, where `release` is the command."""
    function = f'release() {{ {sys.executable} -m releaser "$@"; }}\n'
    return subprocess.run(
        ["bash", "-c", function + script],
        cwd=shop.root,
        env=process_environment(**environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=LONG,
        check=False,
    )


# --- streams ---


def test_a_reader_who_leaves(shop: Shop) -> None:
    done = shell(shop, 'release history --json | head -1; echo "${PIPESTATUS[*]}"')
    assert done.stdout == "{\n0 0\n"
    assert done.stderr == ""


def test_a_reader_who_leaves_does_not_stop_a_delivery(shop: Shop) -> None:
    done = shell(shop, 'release promote v1.3 --to staging --yes | true; echo "${PIPESTATUS[0]}"')
    assert done.stdout == "0\n"
    assert shop.standing("staging") == ("succeeded", "v1.3")
    done = shell(
        shop, '{ release promote v1.4 --to staging --yes 2>&1 >&3 | true; echo "${PIPESTATUS[0]}"; } 3>/dev/null'
    )
    assert done.stdout == "0\n"
    assert shop.standing("staging") == ("succeeded", "v1.4")
    shop.clean("staging")


@pytest.mark.parametrize(
    "words", [ANSWERS["status"], (*ANSWERS["history"], "--json"), ANSWERS["help"], ANSWERS["version"]]
)
def test_an_answer_that_cannot_be_written(shop: Shop, words: tuple[str, ...]) -> None:
    done = shell(shop, f"release {' '.join(words)} >/dev/full")
    assert done.returncode == 5
    assert "the answer could not be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_delivery_whose_answer_cannot_be_written_is_made_and_recorded(shop: Shop) -> None:
    done = shell(shop, "release promote v1.3 --to staging --yes --json >/dev/full")
    assert done.returncode == 5
    assert "the answer could not be written" in done.stderr
    assert shop.standing("staging") == ("succeeded", "v1.3")
    shop.clean("staging")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_closed_streams(shop: Shop, closed: str) -> None:
    done = shell(shop, f"release promote v1.3 --to staging --yes {closed}; echo $? >code")
    assert (shop.root / "code").read_text() in {"0\n", "5\n"}
    assert "Traceback" not in done.stdout + done.stderr
    assert shop.standing("staging") == ("succeeded", "v1.3")
    shop.clean("staging")


# --- homes and users ---


def test_no_home(shop: Shop) -> None:
    """As in a container: no HOME, and a user that the system does not know."""
    for name in ("HOME", "RELEASE_BY", "USER", "LOGNAME", "LNAME", "USERNAME", "RELEASE_FINGERPRINT_KEY"):
        shop.monkeypatch.delenv(name, raising=False)

    def unknown(_: object) -> None:
        raise KeyError("getpwuid(): uid not found")

    shop.monkeypatch.setattr(pwd, "getpwuid", unknown)
    shop.monkeypatch.setattr(pwd, "getpwnam", unknown)
    ran = shop.ok("promote", "v1.3", "--to", "staging", "--yes")
    plain(ran)
    assert "changes of secrets cannot be told" in ran.out + ran.err
    assert shop.json("show", "staging")["delivery"]["actor"].startswith("unknown@")
    for words in ANSWERS.values():
        assert shop(*words).code == 0, words
    assert shop("doctor", "--json").code in {0, 5}
    shop.clean("staging")


@pytest.mark.parametrize("home", ["/dev/null", "/proc/self/nowhere", "relative", ""])
def test_a_home_that_cannot_be_used(shop: Shop, home: str) -> None:
    shop.monkeypatch.delenv("RELEASE_FINGERPRINT_KEY")
    if not home:
        shop.monkeypatch.setattr(Path, "home", lambda: Path("/dev/null"))
    ran = shop.ok("promote", "v1.3", "--to", "staging", "--yes", environ={"HOME": home})
    plain(ran)
    if home != "relative":
        assert "changes of secrets cannot be told" in ran.out + ran.err
    assert shop.standing("staging") == ("succeeded", "v1.3")
    shop.clean("staging")


def test_settings_that_cannot_be_read(shop: Shop, tmp_path: Path) -> None:
    folder = tmp_path / "home/.config/releaser"
    folder.mkdir(parents=True)
    for text in (b"by = ", b"\xff\xfe", b'colour = "always"', b"by = 1"):
        (folder / "settings.toml").write_bytes(text)
        shop.refused("status", code=64, kind="bad-argument", says="settings.toml")
    (folder / "settings.toml").unlink()
    (folder / "settings.toml").mkdir()
    shop.ok("status")


# --- languages and widths ---


@pytest.mark.parametrize("words", ANSWERS.values(), ids=ANSWERS)
def test_a_poor_language(shop: Shop, words: tuple[str, ...]) -> None:
    shop.ok("promote", "v1.3", "--to", "staging", "--yes", "-m", "für Jürgen ✓ 🚀")
    ran = shop(*words, encoding="ascii")
    assert ran.code == 0, ran
    assert (ran.out + ran.err).isascii()
    plain(ran)


@pytest.mark.parametrize("poorest", [False, True])
def test_the_language_of_a_bare_container(shop: Shop, poorest: bool) -> None:
    """LANG=C, also without Python's own help: what comes in and goes out is UTF-8 where it is data."""
    poor = {"LANG": "C", "LC_ALL": "C", **({"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"} if poorest else {})}
    shop.edit("envs/test1.yaml", "services:", 'vars: {greeting: "grüß dich 🚀"}\nservices:')
    shop.edit("envs/files/features.ini", "[features]", "; ähnlich\n[features]")
    done = shell(shop, "release promote v1.5 --to test1 --yes -m 'für Jürgen'", **poor)
    assert done.returncode == 0, done
    assert (done.stdout + done.stderr).isascii() or not poorest
    done = shell(shop, "release show test1 --json", **poor)
    assert document_of(done.stdout)["delivery"]["reason"] == "für Jürgen"
    done = shell(shop, "release explain vars.greeting --env test1 --json", **poor)
    assert document_of(done.stdout)["value"] == "grüß dich 🚀"
    shop.clean("test1")
    done = shell(shop, "release -C für status --json", **poor)
    assert done.returncode == 64
    assert "für" in document_of(done.stdout)["errors"][0]["message"]


def cells(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


# What a line must not be wider than: a time and an outcome, or a value and its place, are not broken.
NARROW = {"status": 40, "plan": 40, "releases": 40, "history": 52, "diff": 64}


@pytest.mark.parametrize(("name", "most"), NARROW.items())
def test_a_narrow_terminal(shop: Shop, name: str, most: int) -> None:
    shop.ok("promote", "v1.3", "--to", "staging", "--yes", "-m", "a reason that is rather long for such a terminal")
    ran = shop.ok(*ANSWERS[name], terminal=True, columns=40, environ={"NO_COLOR": "1"})
    plain(ran)
    assert [line for line in ran.out.splitlines() if cells(line) > most] == []
    assert "staging" in ran.out


@pytest.mark.parametrize("columns", ["0", "-1", "many", "1", "100000", ""])
def test_widths_that_are_none(shop: Shop, columns: str) -> None:
    for words in (ANSWERS["status"], ANSWERS["plan"], ANSWERS["history"]):
        ran = shop(*words, terminal=True, environ={"COLUMNS": columns})
        assert ran.code == 0, ran
        assert "staging" in ran.out or "production" in ran.out


# --- places ---

ODD = {
    "spaces": "my shop",
    "letters": "boutique é 店 🚀",
    "quotes": 'it\'s "mine" $HOME `id` ; rm',
    "percent": "100%s %20 #1 ?x=y",
    "dash": "-shop",
    "newline": "two\nlines",
}


@pytest.mark.parametrize("name", ODD.values(), ids=ODD)
def test_an_odd_path(shop_at: Callable[..., Shop], tmp_path: Path, name: str) -> None:
    shop = shop_at(tmp_path / name / "shop")
    shop.promote("v1.4", "production")
    shop.ok("rollback", "--to", "production", "--yes")
    shop.ok("plan", "v1.5", "--to", "test1", "--out", str(shop.root / "plan.json"))
    shop.ok("apply", str(shop.root / "plan.json"), "--yes")
    for words in ANSWERS.values():
        plain(shop.ok(*words))
    shop.clean("production")
    shop.clean("test1")
    shop.edit("envs/base.yaml", "image: worker", "imag: worker")
    shop.refused("validate", code=64, kind="invalid-declarations", at="envs/base.yaml:")
    shop.edit("envs/base.yaml", "imag: worker", "image: worker")
    shop.write(".release/history.db", "damaged")
    ran = shop("status")
    assert ran.code == 5
    plain(ran)


def test_from_a_folder_below(shop: Shop) -> None:
    shop.monkeypatch.chdir(shop.root / "envs/images/api")
    shop.promote("v1.4", "production")
    assert shop.json("validate")["files"][0].startswith("envs/")
    shop.ok("plan", "v1.5", "--to", "test1", "--out", "plan.json")
    assert (shop.root / "envs/images/api/plan.json").is_file()
    shop.ok("apply", "plan.json", "--yes")
    assert sorted(path.name for path in shop.root.iterdir()) == [".release", "deploy", "envs"]
    shop.clean("test1")


@pytest.mark.parametrize("place", ["shop", "shop/envs", "./shop/../shop", "ABSOLUTE", "link"])
def test_from_elsewhere(shop: Shop, tmp_path: Path, place: str) -> None:
    (tmp_path / "link").symlink_to("shop")
    shop.monkeypatch.chdir(tmp_path)
    place = str(shop.root) if place == "ABSOLUTE" else place
    shop.ok("-C", place, "promote", "v1.4", "--to", "production", "--yes")
    assert shop.json("status", "-C", place, "--env", "production")["environments"][0]["current"]["release"] == "v1.4"
    shop.edit("envs/base.yaml", "image: worker", "imag: worker")
    shop.refused("validate", f"--directory={place}", code=64, kind="invalid-declarations", at="envs/base.yaml:")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "link", "shop"]


def test_outside_of_any_project(shop: Shop, tmp_path: Path) -> None:
    shop.monkeypatch.chdir(tmp_path)
    for words in (("status",), ("promote", "v1.4", "--to", "test1", "--yes"), ("validate",), ("history",)):
        shop.refused(*words, code=64, kind="bad-argument", says="envs/pipeline.yaml", hint="-C")
    shop.refused("-C", "nowhere", "status", code=64, kind="bad-argument", says="nowhere")
    shop.refused("-C", "shop/envs/base.yaml", "status", code=64, kind="bad-argument")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "shop"]


def test_a_folder_that_was_removed_under_us(shop: Shop, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    done = shell(shop, f"cd '{gone}' && rmdir '{gone}' && release status; echo $?")
    assert done.stdout.strip() == "64", done
    assert "Traceback" not in done.stderr


def test_the_command_itself_from_anywhere(shop: Shop) -> None:
    """`release` as it is installed, where it is."""
    command = shutil.which("release", path=str(Path(sys.executable).parent))
    assert command, "the package is installed"
    done = subprocess.run(
        [command, "status", "--json"],
        cwd=shop.root,
        env=process_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(document_of(done.stdout)["environments"]) == 8


# --- CI ---


@pytest.mark.parametrize("ci", ["1", "true", "yes"])
def test_a_history_of_one_clone_is_warned_of_once(shop: Shop, ci: str) -> None:
    for words in (
        ("promote", "v1.3", "--to", "staging", "--yes"),
        ("status",),
        ("history", "--json"),
        ("drift", "--all"),
    ):
        ran = shop(*words, environ={"CI": ci})
        assert ran.err.count("warning: ") == 1, ran.err
        assert "RELEASE_HISTORY" in ran.err
        assert ran.code == 0
    for words in (("validate",), ("version",), ("explain", "api.image", "--env", "test1")):
        assert "warning" not in shop(*words, environ={"CI": ci}).err


def test_a_history_that_ci_keeps_is_not_warned_of(shop: Shop, tmp_path: Path) -> None:
    shutil.move(shop.root / ".release", tmp_path / "kept")
    kept = f"sqlite:{tmp_path / 'kept/history.db'}"
    ran = shop("status", environ={"CI": "true", "RELEASE_HISTORY": kept})
    assert (ran.code, ran.err.count("warning")) == (0, 0)
    assert "v1.3" in ran.out
    for ci in ("", "0", "false"):
        assert "warning" not in shop("status", environ={"CI": ci}).err
    # a link out of the project is outside, and one into it is inside
    (shop.root / ".release").symlink_to(tmp_path / "kept")
    assert "warning" not in shop("status", environ={"CI": "1"}).err


def test_signals_that_our_parent_ignores(shop: Shop) -> None:
    done = shell(shop, "trap '' INT TERM HUP PIPE; release promote v1.3 --to staging --yes | head -1")
    assert done.returncode == 0
    assert shop.standing("staging") == ("succeeded", "v1.3")


def test_few_files_may_be_open(shop: Shop) -> None:
    done = shell(shop, "ulimit -n 32; release promote v1.3 --to staging --yes -q && release drift --all -q")
    assert done.returncode == 0, done
    shop.clean("staging")


def test_an_umask_that_allows_nothing(shop: Shop) -> None:
    done = shell(shop, "umask 777; release promote v1.3 --to staging --yes -q; echo $?")
    assert done.stdout.splitlines()[-1] in {"0", "1", "5"}
    assert "Traceback" not in done.stderr
    for path in (shop.root / "deploy/staging").rglob("*"):
        path.chmod(0o700)
    shop.ok("promote", "v1.3", "--to", "staging", "--yes")
    assert shop.standing("staging") == ("succeeded", "v1.3")
    shop.kept()


def test_our_own_words_are_the_repositorys(shop: Shop) -> None:
    """Nothing that a command prints tells of the machine it was written on."""
    for words in ANSWERS.values():
        ran = shop(*words)
        assert str(REPOSITORY) not in ran.out + ran.err
        assert not re.search(r"site-packages|\.py\b", ran.out + ran.err)
    assert os.environ["HOME"] not in shop("status").out
