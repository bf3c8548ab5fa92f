"""version: show the version."""

import platform
from dataclasses import dataclass

from releaser import __version__
from releaser.cli import errors
from releaser.cli.invocation import Invocation
from releaser.cli.options import Options as SharedOptions
from releaser.model.documents import Version


@dataclass(frozen=True, kw_only=True)
class Options(SharedOptions):
    """Show the version."""


def run(invocation: Invocation, _options: Options) -> int:
    """Print it; gives the exit code."""
    document = Version(version=__version__, python=platform.python_version(), platform=platform.platform())
    invocation.out.document(document, lambda out: out.line(f"release {document.version}"))
    return errors.DONE
