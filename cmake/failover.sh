#!/bin/sh
# sh cmake/failover.sh
#
# Installs what is missing, Ceph included, starts a small cluster on this machine, and runs examples/failover in it: two
# processes want one journal; the one that has it is killed, and the other one goes on. Stops the cluster. A minute or two.
#
#   SEGJ_BUILD_DIR   where to build; build/failover beside the sources when it is not set
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

install_missing need_build_tools need_ceph
build=$(absolute "${SEGJ_BUILD_DIR:-$root/build/failover}")
configure_tree "$build" -DSEGJ_BUILD_TESTS=OFF -DSEGJ_BUILD_EXAMPLES=ON -DSEGJ_RADOS=ON -DSEGJ_BUILD_COMMAND=OFF -DSEGJ_BUILD_CPP=OFF
cmake --build "$build" --parallel "$jobs" --target failover || die "the build in $build failed"
trap 'sh "$root/cmake/ceph.sh" stop "$build/ceph"; rm -rf "$scratch" ${memory:+"$memory"}' EXIT
sh "$root/cmake/ceph.sh" start "$build/ceph"
CEPH_CONF=$build/ceph/ceph.conf "$build/examples/failover" segj segj
