#!/bin/sh
# A Ceph cluster for tests and figures: one monitor and three BlueStore OSDs on the loopback interface, in a directory of
# their own, with keys. No service of the system is started; processes end by their ids.
#
#   sh cmake/ceph.sh start [DIR]         makes a cluster in DIR (build/ceph) and starts it, with a pool "segj" (three copies)
#   sh cmake/ceph.sh stop [DIR]          ends its processes and removes DIR
#   sh cmake/ceph.sh kill WHO [DIR]      ends one, as a crash does: mon, osd.0, osd.1 or osd.2
#   sh cmake/ceph.sh revive WHO [DIR]    starts it again
#   sh cmake/ceph.sh pid WHO [DIR]       prints its process id
#
# DIR/ceph.conf is the configuration for clients; with CEPH_CONF=DIR/ceph.conf the commands ceph and rados work as usual.
# Debian 12: ceph-mon, ceph-osd, ceph-common (16.2). Ready in 10 to 15 seconds. 2 GB of disk at most.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
command=${1:-}
case $command in
start | stop)
    dir=${2:-$root/build/ceph}
    ;;
kill | revive | pid)
    who=${2:?mon, osd.0, osd.1 or osd.2}
    dir=${3:-$root/build/ceph}
    ;;
*)
    sed -n '2,13s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
conf=$dir/ceph.conf
osds="0 1 2"

# launch WHO: in the background; its id is written down. What waits for the cluster runs as high as it does, so a priority
# of its own, a lower one, would have it wait for who waits for it.
launch()
{
    case $1 in
    mon) set -- mon ceph-mon -i a ;;
    osd.*) set -- "$1" ceph-osd -i "${1#osd.}" ;;
    esac
    name=$1
    shift
    "$@" -f -c "$conf" </dev/null >>"$dir/$name.out" 2>&1 &
    echo $! >"$dir/$name.pid"
}

# end WHO SIGNAL: and waits until it has ended
end()
{
    [ -f "$dir/$1.pid" ] || return 0
    pid=$(cat "$dir/$1.pid")
    rm -f "$dir/$1.pid"
    # Numbers are given again: only what is a daemon of this cluster is ended.
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q -- "-c $conf" || return 0
    kill "-$2" "$pid" 2>/dev/null || return 0
    kill -CONT "$pid" 2>/dev/null || true
    tries=0
    while kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 200 ] || kill -KILL "$pid" 2>/dev/null || true
        sleep 0.05
    done
}

stop_all()
{
    for name in osd.0 osd.1 osd.2 mon; do
        end "$name" KILL
    done
}

free_port()
{
    port=$((20000 + $$ % 20000))
    while grep -qi ":$(printf %04x "$port") " /proc/net/tcp; do
        port=$((port + 1))
    done
    echo "$port"
}

write_configuration()
{
    cat >"$conf" <<END
[global]
fsid = $1
mon_host = [v2:127.0.0.1:$2]
mon_initial_members = a
public_network = 127.0.0.0/8
ms_bind_msgr1 = false
ms_bind_ipv4 = true
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
keyring = $dir/keyring
run_dir = $dir
admin_socket =
log_to_file = false
log_to_stderr = true
err_to_stderr = true
osd_pool_default_size = 3
osd_pool_default_min_size = 2
osd_pool_default_pg_num = 32
osd_pool_default_pgp_num = 32
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_delete = true
mon_warn_on_pool_no_redundancy = false
[mon]
mon_data = $dir/mon
mon_data_avail_crit = 1
mon_data_avail_warn = 2
mon_osd_min_down_reporters = 1
mon_osd_report_timeout = 900
mon_cluster_log_to_file = false
[osd]
osd_data = $dir/\$name
keyring = $dir/\$name/keyring
osd_objectstore = bluestore
bluestore_block_size = ${SEGJ_CEPH_SIZE:-8589934592}
osd_memory_target = 939524096
bluestore_cache_autotune = false
bluestore_cache_size = 67108864
osd_heartbeat_interval = 1
osd_heartbeat_grace = 30
osd_op_queue = wpq
osd_recovery_sleep = 0
osd_recovery_max_active = 8
osd_max_backfills = 4
[client]
log_to_stderr = false
objecter_timeout = 1
objecter_tick_interval = 0.5
END
}

