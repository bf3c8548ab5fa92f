#!/bin/sh
# Remove what the walk delivered, its data too, and its record.
set -eu
cd "$(dirname "$0")"
mark='--filter label=releaser.project=walk --quiet'
# shellcheck disable=SC2086
{
    docker service ls $mark | xargs -r docker service rm
    docker ps --all $mark | xargs -r docker rm --force --volumes
    for kind in config secret; do docker $kind ls $mark | xargs -r docker $kind rm; done
    # Tasks that are ending still hold their volumes and networks.
    for kind in volume network; do
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            docker $kind ls $mark | xargs -r docker $kind rm 2>/dev/null && break
            sleep 2
        done
    done
} >/dev/null
if command -v kubectl >/dev/null; then kubectl delete namespace walk-cluster --ignore-not-found --wait=false >/dev/null 2>&1 || true; fi
rm -rf .release
