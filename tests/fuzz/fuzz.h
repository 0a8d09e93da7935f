/*
 * fuzz/fuzz.h: targets for a fuzzer. A target takes any bytes, makes of them what it tests, and fails loudly where a
 * promise does not hold. libFuzzer drives it (fuzz/engine/libfuzzer.c, built with SEGJ_FUZZ), and so do the tests of
 * this folder, which run every input of the corpus (fuzz/replay.h).
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Changes the first `size` of `most` bytes anyhow, and gives the new size: LLVMFuzzerMutate, or
 *  fuzz_mutate_bytes(). */
typedef size_t (*fuzz_mutate_t)(uint8_t *data, size_t size, size_t most);

typedef struct fuzz_target {
    const char *name; /* of its folder in the corpus */
    size_t most;      /* bytes of an input; more are passed over */
    void (*run)(const uint8_t *data, size_t size);
    /** Changes an input so that it still means something; `bytes` changes parts of it. The same seed does the same. */
    size_t (*mutate)(uint8_t *data, size_t size, size_t most, uint32_t seed, fuzz_mutate_t bytes);
} fuzz_target_t;

extern const fuzz_target_t fuzz_format; /* pages, headers, records, zstd payloads: pure functions */
extern const fuzz_target_t fuzz_image;  /* the files of a journal: open, read, append */
extern const fuzz_target_t fuzz_log;    /* the files of a section of version 2: the same */
extern const fuzz_target_t fuzz_script; /* operations, faults and crashes */

/** Something does not hold: says what, and ends. */
#define fuzz_require(condition, ...)                                                                                   \
    do                                                                                                                 \
        if (!(condition))                                                                                              \
            fuzz_fail(__FILE__, __LINE__, __VA_ARGS__);                                                                \
    while (0)
_Noreturn void fuzz_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
/** Called before a failure aborts; may not return. */
void fuzz_on_failure(void (*call)(const char *what));

void *fuzz_allocate(size_t size); /**< zeros, at least one byte; never NULL */

/* --- inputs, taken from the front; behind the end there are zeros --- */

typedef struct fuzz_input {
    const uint8_t *at;
    size_t left;
} fuzz_input_t;

uint64_t fuzz_take(fuzz_input_t *input, size_t bytes); /**< big-endian, at most 8 bytes */
/** At most `size` bytes, as they lie. */
const uint8_t *fuzz_take_bytes(fuzz_input_t *input, size_t size, size_t *taken);

/* --- random numbers for mutations --- */

typedef struct fuzz_random {
    uint64_t state;
} fuzz_random_t;

uint64_t fuzz_next(fuzz_random_t *random);
uint32_t fuzz_below(fuzz_random_t *random, uint32_t limit); /**< 0 where the limit is 0 */

/** A mutation of bytes for drivers that bring none; fuzz_seed_bytes() makes it do something else. */
size_t fuzz_mutate_bytes(uint8_t *data, size_t size, size_t most);
void fuzz_seed_bytes(uint64_t seed);

#endif
