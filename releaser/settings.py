"""Settings: flag > RELEASE_* > envs/pipeline.yaml > user settings > default; each knows where it came from."""

import getpass
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from releaser.model.documents import Setting
from releaser.model.errors import BadArgument

_SQLITE = "sqlite:"
_DEFAULT_FILE = ".release/history.db"
DEFAULT_HISTORY = _SQLITE + _DEFAULT_FILE
PIPELINE = "envs/pipeline.yaml"

# The variables by which CI systems name who started a run, in the order in which they are believed.
CI_ACTORS = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_REQUESTEDFOR", "CIRCLE_USERNAME", "BUILDKITE_BUILD_CREATOR")


def cache_folder() -> Path:
    """Where what can be had again is kept for this user: $XDG_CACHE_HOME/releaser, or ~/.cache/releaser.

    Raises BadArgument for a user without a home.
    """
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "releaser"
    except RuntimeError as error:
        raise BadArgument("this user has no home to keep a cache in", hint="set XDG_CACHE_HOME, or HOME") from error


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The environment variables and the user's file, read once."""

    environ: Mapping[str, str]
    user: Mapping[str, str]
    user_file: Path

    def get(self, name: str, *, flag: str | None = None, declared: str | None = None, default: str) -> Setting:
        """The setting `name` (`RELEASE_NAME` in the environment) and its origin."""
        variable = "RELEASE_" + name.upper().replace("-", "_")
        ways = (
            (flag, f"--{name}"),
            (self.environ.get(variable) or None, variable),
            (declared, PIPELINE),
            (self.user.get(name), str(self.user_file)),
        )
        for value, origin in ways:
            if value is not None:
                return Setting(name=name, value=value, origin=origin)
        return Setting(name=name, value=default, origin="default")

    def actor(self, flag: str | None = None) -> Setting:
        """Who acts: --by, RELEASE_BY, what CI says, the user settings, else user@host."""
        found = self.get("by", flag=flag, default="")
        if found.origin != "default":
            name = " ".join(_text(found.value).split())
            if not name:
                raise BadArgument(f"{found.origin} names nobody", hint="say who acts, or leave it out")
            return Setting(name="by", value=name, origin=found.origin)
        for variable in CI_ACTORS:
            if self.environ.get(variable):
                return Setting(name="by", value=_text(self.environ[variable]), origin=variable)
        return Setting(name="by", value=f"{_user()}@{socket.gethostname()}", origin="default")

    @property
    def in_ci(self) -> bool:
        """Whether a CI system runs us."""
        return self.environ.get("CI", "").lower() not in {"", "0", "false"}


def read(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process and user. Raises BadArgument where the user's file is broken."""
    environ = dict(os.environ if environ is None else environ)
    file = folder(environ, "XDG_CONFIG_HOME", ".config") / "settings.toml"
    return Settings(environ=environ, user=_user_settings(file), user_file=file)


def folder(environ: Mapping[str, str], variable: str, below_home: str) -> Path:
    """The user's folder for this program, as the XDG base directory specification has it."""
    stated = environ.get(variable, "")
    return (Path(stated) if stated.startswith("/") else _home(environ) / below_home) / "releaser"


def _home(environ: Mapping[str, str]) -> Path:
    try:
        return Path(environ.get("HOME") or Path.home())
    except RuntimeError:  # a user that the system does not know, as in a container: nothing can be kept
        return Path(os.devnull)


def absolute(folder: Path) -> Path:
    """A folder from the file system's root. Raises BadArgument where we are in one that was removed."""
    try:
        return folder.absolute()
    except OSError as error:
        raise BadArgument("the current folder was removed", hint="go to the project's folder") from error


def root_above(start: Path) -> Path | None:
    """The project's root: the nearest folder upward that has the pipeline, or the history where it is by default.

    A rollback needs the history alone.
    """
    try:
        folders = (start.absolute(), *start.absolute().parents)
    except OSError:  # the current folder was removed
        return None
    return next((f for f in folders if any(os.path.isfile(f / name) for name in (PIPELINE, _DEFAULT_FILE))), None)  # noqa: PTH113 - never raises


def history_file(root: Path, address: str) -> Path | None:
    """The file of a history at `sqlite:PATH`, relative to the root; None for any other address."""
    path = address.removeprefix(_SQLITE)
    return root / path if path and path != address else None


def below(root: Path, file: Path | None) -> bool:
    """Whether a file is really below the root."""
    return file is not None and os.path.realpath(file).startswith(os.path.realpath(root) + os.sep)


def _text(value: str) -> str:
    """A variable as text that can be recorded: bytes that are not UTF-8 as escapes."""
    return value.encode(errors="backslashreplace").decode()


def _user_settings(file: Path) -> dict[str, str]:
    try:
        data = file.read_bytes()
    except OSError:
        return {}
    import tomllib  # noqa: PLC0415 - most users have no such file

    try:
        found = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadArgument(f"{file} cannot be read: {error}", hint="mend or remove it") from error
    known = {"by", "color", "output", "history"}
    for name, value in found.items():
        if name not in known or not isinstance(value, str):
            raise BadArgument(f"{file}: {name} is no setting", hint=f"a text for one of {', '.join(sorted(known))}")
    return found


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
