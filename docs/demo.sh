#!/bin/sh
# A release on its way to production, a hand edit, and two ways back: every command and its real output.
#   demo.sh PATH-TO-RELEASE, from the project's root; may be run again.
set -eu
release=$1

if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi

say() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }
# run ARGUMENTS: show a command as one would type it, and run it.
run() {
    shown='$ release'
    for word in "$@"; do
        case $word in *' '*) shown="$shown '$word'" ;; *) shown="$shown $word" ;; esac
    done
    printf '%s%s%s\n' "$bold" "$shown" "$plain"
    "$release" "$@" </dev/null
}
# refused EXIT ARGUMENTS: run a command that must end with that exit code.
refused() {
    expected=$1; shift
    code=0; run "$@" || code=$?
    echo "(exit $code)"
    [ "$code" = "$expected" ] || { echo "demo: expected exit $expected" >&2; exit 1; }
}
# soak RELEASE: wait until production lets the release in.
soak() {
    until "$release" plan "$1" --to production -q </dev/null >/dev/null 2>&1; do sleep 1; done
}
say 'v1.3 enters a test environment: its tags become digests here, once'
run promote v1.3 --to test1 --yes -m 'the first release'
say 'the same digests go to staging'
run promote v1.3 --to staging --yes
say 'production wants it to have run in staging for a while'
refused 3 promote v1.3 --to production --yes
soak v1.3
run promote v1.3 --to production --yes
say 'v1.4 follows the same way'
run promote v1.4 --to test1 --yes
run promote v1.4 --to staging --yes
soak v1.4
run promote v1.4 --to production --yes -m 'gift cards'
run status
say 'somebody edits production by hand'
echo "$ sed -i 's/CACHE_TTL: .*/CACHE_TTL: \"1\"/' deploy/production/compose.yaml"
sed 's/CACHE_TTL: .*/CACHE_TTL: "1"/' deploy/production/compose.yaml >deploy/production/compose.edited
mv deploy/production/compose.edited deploy/production/compose.yaml
refused 2 drift --env production --exit-code
run reconcile --to production --yes
say 'back to what ran before: image and configuration'
run rollback --to production --yes -m 'the checkout is slow'
say 'and forward again: v1.4 is still proven in staging'
run promote v1.4 --to production --yes
run history --env production

printf '\nTry next:\n'
printf '  %s status\n' "$release"
printf '  %s promote v1.5 --to staging\n' "$release"
printf '  %s diff staging production\n' "$release"
printf '\nrelease is at %s/%s\n' "$(pwd)" "$release"
