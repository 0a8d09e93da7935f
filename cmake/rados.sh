#!/bin/sh
# sh cmake/rados.sh [tests|long|figures]
#
# Journals in a Ceph cluster: installs what is missing (Debian's ceph-mon, ceph-osd, ceph-common and librados-dev beside what a
# build needs: 60 MB), starts a cluster on this machine (cmake/ceph.sh), runs the tests on it, with failures of its
# parts, then the figures beside `rados bench`, and stops it. Without an argument both. `long`: the programs of other folders
# that take long in a cluster.
#
# Answers 77 where the packages cannot be had. Wants 2 GB of memory and 4 GB of disk.
#
#   SEGJ_BUILD_DIR   where to build; build/rados beside the sources when it is not set
#   SEGJ_CEPH_DIR    where the cluster's files are; below the build when it is not set
#   SEGJ_RADOS_KILLS how often an owner is killed while another waits; 200
#   SEGJ_RADOS_MIB   how many MiB each of the figures' larger ones moves; 256
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/cmake/prepare.sh"

need_ceph()
{
    need ceph-mon has ceph-mon
    need ceph-osd has ceph-osd
    need ceph-common has rados
    need librados-dev builds c rados/librados.h -lrados
}

case ${1:-all} in
all | tests | long | figures) ;;
*)
    sed -n '2,14s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

(install_missing need_build_tools need_test_tools need_ceph) || {
    say "NOT RUN: Ceph could not be installed"
    exit 77
}
build=$(absolute "${SEGJ_BUILD_DIR:-$root/build/rados}")
ceph=${SEGJ_CEPH_DIR:-$build/ceph}
configure_tree "$build" -DCMAKE_BUILD_TYPE=Release -DSEGJ_BUILD_TESTS=ON -DSEGJ_RADOS=ON -DSEGJ_BUILD_CPP=OFF
targets="tests_rados segj failover"
[ "${1:-all}" != long ] || targets=tests_rados_long
# shellcheck disable=SC2086 # several targets
cmake --build "$build" --parallel "$jobs" --target $targets || die "the build in $build failed"

trap 'sh "$root/cmake/ceph.sh" stop "$ceph"; rm -rf "$scratch" ${memory:+"$memory"}' EXIT
sh "$root/cmake/ceph.sh" start "$ceph"
SEGJ_CEPH=$(cd "$ceph" && pwd)
CEPH_CONF=$SEGJ_CEPH/ceph.conf
SEGJ_RADOS_KILLS=${SEGJ_RADOS_KILLS:-200}
export SEGJ_CEPH CEPH_CONF SEGJ_RADOS_KILLS

# Tests that end parts of the cluster are alone in it (RUN_SERIAL); the others wait more than they work.
good=true
jobs=4
case ${1:-all} in
all | tests)
    test_tree "$build" -L '^rados$' || good=false
    say "examples/failover"
    "$build/examples/failover" segj segj || good=false
    ;;
long)
    test_tree "$build" -L '^rados_long$' || good=false
    ;;
esac
case ${1:-all} in
all | figures)
    say "figures"
    "$build/tests/rados/figures" "${SEGJ_RADOS_MIB:-256}" "$build/figures.svg" || good=false
    say "a chart is in $build/figures.svg"
    ;;
esac
say_skipped
$good
