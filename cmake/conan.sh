#!/bin/sh
# sh cmake/conan.sh
#
# Tries the Conan recipe (cmake/conan): Conan makes the package of the sources, with the zstd and the zlib of this machine
# in the place of those of its registry, and builds and runs a program in C++ with it. Installs Python's venv where it is
# missing, and Conan (pinned) by pip into the build directory. Answers 77 where it cannot.
#
#   SEGJ_BUILD_DIR   where to build; build/conan beside the sources when it is not set
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/cmake/prepare.sh"

conan=2.34.0
build=$(absolute "${SEGJ_BUILD_DIR:-$root/build/conan}")

not_run()
{
    printf '\n*** NOT RUN: %s ***\n\n' "$*"
    exit 77
}

need_conan_tools()
{
    need g++ builds c++ string
    need python3-venv python3 -c 'import ensurepip'
}

(install_missing need_build_tools need_conan_tools) || not_run "Conan needs Python's venv, which could not be installed"
if ! "$build/venv/bin/conan" --version 2>/dev/null | grep -qF "$conan"; then
    rm -rf "$build/venv"
    python3 -m venv "$build/venv" && "$build/venv/bin/pip" install -q --disable-pip-version-check "conan==$conan" ||
        not_run "Conan $conan could not be had by pip"
fi

export CONAN_HOME="$build/home"
rm -rf "$CONAN_HOME"
"$build/venv/bin/conan" profile detect >"$scratch/conan.log" 2>&1 || { cat "$scratch/conan.log" && die "Conan makes no profile"; }
{
    cat "$CONAN_HOME/profiles/default"
    printf '[platform_requires]\nzstd/1.5.99\nzlib/1.2.99\n' # whatever this machine has
} >"$scratch/profile"
"$build/venv/bin/conan" create "$root/cmake/conan" --no-remote --profile:all "$scratch/profile" --build missing \
    --test-folder test_package >"$scratch/conan.log" 2>&1 || { cat "$scratch/conan.log" && die "Conan could not make the package"; }
grep 'segjournal .*: a value' "$scratch/conan.log" || { cat "$scratch/conan.log" && die "the program did not run"; }
