/* fuzz/test_log.c: the inputs in the repository for fuzz_log, as tests; see fuzz/replay.h. */
#include "fuzz/replay.h"

int main(void)
{
    return fuzz_replay(&fuzz_log);
}
