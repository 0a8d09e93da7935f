#!/bin/sh
# sh cmake/packages.sh
#
# Makes the packages (.deb and .tar.gz), and tries both in a bare Debian that has a compiler and nothing of this machine:
# what the .deb depends on is found, dpkg installs it, programs in C and C++ are built with it by pkg-config and by CMake,
# and run, and dpkg removes all of it again; then the .tar.gz, unpacked elsewhere. Answers 77 where there is no apt-get, no
# mirror, or no way to go into that Debian (root, or unshare).
#
#   SEGJ_BUILD_DIR   where to build; build/packages beside the sources when it is not set
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/cmake/prepare.sh"

not_run()
{
    printf '\n*** NOT RUN: %s ***\n\n' "$*"
    exit 77
}

# --- the packages ---

install_missing need_build_tools
build=$(absolute "${SEGJ_BUILD_DIR:-$root/build/packages}")
build_tree "$build/build" -DCMAKE_BUILD_TYPE=Release -DSEGJ_BUILD_TESTS=OFF -DSEGJ_BUILD_EXAMPLES=OFF
rm -rf "$build/made"
has dpkg-deb || not_run "there is no dpkg-deb here, which a .deb is looked into with"
(cd "$build/build" && cpack -G 'TGZ;DEB' -B "$build/made" >"$scratch/cpack.log") ||
    { cat "$scratch/cpack.log" && die "cpack failed"; }
deb=$(find "$build/made" -maxdepth 1 -name '*.deb')
tar=$(find "$build/made" -maxdepth 1 -name '*.tar.gz')
[ -f "$deb" ] && [ -f "$tar" ] || die "cpack made no .deb, or no .tar.gz"
version=$(dpkg-deb --field "$deb" Version)
grep -qF "\"version\": \"$version\"" "$root/cmake/vcpkg/segjournal/vcpkg.json" || die "the port for vcpkg is not of version $version"
say "made $deb"
say "made $tar"

# --- a bare Debian ---

has apt-get || not_run "a bare Debian is made of packages, and there is no apt-get here"
into=""
if [ "$(id -u)" -ne 0 ]; then
    into="unshare --map-root-user"
fi
$into chroot / true 2>/dev/null || not_run "this user cannot go into another root (chroot)"

bare=$build/bare
rm -rf "$bare" "$build/archives"
mkdir -p "$build/archives/partial" "$bare/usr/bin" "$bare/usr/sbin" "$bare/usr/lib" "$bare/usr/lib64" "$bare/dev" "$bare/tmp"
: >"$scratch/status"
# apt is asked as if nothing were installed; what the .deb depends on comes along, or apt says that it cannot be had.
apt-get -o Dir::State::status="$scratch/status" -o Dir::Cache::archives="$build/archives" -o Dir::Cache::pkgcache= \
    -o Dir::Cache::srcpkgcache= -o APT::Install-Recommends=false -o APT::Sandbox::User= -o Debug::NoLocking=1 \
    -o Dpkg::Use-Pty=0 -qq -y --download-only install base-files coreutils dash diffutils dpkg grep gzip libc-bin sed tar \
    g++ pkg-config cmake ninja-build "$deb" >"$scratch/apt.log" 2>&1 || {
    cat "$scratch/apt.log"
    grep -qE 'Unable to (fetch|locate)|Failed to fetch' "$scratch/apt.log" && not_run "the packages of a bare Debian could not be had"
    die "apt-get does not find what $deb depends on"
}
for directory in bin sbin lib lib64; do
    ln -s "usr/$directory" "$bare/$directory"
done
: >"$bare/dev/null"
mkdir -p "$bare/var/lib/dpkg/info" "$bare/var/lib/dpkg/updates" "$bare/var/lib/dpkg/triggers"
for package in "$build"/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -C "$bare" --keep-directory-symlink --no-same-owner -xf -
    dpkg-deb --field "$package" | sed '1a Status: install ok installed' >>"$bare/var/lib/dpkg/status"
    echo >>"$bare/var/lib/dpkg/status"
done
say "a bare Debian of $(find "$build/archives" -name '*.deb' | wc -l) packages: $(du -sm "$bare" | cut -f 1) MB"

# within COMMAND...: runs it in the bare Debian, with a surrounding of its own
within()
{
    $into chroot "$bare" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C TMPDIR=/tmp "$@" >"$scratch/within.log" 2>&1 || {
        cat "$scratch/within.log"
        die "in the bare Debian: $*"
    }
}

# left: files of the package that are there
left()
{
    find "$bare/usr" "$bare/opt" -iname '*segj*' 2>/dev/null
}

# --- installed, used, removed ---

cp -R "$root/tests/package/consumer" "$bare/tmp/consumer"
cp "$root/examples/quickstart.c" "$root/examples/quickstart_cpp.cpp" "$deb" "$tar" "$bare/tmp/"
[ -z "$(left)" ] || die "the bare Debian has segjournal already: $(left)"

within dpkg -i "/tmp/${deb##*/}"
[ -f "$bare/usr/include/segjournal/oversized.hpp" ] || die "the .deb has no C++ header"
if has doxygen; then
    [ -f "$bare/usr/share/man/man3/segjournal.3" ] || die "the .deb has no manual pages"
fi

within sh -c 'gcc -Wall -Wextra -Werror -o /tmp/c /tmp/quickstart.c $(pkg-config --cflags --libs --static segjournal)'
within sh -c 'g++ -std=c++17 -Wall -Wextra -Werror -o /tmp/cpp /tmp/quickstart_cpp.cpp $(pkg-config --cflags --libs --static segjournal)'
within sh -c 'cd /tmp && ./c && ./cpp'
grep -q 'an entry: a value' "$scratch/within.log" || die "the example in C++ said: $(cat "$scratch/within.log")"

# by_cmake NAME OPTION...: the consumers in C and C++ by find_package
by_cmake()
{
    name=$1
    shift
    within cmake -S /tmp/consumer -B "/tmp/$name" -G Ninja -DCONSUMER_VIA=find_package '-DCONSUMER_LANGUAGES=C;CXX' "$@"
    within cmake --build "/tmp/$name"
    within "/tmp/$name/consumer_c" "/tmp/$name/c.journal"
    within "/tmp/$name/consumer_cpp" "/tmp/$name/cpp.journal"
    say "$name: $(cat "$scratch/within.log")"
}

by_cmake from_deb
within dpkg -r segjournal
[ -z "$(left)" ] || die "dpkg has left behind: $(left)"

mkdir -p "$bare/opt"
within tar -C /opt -xf "/tmp/${tar##*/}"
by_cmake from_tar "-DCMAKE_PREFIX_PATH=/opt/$(basename "$tar" .tar.gz)"
rm -rf "$bare" "$build/archives"
say "the packages are in $build/made"
