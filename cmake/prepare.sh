# prepare.sh: what demo.sh and test.sh share. POSIX sh, to be read with `.` after `root` was set to the source directory.
#
# The need_* functions look for what a build needs by using it (a compiler compiles, a header is included, a library is
# linked) and gather the Debian packages of what does not work; install_missing installs them. Where nothing is missing
# nothing is installed and no root is needed.
# shellcheck disable=SC2154 # root

say()
{
    printf '== %s\n' "$*"
}

die()
{
    printf 'error: %s\n' "$*" >&2
    exit 1
}

scratch=$(mktemp -d)
memory=
trap 'rm -rf "$scratch" ${memory:+"$memory"}' EXIT
trap 'stopped 130' INT
trap 'stopped 143' TERM
trap 'stopped 129' HUP

# stopped STATUS: ends after a signal; what was built stays, and is gone on from
stopped()
{
    trap '' HUP
    printf '\n== stopped%s\n' "${build:+; what was built stays in $build, and the next run goes on from there}" >&2 || true
    exit "$1"
}

jobs=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

# --- what is there ---

# has COMMAND: is there such a program?
has()
{
    command -v "$1" >/dev/null 2>&1
}

# compiler LANGUAGE: prints the C or C++ compiler that CMake will take
compiler()
{
    case $1 in
    c) set -- "${CC:-}" cc gcc clang ;;
    c++) set -- "${CXX:-}" c++ g++ clang++ ;;
    esac
    for candidate; do
        # CC may be a command with arguments
        if [ -n "$candidate" ] && has "${candidate%% *}"; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

# builds LANGUAGE HEADER FLAG...: can a program that includes the header be compiled and linked?
builds()
{
    language=$1
    printf '#include <%s>\nint main(void) { return 0; }\n' "$2" >"$scratch/probe.$language"
    shift 2
    program=$(compiler "$language") || return 1
    # shellcheck disable=SC2086 # a compiler may have arguments
    $program -x "$language" "$scratch/probe.$language" -o "$scratch/probe" "$@" >/dev/null 2>&1
}

# cmocka.h wants these before it
builds_cmocka()
{
    printf '#include <stdarg.h>\n#include <stddef.h>\n#include <setjmp.h>\n#include <stdint.h>\n' >"$scratch/before.h"
    builds c cmocka.h -include "$scratch/before.h" -lcmocka
}

has_generator()
{
    has ninja || has make
}

# --- what is missing ---

missing=""

# need PACKAGES COMMAND...: the packages are missing when the command fails
need()
{
    packages=$1
    shift
    "$@" || missing="$missing $packages"
}

need_build_tools()
{
    need "gcc libc6-dev" builds c stdio.h
    need cmake has cmake
    need ninja-build has_generator
    need libzstd-dev builds c zstd.h -lzstd
    need zlib1g-dev builds c zlib.h -lz
}

need_command_tools()
{
    need libjson-c-dev builds c json-c/json.h -ljson-c
}

need_test_tools()
{
    need g++ builds c++ string
    need libcmocka-dev builds_cmocka
    need_command_tools
    need pkg-config has pkg-config
}

# what sanitizers need besides the compiler: nothing for gcc, its run-time library for clang
need_sanitizers()
{
    packages=gcc
    program=$(compiler c) || program=""
    if [ -n "$program" ] && $program --version 2>/dev/null | grep -q clang; then
        packages=libclang-rt-$($program -dumpversion | sed 's/\..*//')-dev
    fi
    need "$packages" builds c stdio.h -fsanitize=address,undefined
}

# install_missing NEED...: calls the need functions, installs what they miss, and calls them again to see that it helped
install_missing()
{
    missing=""
    for check; do $check; done
    if [ -z "$missing" ]; then
        say "nothing is missing"
        return 0
    fi
    has apt-get || die "missing (by their Debian names):$missing. There is no apt-get here: please install them yourself"
    as_root=""
    if [ "$(id -u)" -ne 0 ]; then
        first="apt-get update && " # as in a fresh container, which has no lists of packages
        [ -z "$(find /var/lib/apt/lists -name '*_Packages*' 2>/dev/null | head -n 1)" ] || first=""
        has sudo || die "missing:$missing. Please run as root:" \
            "${first}apt-get install --no-install-recommends$missing"
        as_root=sudo
    fi
    say "installing with apt-get:$missing"
    apt_get update -qq || say "not every package list could be read anew; going on with those there are"
    # shellcheck disable=SC2086 # a list of packages
    apt_get install -qq -y --no-install-recommends $missing || die "apt-get could not install:$missing"

    missing=""
    for check; do $check; done
    [ -z "$missing" ] || die "installed, but still not usable:$missing"
}

apt_get()
{
    # shellcheck disable=SC2086 # empty or sudo
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"
}

# --- building and testing ---

