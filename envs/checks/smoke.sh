#!/bin/sh
# The last word on a delivery: what was written is whole. In life this would ask the running application.
#   smoke.sh FOLDER DOMAIN
set -eu
compose="$1/compose.yaml"
grep -q "https://$2" "$compose" || { echo "smoke: $compose does not name https://$2"; exit 1; }
if grep 'image:' "$compose" | grep -qv '@sha256:'; then
    echo "smoke: an image in $compose is not pinned by digest"
    exit 1
fi
echo "smoke: $RELEASE_ENVIRONMENT has $RELEASE_VERSION"
