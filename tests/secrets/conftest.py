"""What tests of files need: a folder that every user may enter, and a user who is not root."""

import os
import pickle
import shutil
import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def open_folder():
    """A folder outside pytest's own, which only its owner may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def unprivileged():
    """Calls a function in a child process that is not root, and gives its result, or the exception as a value."""

    def call(function):
        ours, theirs = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                if os.geteuid() == 0:
                    os.setgroups([])
                    os.setgid(65534)
                    os.setuid(65534)
                try:
                    result = function()
                except Exception as error:  # noqa: BLE001 - told to the parent
                    result = (type(error).__name__, str(error), getattr(error, "hint", None))
                os.write(theirs, pickle.dumps(result))
            finally:
                os._exit(0)
        os.close(theirs)
        with os.fdopen(ours, "rb") as pipe:
            answer = pipe.read()
        os.waitpid(child, 0)
        return pickle.loads(answer)

    return call
