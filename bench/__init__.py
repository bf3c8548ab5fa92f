"""Speed beside peers, measured in one run: `python -m bench [--quick] [--json FILE]`."""
