"""Pulls an image that is too large for an engine's disk, and prints what is said of it; started by test_full_disk."""

import os
import sys
from pathlib import Path

from releaser.engines.moby.client import Client
from releaser.model.errors import ApplyFailed
from tests.engines.images import Images


def main() -> None:
    registry, busybox = os.environ["RELEASER_TEST_REGISTRY"], Path(os.environ["RELEASER_TEST_BUSYBOX"])
    reference = Images(registry, busybox).make(["/bin/true"], files={"large": " " * 130_000_000})
    client = Client(os.environ["RELEASER_TEST_DOCKER"])
    try:
        client.pull(reference, None, lambda _: None)
    except ApplyFailed as failed:
        sys.stdout.write(f"{failed.message}\n{failed.hint}\n")
    finally:
        client.close()


if __name__ == "__main__":
    main()
