/* badinput/test_every_bit_zstd.c: single bits of large compressed journals; see badinput/every_bit.c. */
#include "badinput/large.h"

int main(void)
{
    return run_every_bit(true);
}
