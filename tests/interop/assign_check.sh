#!/bin/sh
# Assignors against the Java client's: what golden.txt keeps is what Java says today, and ours say
# the same of other groups, small and large.
#
#   tests/interop/assign_check.sh TEST_GOLDEN
set -eu

test=${1:?usage: assign_check.sh TEST_GOLDEN}
here=$(dirname "$0")
arguments=$("$here/../kafka/kafka" fetch 4.3.1)/java.args
golden=$here/../unit/membership/golden.txt
passed=0
failed=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

tell() {
    if [ "$1" = 0 ]; then
        passed=$((passed + 1))
    else
        echo "FAILED: $2"
        failed=$((failed + 1))
    fi
}

# Without what Java logs of those who claim the same.
ask_java() {
    java "@$arguments" -Dorg.slf4j.simpleLogger.defaultLogLevel=off "$here/java/AssignGolden.java" "$@"
}

# The file's first line says how it was made: its arguments are the words after "#".
# shellcheck disable=SC2046
ask_java $(sed -n '1s/^# *//p' "$golden") > "$tmp/golden.txt"
status=0
cmp "$golden" "$tmp/golden.txt" || status=1
tell $status "Java says what golden.txt says"

# SEED CASES MEMBERS TOPICS PARTITIONS, the last three at most.
while read -r shape; do
    # shellcheck disable=SC2086
    ask_java $shape > "$tmp/groups.txt"
    status=0
    "$test" "$tmp/groups.txt" > "$tmp/told.txt" || status=1
    if [ $status = 0 ]; then
        grep ' groups: ' "$tmp/told.txt"
    else
        cat "$tmp/told.txt"
    fi
    tell $status "ours say what Java says: $shape"
done << 'SHAPES'
2 4000 20 8 12
3 1200 40 5 30
4 4000 5 3 20
5 4000 12 12 4
6 200 45 10 100
SHAPES

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
