/* fuzz/test_image.c: the inputs in the repository for fuzz_image, as tests; see fuzz/replay.h. */
#include "fuzz/replay.h"

int main(void)
{
    return fuzz_replay(&fuzz_image);
}