# Keys of everybody. client.segj has what a journal needs and no more (src/RADOS.md).
write_keys()
{
    ceph-authtool --create-keyring "$dir/keys" --gen-key -n mon. --cap mon 'allow *' >/dev/null
    ceph-authtool "$dir/keys" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *' >/dev/null
    ceph-authtool "$dir/keys" --gen-key -n client.segj --cap mon 'allow r' --cap osd 'allow rwx pool=segj' >/dev/null
    for i in $osds; do
        ceph-authtool "$dir/keys" --gen-key -n "osd.$i" --cap mon 'allow profile osd' --cap osd 'allow *' >/dev/null
        mkdir -p "$dir/osd.$i"
        ln -s "osd.$i" "$dir/osd-$i"
        ceph-authtool --create-keyring "$dir/osd.$i/keyring" -n "osd.$i" \
            --add-key "$(ceph-authtool "$dir/keys" -n "osd.$i" --print-key)" >/dev/null
    done
    cp "$dir/keys" "$dir/keyring"
}

start()
{
    for tool in ceph-mon ceph-osd ceph ceph-authtool monmaptool; do
        command -v "$tool" >/dev/null || { echo "ceph.sh: there is no $tool (Debian: ceph-mon, ceph-osd, ceph-common)" >&2; exit 77; }
    done
    stop_all
    rm -rf "$dir"
    mkdir -p "$dir"
    port=$(free_port)
    fsid=$(cat /proc/sys/kernel/random/uuid)
    write_configuration "$fsid" "$port"
    export CEPH_CONF="$conf"
    write_keys
    monmaptool --create --addv a "[v2:127.0.0.1:$port]" --fsid "$fsid" "$dir/monmap" >/dev/null
    ceph-mon --mkfs -i a -c "$conf" --monmap "$dir/monmap" --keyring "$dir/keys" >"$dir/mon.out" 2>&1
    launch mon
    for i in $osds; do
        uuid=$(cat /proc/sys/kernel/random/uuid)
        ceph --connect-timeout 300 osd create "$uuid" "$i" >/dev/null 2>>"$dir/mon.out"
        ceph-osd -i "$i" -c "$conf" --mkfs --osd-uuid "$uuid" >"$dir/osd.$i.out" 2>&1 &
    done
    wait_for_mkfs
    for i in $osds; do
        ceph osd crush add "osd.$i" 1 root=default host=here 2>>"$dir/mon.out" >/dev/null
        launch "osd.$i"
    done
    ceph osd pool create segj 32 32 replicated >/dev/null 2>>"$dir/mon.out"
    wait_until_it_writes
}

wait_for_mkfs()
{
    for i in $osds; do
        tries=0
        until [ -f "$dir/osd.$i/ready" ]; do
            tries=$((tries + 1))
            [ "$tries" -lt 3000 ] || { cat "$dir/osd.$i.out" >&2; echo "ceph.sh: osd.$i was not made" >&2; exit 1; }
            sleep 0.1
        done
    done
    wait_for_children
}

# The makers of OSDs, and not the monitor, which goes on.
wait_for_children()
{
    tries=0
    while pgrep -f -- "-c $conf --mkfs" >/dev/null && [ "$tries" -lt 3000 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
}

wait_until_it_writes()
{
    tries=0
    until echo x | timeout 60 rados -p segj put ceph.sh.ready - 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 10 ] || { for log in "$dir"/*.out; do tail -n 5 "$log" >&2; done; echo "ceph.sh: the cluster does not write" >&2; exit 1; }
        sleep 0.5
    done
    rados -p segj rm ceph.sh.ready
    tries=0
    until ceph osd stat 2>/dev/null | grep -q ' 3 up'; do
        tries=$((tries + 1))
        [ "$tries" -lt 400 ] || { echo "ceph.sh: only: $(ceph osd stat)" >&2; exit 1; }
        sleep 0.25
    done
}

case $command in
start)
    before=$(date +%s)
    start
    echo "ceph.sh: a cluster runs in $dir: one monitor, three OSDs, pool segj, ready after $(($(date +%s) - before)) s"
    ;;
stop)
    stop_all
    rm -rf "$dir"
    ;;
kill) end "$who" KILL ;;
revive) launch "$who" ;;
pid) cat "$dir/$who.pid" ;;
esac
