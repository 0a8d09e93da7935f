/*
 * fuzz/engine/libfuzzer.c: a target as libFuzzer wants it. FUZZ_TARGET is the target's variable (fuzz/fuzz.h).
 */
#include "fuzz/fuzz.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FUZZ_TARGET.run(data, size);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    return FUZZ_TARGET.mutate(data, size, most, seed, LLVMFuzzerMutate);
}