# absolute DIRECTORY: makes the directory and prints its absolute path
absolute()
{
    mkdir -p "$1" 2>"$scratch/mkdir" && [ -w "$1" ] ||
        die "cannot write to $1$(sed 's/.*:/:/' "$scratch/mkdir"). Where the source tree is read-only," \
            "say where to build, as in: SEGJ_BUILD_DIR=/tmp/segjournal-build sh $0"
    (cd "$1" && pwd)
}

# configure_tree DIRECTORY OPTION...: lets CMake prepare a build of the sources there
configure_tree()
{
    tree=$1
    shift
    if [ ! -e "$tree/CMakeCache.txt" ] && has ninja; then
        set -- -G Ninja "$@"
    fi
    say "building in $tree"
    cmake -S "$root" -B "$tree" "$@" >"$scratch/configure.log" 2>&1 ||
        { cat "$scratch/configure.log" && die "cmake could not configure $tree"; }
}

# build_tree DIRECTORY OPTION...: configures and builds the targets that $targets names, or all
build_tree()
{
    configure_tree "$@"
    # shellcheck disable=SC2086 # several targets
    cmake --build "$1" --parallel "$jobs" ${targets:+--target $targets} || die "the build in $1 failed"
}

# choose_launcher SANITIZERS: sanitizers of older compilers die at start, now and then, on kernels that spread addresses
# widely. Sets test_launcher to what helps: nothing, or setarch, which has addresses spread less.
test_launcher=""
choose_launcher()
{
    test_launcher=""
    builds c stdio.h "-fsanitize=$1" || return 0
    for candidate in "" "setarch $(uname -m) -R"; do
        good_starts=0
        while [ "$good_starts" -lt 10 ] && $candidate "$scratch/probe" >/dev/null 2>&1; do
            good_starts=$((good_starts + 1))
        done
        if [ "$good_starts" -eq 10 ]; then
            test_launcher=$candidate
            return 0
        fi
    done
    say "programs built with -fsanitize=$1 do not start on this machine"
}

passed=0
failed=0
skipped=0

# say_skipped: once more, at the end, what was skipped and why
say_skipped()
{
    [ "$skipped" -gt 0 ] || return 0
    say "$skipped skipped, for these reasons:"
    LC_ALL=C sort -u "$scratch/skipped"
}

# say_failed: once more, at the end, which programs failed and what they said last
say_failed()
{
    [ -s "$scratch/failed" ] || return 0
    say "what failed:"
    cat "$scratch/failed"
}

# memory_for_tests: a directory in memory for the journals of tests, where there is much room: they sync a hundred thousand
# times. Nothing where there is none, or where TMPDIR says where they shall lie.
memory_for_tests()
{
    [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ] || return 0
    [ "$(df -Pk /dev/shm | awk 'NR == 2 { print $4 }')" -ge 4194304 ] || return 0
    [ -z "$(awk '/^MemAvailable:/ && $2 < 4194304' /proc/meminfo)" ] || return 0
    mktemp -d /dev/shm/segjournal.XXXXXX
}

# read_tests WHAT OUTPUT LOG: what cmake/WHAT_tests.awk makes of what CTest printed and of its log
read_tests()
{
    awk -f "$root/cmake/left_out_tests.awk" -f "$root/cmake/$1_tests.awk" "$2" "$3"
}

# test_tree DIRECTORY CTEST-OPTION...: runs the tests of a built tree and adds them to passed, failed and skipped. The
# cases of a cmocka program count one by one, any other test counts as one. False when anything failed.
test_tree()
{
    tree=$1
    shift
    log=$tree/Testing/Temporary/LastTest.log
    output=$tree/Testing/Temporary/output.log
    mkdir -p "${log%/*}"
    : >"$log"
    : >"$output"
    answer=0
    [ -n "$memory" ] || memory=$(memory_for_tests)
    (cd "$tree" && ${memory:+env TMPDIR="$memory"} $test_launcher ctest --output-on-failure --no-tests=error -j "$jobs" -O "$output" "$@") || answer=$?
    # shellcheck disable=SC2046 # three numbers
    set -- $(read_tests count "$output" "$log")
    if [ "$answer" -ne 0 ] && [ "$2" -eq 0 ]; then
        set -- "$1" 1 "$3" # a test that could not even be started
    fi
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
    [ -z "${SEGJ_TALLY:-}" ] || echo "$1 $2 $3" >>"$SEGJ_TALLY"
    say "in $tree: $1 passed, $2 failed, $3 skipped"
    if [ "$2" -gt 0 ]; then
        read_tests failed "$output" "$log" >>"$scratch/failed"
        [ -z "${SEGJ_TALLY:-}" ] || read_tests failed "$output" "$log" >>"$SEGJ_TALLY.failed"
    fi
    if [ "$3" -gt 0 ]; then
        read_tests skipped "$output" "$log" | tee -a "$scratch/skipped" ${SEGJ_TALLY:+"$SEGJ_TALLY.skipped"}
    fi
    return "$answer"
}
