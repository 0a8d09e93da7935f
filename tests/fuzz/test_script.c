/* fuzz/test_script.c: the inputs in the repository for fuzz_script, as tests; see fuzz/replay.h. */
#include "fuzz/replay.h"

int main(void)
{
    return fuzz_replay(&fuzz_script);
}
