"""`python -m tests.engines.kubernetes.helm CHART NAMESPACE`: a release of a chart by Helm itself.

It is installed, or upgraded. Helm comes as the package helm-python-sdk, which carries Helm's own library.
"""

import sys

import helm_python

RELEASE = "ours"


def main(chart: str, namespace: str) -> None:
    """Upgrade the release, or install it."""
    config = helm_python.Config(namespace=namespace)
    if any(one["name"] == RELEASE for one in config.list()):
        config.upgrade(chart, RELEASE)
    else:
        config.install(chart, RELEASE, create_namespace=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
