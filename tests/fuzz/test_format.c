/* fuzz/test_format.c: the inputs in the repository for fuzz_format, as tests; see fuzz/replay.h. */
#include "fuzz/replay.h"

int main(void)
{
    return fuzz_replay(&fuzz_format);
}
