#!/bin/sh
# Record batches against the Java client, both ways: ours must read to it as we meant them, and its
# own must read the same to both.
#
#   tests/interop/batch_check.sh BATCH_TOOL
set -eu

tool=${1:?usage: batch_check.sh BATCH_TOOL}
here=$(dirname "$0")
arguments=$("$here/../kafka/kafka" fetch 4.3.1)/java.args
passed=0
failed=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

java_run() {
    program=$1
    shift
    java "@$arguments" "$here/java/$program.java" "$@"
}

compare() {
    if cmp "$1" "$2"; then
        echo "ok: $3 ($(grep -c '^batch' "$1") batches, $(grep -c '^  ' "$1") records)"
        passed=$((passed + 1))
    else
        echo "FAILED: $3"
        diff "$1" "$2" | cut -c1-200 | head -20
        failed=$((failed + 1))
    fi
}

"$tool" write "$tmp/ours.bin" > "$tmp/ours.txt"
java_run BatchRead "$tmp/ours.bin" > "$tmp/java.txt"
compare "$tmp/ours.txt" "$tmp/java.txt" "Java reads our batches"

mkdir "$tmp/golden"
java_run BatchGolden "$tmp/golden"
for f in "$tmp"/golden/*.bin; do
    java_run BatchRead "$f" > "$tmp/java.txt"
    "$tool" list "$f" > "$tmp/ours.txt"
    compare "$tmp/java.txt" "$tmp/ours.txt" "we read Java's $(basename "$f" .bin)"
done

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
