"""What the tests of sources need of the machine."""

import shutil

import pytest

from tests.conftest import unavailable


@pytest.fixture
def installed_git() -> None:
    """A git to ask."""
    if shutil.which("git") is None:
        unavailable("git is not installed")
