/* fuzz/fuzz.c: what the targets share; see fuzz/fuzz.h. */
#include "fuzz/fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void (*failure_call)(const char *what);

void fuzz_on_failure(void (*call)(const char *what))
{
    failure_call = call;
}

void fuzz_fail(const char *file, int line, const char *format, ...)
{
    static char text[2048];
    va_list arguments;
    int used = snprintf(text, sizeof text, "%s:%d: ", file, line);
    va_start(arguments, format);
    (void)vsnprintf(text + used, sizeof text - (size_t)used, format, arguments);
    va_end(arguments);
    (void)fprintf(stderr, "%s\n", text);
    if (failure_call != NULL)
        failure_call(text);
    abort();
}

void *fuzz_allocate(size_t size)
{
    void *memory = calloc(1, size > 0 ? size : 1);
    if (memory == NULL)
        abort();
    return memory;
}

/* --- inputs --- */

uint64_t fuzz_take(fuzz_input_t *input, size_t bytes)
{
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++) {
        number <<= 8;
        if (input->left == 0)
            continue;
        number |= *input->at++;
        input->left--;
    }
    return number;
}

const uint8_t *fuzz_take_bytes(fuzz_input_t *input, size_t size, size_t *taken)
{
    const uint8_t *bytes = input->at;
    *taken = size < input->left ? size : input->left;
    input->at += *taken;
    input->left -= *taken;
    return bytes;
}

/* --- random numbers --- */

uint64_t fuzz_next(fuzz_random_t *random)
{
    random->state += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 (Steele, Lea, Flood 2014) */
    uint64_t word = random->state;
    word = (word ^ word >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    word = (word ^ word >> 27) * UINT64_C(0x94D049BB133111EB);
    return word ^ word >> 31;
}

uint32_t fuzz_below(fuzz_random_t *random, uint32_t limit)
{
    return limit > 0 ? (uint32_t)(fuzz_next(random) % limit) : 0;
}

static fuzz_random_t byte_random;

void fuzz_seed_bytes(uint64_t seed)
{
    byte_random.state = seed;
}

static void copy_within(uint8_t *data, size_t size)
{
    uint32_t from = fuzz_below(&byte_random, (uint32_t)size);
    uint32_t to = fuzz_below(&byte_random, (uint32_t)size);
    size_t longest = size - (from > to ? from : to);
    memmove(data + to, data + from, 1 + fuzz_below(&byte_random, (uint32_t)longest));
}

size_t fuzz_mutate_bytes(uint8_t *data, size_t size, size_t most)
{
    static const uint8_t corners[] = {0, 1, 0x7F, 0x80, 0xFF};
    uint32_t at = fuzz_below(&byte_random, (uint32_t)size);
    switch (size > 0 ? fuzz_below(&byte_random, 6) : 5) {
    case 0:
        data[at] ^= (uint8_t)(1u << fuzz_below(&byte_random, 8));
        return size;
    case 1:
        data[at] = (uint8_t)fuzz_next(&byte_random);
        return size;
    case 2:
        data[at] = corners[fuzz_below(&byte_random, sizeof corners)];
        return size;
    case 3:
        copy_within(data, size);
        return size;
    case 4:
        memmove(data + at, data + at + 1, size - at - 1);
        return size - 1;
    default:
        if (size == most)
            return size;
        memmove(data + at + 1, data + at, size - at);
        data[at] = (uint8_t)fuzz_next(&byte_random);
        return size + 1;
    }
}
