"""Against a real git: which commit, and whether the declarations are the committed ones."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from releaser.processes import run as processes
from releaser.source import git
from releaser.source.git import GitSource

pytestmark = pytest.mark.usefixtures("installed_git")

FILES = ("envs/pipeline.yaml", "envs/base.yaml")


class Repository:
    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *words: str, cwd: Path | None = None) -> str:
        environ = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "GIT_CONFIG_NOSYSTEM": "1"}
        names = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "protocol.file.allow=always")
        done = subprocess.run(
            ["git", *names, *words], cwd=cwd or self.root, env=environ, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def commit(self) -> str:
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--message", "x")
        return self.git("rev-parse", "HEAD")

    def describe(self, *files: str, root: Path | None = None, environ=None):
        given = environ or {"PATH": os.environ["PATH"], "HOME": "/nowhere"}
        found = GitSource(root or self.root, given).describe(files or FILES)
        return found and (found.commit, found.dirty)


@pytest.fixture
def repository(tmp_path):
    made = Repository(tmp_path / "repository")
    made.root.mkdir()
    made.git("init", "--quiet")
    for file in FILES:
        made.write(file, "a: 1\n")
    made.write("other.txt", "x")
    return made


class TestClean:
    def test_the_commit(self, repository):
        commit = repository.commit()
        assert repository.describe() == (commit, False)

    def test_changes_elsewhere_do_not_count(self, repository):
        commit = repository.commit()
        repository.write("other.txt", "y")
        repository.write("envs/not-used.yaml", "z")
        assert repository.describe() == (commit, False)

    def test_a_root_below_the_repository(self, repository):
        repository.write("deep/envs/base.yaml", "a")
        commit = repository.commit()
        repository.write("envs/base.yaml", "changed, but another one")
        assert repository.describe("envs/base.yaml", root=repository.root / "deep") == (commit, False)

    def test_a_detached_head(self, repository):
        commit = repository.commit()
        repository.git("checkout", "--quiet", "--detach")
        assert repository.describe() == (commit, False)

    def test_a_worktree(self, repository, tmp_path):
        commit = repository.commit()
        repository.git("worktree", "add", "--quiet", str(tmp_path / "tree"))
        assert repository.describe(root=tmp_path / "tree") == (commit, False)

    def test_longer_hashes(self, tmp_path):
        made = Repository(tmp_path)
        made.git("init", "--quiet", "--object-format=sha256")
        made.write("envs/base.yaml", "a")
        commit = made.commit()
        assert len(commit) == 64
        assert made.describe("envs/base.yaml") == (commit, False)

    def test_a_file_touched_but_not_changed(self, repository):
        commit = repository.commit()
        os.utime(repository.root / FILES[0], (1, 1))
        assert repository.describe() == (commit, False)

    def test_no_files_at_all(self, repository):
        commit = repository.commit()
        repository.write("envs/base.yaml", "changed")
        found = GitSource(repository.root).describe(())
        assert (found.commit, found.dirty) == (commit, False)


class TestDirty:
    def test_modified(self, repository):
        commit = repository.commit()
        repository.write("envs/base.yaml", "a: 2\n")
        assert repository.describe() == (commit, True)

    def test_staged(self, repository):
        commit = repository.commit()
        repository.write("envs/base.yaml", "a: 2\n")
        repository.git("add", "envs/base.yaml")
        assert repository.describe() == (commit, True)

    def test_staged_and_changed_back(self, repository):
        commit = repository.commit()
        repository.write("envs/base.yaml", "a: 2\n")
        repository.git("add", "envs/base.yaml")
        repository.write("envs/base.yaml", "a: 1\n")
        assert repository.describe() == (commit, True)

    def test_untracked(self, repository):
        commit = repository.commit()
        repository.write("envs/deep/new.yaml", "a")
        assert repository.describe(*FILES, "envs/deep/new.yaml") == (commit, True)

    @pytest.mark.parametrize("pattern", ["envs/local.yaml", "envs/", "local.yaml", "*"])
    def test_ignored_is_not_committed_either(self, repository, pattern):
        commit = repository.commit()
        repository.write(".git/info/exclude", pattern)
        repository.write("envs/local.yaml", "a")
        assert repository.describe(*FILES, "envs/local.yaml") == (commit, True)
        assert repository.describe() == (commit, False)

    def test_deleted(self, repository):
        commit = repository.commit()
        (repository.root / "envs/base.yaml").unlink()
        assert repository.describe() == (commit, True)

    def test_moved(self, repository):
        commit = repository.commit()
        repository.git("mv", "envs/base.yaml", "envs/moved.yaml")
        assert repository.describe(*FILES, "envs/moved.yaml") == (commit, True)

    def test_executable(self, repository):
        commit = repository.commit()
        (repository.root / "envs/base.yaml").chmod(0o755)
        assert repository.describe() == (commit, True)

    def test_a_conflict(self, repository):
        repository.commit()
        repository.git("checkout", "--quiet", "-b", "side")
        repository.write("envs/base.yaml", "side")
        repository.commit()
        repository.git("checkout", "--quiet", "-")
        repository.write("envs/base.yaml", "main")
        commit = repository.commit()
        with pytest.raises(subprocess.CalledProcessError):
            repository.git("merge", "side")
        assert repository.describe() == (commit, True)

    def test_more_files_than_one_call_takes(self, repository, monkeypatch):
        monkeypatch.setattr(git, "_FILES_A_CALL", 3)
        files = [f"envs/{n}.yaml" for n in range(10)]
        for file in files:
            repository.write(file, "a")
        commit = repository.commit()
        assert repository.describe(*files) == (commit, False)
        repository.write(files[-1], "b")
        assert repository.describe(*files) == (commit, True)
        repository.write(files[-1], "a")
        repository.write(files[0], "b")
        assert repository.describe(*files) == (commit, True)


class TestLinks:
    """A path that crosses a link or a repository: git alone would say that nothing has changed."""

    @pytest.fixture
    def linked(self, repository):
        repository.write("real/deep/f.yaml", "a")
        for link, target in (
            ("folder", "real"),
            ("second", "folder/deep"),
            ("one", "second/f.yaml"),
            ("real/deep/up", "../../envs/base.yaml"),
        ):
            (repository.root / link).symlink_to(target)
        return repository

    @pytest.mark.parametrize("path", ["folder/deep/f.yaml", "second/f.yaml", "one", "./folder/../real/deep/f.yaml"])
    def test_where_it_leads(self, linked, path):
        commit = linked.commit()
        assert linked.describe(path) == (commit, False)
        linked.write("real/deep/f.yaml", "b")
        assert linked.describe(path) == (commit, True)

    def test_upward(self, linked):
        commit = linked.commit()
        assert linked.describe("folder/deep/up") == (commit, False)
        linked.write("envs/base.yaml", "changed")
        assert linked.describe("folder/deep/up") == (commit, True)

    def test_a_link_on_the_way_that_leads_elsewhere_now(self, linked):
        linked.write("elsewhere/deep/f.yaml", "a")
        commit = linked.commit()
        (linked.root / "folder").unlink()
        (linked.root / "folder").symlink_to("elsewhere")
        assert linked.describe("one") == (commit, True)

    def test_a_link_to_itself(self, linked):
        (linked.root / "loop").symlink_to("loop")
        commit = linked.commit()
        assert linked.describe("loop") == (commit, False)

    def test_a_submodule(self, repository, tmp_path):
        inner = Repository(tmp_path / "inner")
        inner.root.mkdir()
        inner.git("init", "--quiet")
        inner.write("base.yaml", "a")
        inner.commit()
        repository.git("submodule", "--quiet", "add", str(inner.root), "shared")
        commit = repository.commit()
        repository.git("config", "submodule.shared.ignore", "all")
        assert repository.describe("shared/base.yaml") == (commit, False)
        repository.write("shared/base.yaml", "b")
        assert repository.describe("shared/base.yaml") == (commit, True)

    def test_a_repository_of_its_own_inside(self, repository):
        commit = repository.commit()
        inner = Repository(repository.root / "nested")
        inner.root.mkdir()
        inner.git("init", "--quiet")
        inner.write("base.yaml", "a")
        inner.commit()
        assert repository.describe("nested/base.yaml") == (commit, True)


class TestNames:
    HOSTILE = (
        "--output=canary",
        "-c",
        ":(exclude)*",
        "*",
        "a\nb",
        "a b",
        "é",
        "\x1b[2J",
        "$(touch canary)",
        "# branch.oid x",
        "!",
    )

    @pytest.mark.parametrize("name", HOSTILE)
    def test_a_hostile_name_is_a_name(self, repository, name):
        repository.write(name, "a")
        commit = repository.commit()
        assert repository.describe(name) == (commit, False)
        repository.write("other.txt", "changed")
        assert repository.describe(name) == (commit, False)
        repository.write(name, "b")
        assert repository.describe(name) == (commit, True)
        assert not (repository.root / "canary").exists()

    def test_a_name_that_cannot_be_passed(self, repository):
        repository.commit()
        assert repository.describe("a\0b") is None


class TestNothing:
    def test_outside_a_repository(self, tmp_path):
        assert GitSource(tmp_path, {"PATH": os.environ["PATH"], "HOME": "/"}).describe(FILES) is None

    def test_before_the_first_commit(self, repository):
        assert repository.describe() is None

    def test_without_git(self, repository, tmp_path):
        repository.commit()
        assert repository.describe(environ={"PATH": str(tmp_path)}) is None

    def test_a_broken_repository(self, repository):
        repository.commit()
        repository.write(".git/HEAD", "nonsense")
        assert repository.describe() is None

    def test_a_folder_that_is_gone(self, repository):
        assert repository.describe(root=repository.root / "gone") is None

    def test_inside_the_repositorys_own_folder(self, repository):
        repository.commit()
        assert repository.describe("HEAD", root=repository.root / ".git") is None

    def test_a_file_outside(self, repository):
        repository.commit()
        assert repository.describe("../elsewhere") is None

    def test_one_that_hangs(self, repository, tmp_path, monkeypatch):
        monkeypatch.setattr(git, "TIMEOUT", 0.3)
        monkeypatch.setattr(processes, "GRACE", 0.2)
        (tmp_path / "git").write_text("#!/bin/sh\nexec sleep 600\n")
        (tmp_path / "git").chmod(0o755)
        assert repository.describe(environ={"PATH": f"{tmp_path}:{os.environ['PATH']}"}) is None


class TestHarmless:
    def test_a_repository_of_others_runs_nothing(self, repository):
        commit = repository.commit()
        trap = repository.root / ".git" / "trap"
        trap.write_text(f"#!/bin/sh\ntouch {repository.root}/canary\n")
        trap.chmod(0o755)
        for setting in ("core.fsmonitor", "core.pager", "pager.status", "diff.external", "core.askPass", "core.editor"):
            repository.git("config", setting, str(trap))
        repository.git("config", "alias.status", f"!{trap}")
        for hook in ("post-index-change", "pre-commit", "fsmonitor-watchman"):
            shutil.copy(trap, repository.root / ".git" / "hooks" / hook)
        os.utime(repository.root / FILES[0], (1, 1))
        assert repository.describe() == (commit, False)
        assert not (repository.root / "canary").exists()

    def test_the_environment_does_not_lead_elsewhere(self, repository, tmp_path, monkeypatch):
        commit = repository.commit()
        other = Repository(tmp_path / "other")
        other.root.mkdir()
        other.git("init", "--quiet")
        other.write("x", "x")
        other.commit()
        hostile = {
            "GIT_DIR": str(other.root / ".git"),
            "GIT_WORK_TREE": str(other.root),
            "GIT_INDEX_FILE": "/nowhere",
            "GIT_TRACE": str(tmp_path / "trace"),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "core.worktree",
            "GIT_CONFIG_VALUE_0": str(other.root),
        }
        for name, value in hostile.items():
            monkeypatch.setenv(name, value)
        found = GitSource(repository.root).describe(FILES)
        assert (found.commit, found.dirty) == (commit, False)
        assert not (tmp_path / "trace").exists()

    def test_nothing_is_written(self, repository):
        repository.commit()
        os.utime(repository.root / FILES[0], (1, 1))
        index = repository.root / ".git" / "index"
        before = index.read_bytes()
        repository.describe()
        assert index.read_bytes() == before
        assert not index.with_name("index.lock").exists()

    def test_it_works_while_somebody_else_holds_the_index(self, repository):
        commit = repository.commit()
        (repository.root / ".git" / "index.lock").touch()
        assert repository.describe() == (commit, False)

    def test_one_call(self, repository, monkeypatch):
        calls = []
        run = processes.run
        monkeypatch.setattr(processes, "run", lambda argv, **k: calls.append(argv) or run(argv, **k))
        repository.commit()
        repository.describe()
        assert len(calls) == 1


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("https://example.com/shop/api.git", "https://example.com/shop/api.git"),
        ("https://me:token@example.com:8443/shop/api.git?x=1", "https://example.com:8443/shop/api.git"),
        ("git@example.com:shop/api.git", "ssh://git@example.com/shop/api.git"),
        ("example.com:shop/api.git", "ssh://example.com/shop/api.git"),
        ("ssh://git:pass@example.com:2222/shop.git", "ssh://git@example.com:2222/shop.git"),
        ("/srv/git/shop.git", None),
        ("../shop.git", None),
        ("file:///srv/git/shop.git", None),
        ("", None),
    ],
)
def test_where_others_have_it(repository, remote, url):
    repository.git("config", "remote.origin.url", remote)
    assert GitSource(repository.root).origin() == url


def test_who_has_no_remote(repository, tmp_path):
    assert GitSource(repository.root).origin() is None
    assert GitSource(tmp_path).origin() is None
