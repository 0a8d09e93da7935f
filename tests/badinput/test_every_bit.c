/* badinput/test_every_bit.c: single bits of large journals without compression; see badinput/every_bit.c. */
#include "badinput/large.h"

int main(void)
{
    return run_every_bit(false);
}
