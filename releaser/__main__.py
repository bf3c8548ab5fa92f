"""`python -m releaser` is `release`."""

import sys

from releaser.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
