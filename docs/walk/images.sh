#!/bin/sh
# Build the walk's images and push them: sh images.sh [REGISTRY]. The base is busybox from Docker Hub, or the static
# busybox that the variable BUSYBOX names where there is no network.
set -eu
registry=${1:-127.0.0.1:5000}
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT

if [ -n "${BUSYBOX:-}" ]; then
    cp "$BUSYBOX" "$here/busybox"
    base='FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]'
else
    base='FROM busybox:1.36-musl'
fi

# image NAME VERSION COMMAND: a small web server whose page tells the version, or what COMMAND makes of it.
image() {
    printf '%s\nRUN mkdir -p /srv && echo "%s %s" >/srv/index.html\nWORKDIR /srv\nCMD %s\n' "$base" "$1" "$2" "$3" >"$here/Dockerfile"
    docker build --quiet --tag "$registry/walk/$1:$2" "$here" >/dev/null
    docker push --quiet "$registry/walk/$1:$2"
}

serve='["httpd", "-f", "-p", "8080", "-h", "/srv"]'
for version in v1.0 v1.1; do
    image api $version "$serve"
    image web $version "$serve"
done
# v1.2 has a mistake: its api ends at once.
image api v1.2 '["sh", "-c", "echo cannot open the database; exit 3"]'
image web v1.2 "$serve"
