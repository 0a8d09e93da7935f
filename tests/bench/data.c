/*
 * bench/data.c: see the header.
 */
#include "data.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fill_random(uint8_t *pool)
{
    uint64_t state = 1;
    for (size_t i = 0; i < BENCH_POOL_SIZE; i += sizeof state) {
        uint64_t word = bench_random(&state);
        memcpy(pool + i, &word, sizeof word);
    }
}

/* One event as services log them. snprintf's result says how long it is. */
static int print_event(char *to, size_t room, uint64_t *state)
{
    static const char *const kinds[] = {"order.created", "order.paid", "cart.changed", "user.login", "item.viewed"};
    static const char *const places[] = {"Berlin", "Lisbon", "Nairobi", "Osaka", "Quito", "Toronto", "Wellington"};
    static const char *const states[] = {"ok", "ok", "ok", "retried", "failed"};
    uint64_t a = bench_random(state), b = bench_random(state), c = bench_random(state);
    return snprintf(to, room,
                    "{\"id\":\"%016" PRIx64 "\",\"type\":\"%s\",\"time\":%" PRIu64 ",\"user\":{\"id\":%" PRIu64
                    ",\"city\":\"%s\"},\"amount\":%" PRIu64 ".%02" PRIu64 ",\"currency\":\"EUR\",\"items\":%" PRIu64
                    ",\"state\":\"%s\"},\n",
                    a, kinds[b % 5], UINT64_C(1700000000000) + c % 86400000, b >> 44, places[c % 7], (a >> 40) % 1000,
                    (b >> 8) % 100, c >> 60, states[a % 5]);
}

static void fill_json(uint8_t *pool)
{
    uint64_t state = 2;
    char event[512];
    for (size_t done = 0; done < BENCH_POOL_SIZE;) {
        size_t size = (size_t)print_event(event, sizeof event, &state);
        size = size < BENCH_POOL_SIZE - done ? size : BENCH_POOL_SIZE - done;
        memcpy(pool + done, event, size);
        done += size;
    }
}

/* Each of BENCH_EVENT_SIZE bytes: what is left is digits of a signature. */
static void fill_events(uint8_t *pool)
{
    static const char *const kinds[] = {"order.created", "order.paid", "cart.changed", "user.login", "item.viewed"};
    static const char *const states[] = {"ok", "ok", "ok", "retried", "failed"};
    uint64_t state = 3;
    for (size_t i = 0; i < BENCH_EVENTS; i++) {
        char event[512];
        uint64_t a = bench_random(&state), b = bench_random(&state), c = bench_random(&state);
        int size = snprintf(event, sizeof event,
                            "{\"id\":\"%016" PRIx64 "\",\"type\":\"%s\",\"time\":%" PRIu64 ",\"user\":{\"id\":%" PRIu64
                            ",\"agent\":\"Mozilla/5.0 (X11; Linux x86_64)\"},\"path\":\"/api/v1/items/%" PRIu64
                            "\",\"amount\":%" PRIu64 ".%02" PRIu64 ",\"currency\":\"EUR\",\"items\":%" PRIu64
                            ",\"state\":\"%s\",\"region\":\"eu-central-1\",\"sign\":\"",
                            a, kinds[b % 5], UINT64_C(1700000000000) + i * 37 + c % 37, b >> 44, (c >> 8) % 100000,
                            (a >> 40) % 1000, (b >> 8) % 100, c >> 60, states[a % 5]);
        for (; size < BENCH_EVENT_SIZE - 2; size++)
            event[size] = "0123456789abcdef"[bench_random(&state) % 16];
        memcpy(pool + i * BENCH_EVENT_ROOM, event, BENCH_EVENT_SIZE - 2);
        memcpy(pool + i * BENCH_EVENT_ROOM + BENCH_EVENT_SIZE - 2, "\"}", 2);
    }
}

const uint8_t *bench_pool(bench_pool_t pool)
{
    static uint8_t *pools[BENCH_POOLS + 1];
    if (pools[pool] != NULL)
        return pools[pool];
    uint8_t *made = malloc(pool == BENCH_POOL_EVENTS ? (size_t)BENCH_EVENTS * BENCH_EVENT_ROOM : BENCH_POOL_SIZE);
    if (made == NULL)
        return NULL;
    if (pool == BENCH_POOL_EVENTS)
        fill_events(made);
    else if (pool == BENCH_POOL_JSON)
        fill_json(made);
    else
        fill_random(made);
    pools[pool] = made;
    return made;
}

static uint64_t word_at(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Sums in variables, not in an array: gcc would carry what it loads to the stack and back, and that would take a
 * quarter of a scan's time. */
uint64_t bench_consume(const void *value, size_t size)
{
    const uint8_t *at = value;
    uint64_t a = 0, b = 0, c = 0, d = 0, last;
    for (; size >= 4 * sizeof a; size -= 4 * sizeof a, at += 4 * sizeof a) {
        a ^= word_at(at);
        b ^= word_at(at + sizeof a);
        c ^= word_at(at + 2 * sizeof a);
        d ^= word_at(at + 3 * sizeof a);
    }
    for (; size > 0; size -= size < sizeof last ? size : sizeof last, at += sizeof last) {
        last = 0;
        memcpy(&last, at, size < sizeof last ? size : sizeof last);
        a ^= last;
    }
    return a ^ b ^ c ^ d;
}
