/*
 * A journal's storage in a Ceph cluster keeps the contract of every storage.
 *
 * LINK_WRAP: malloc calloc realloc
 */
#include "rados/cluster.h"
#include "unit/storage_contract.h"

int main(void)
{
    const struct CMUnitTest tests[] = {CONTRACT_OF(make_cluster_place, drop_cluster_place)};
    if (!cluster_is_there())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
