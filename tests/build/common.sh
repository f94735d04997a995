# Sourced by the scripts beside it. `check NAME COMMAND...` is one test, shown with its output if it
# fails; `finish` tells the sum. They run in the project's root and have a directory, $tmp.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

CC=${CC:-cc} CXX=${CXX:-c++} PYTHON=${PYTHON:-python3}
passed=0 failed=0 skipped=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# An outer make's variables stay; its job server is not ours.
MAKEFLAGS=$(sed -E 's/(^| )(-j[0-9]*|--jobserver-[a-z]+=[^ ]*)//g' <<<"${MAKEFLAGS:-}")
export MAKEFLAGS
unset MAKELEVEL MFLAGS

check() {
    local name=$1
    shift
    if "$@" >"$tmp/log" 2>&1; then
        passed=$((passed + 1))
        echo "ok   $name"
    else
        failed=$((failed + 1))
        echo "FAIL $name"
        sed 's/^/     /' "$tmp/log"
    fi
}

skip() {
    skipped=$((skipped + 1))
    echo "skip $1: $2"
}

finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    exit $((failed > 0))
}

# A copy of the sources in DIR, with what is not committed, without what was built.
copy_tree() {
    mkdir -p "$1" && tar -c --exclude=./build --exclude=./.git . | tar -x -C "$1"
}

# `same A B`: two texts are equal; shows the difference.
same() {
    diff <(echo "$1") <(echo "$2")
}

# `variable NAME...`: the words that these variables of the Makefile hold, sorted, one a line.
variable() {
    local name
    for name in "$@"; do
        make --eval "shown-%: ; @printf '%s\\n' \$(\$*)" -s "shown-$name"
    done | grep . | LC_ALL=C sort
}
