/*
 * journal/salt.c: see the header. A storage that says who opens has random bytes; others get what no two calls of a
 * process have in common: the time, its number, the journal's place in memory, and a count.
 */
#include "journal/salt.h"

#include "base/bytes.h"
#include "base/process.h"

static _Thread_local uint64_t (*salt_source)(void);

void segj_salt_set_source(uint64_t (*source)(void))
{
    salt_source = source;
}

/* A bijection that leaves no bit of the sum where it was (splitmix64; Steele, Lea, Flood 2014). */
static uint64_t salt_mix(uint64_t word)
{
    word = (word ^ word >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    word = (word ^ word >> 27) * UINT64_C(0x94D049BB133111EB);
    return word ^ word >> 31;
}

uint64_t segj_salt_make(segj_shared_t *shared)
{
    segj_opener_t opener;
    if (salt_source != NULL)
        return salt_source();
    uint64_t count = (uint64_t)(uintptr_t)shared + shared->salts_made++;
    if (segj_io_opener(shared->index.storage, &opener))
        return segj_get_u64(opener.random) ^ segj_get_u64(opener.random + 8);
    return salt_mix(segj_process_time() + salt_mix((uint64_t)segj_process_id() + salt_mix(count)));
}
