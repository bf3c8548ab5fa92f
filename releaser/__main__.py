"""`python -m releaser` is `release`."""

from releaser.cli.main import main

if __name__ == "__main__":
    main()
