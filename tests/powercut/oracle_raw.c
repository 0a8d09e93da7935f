/* powercut/oracle_raw.c: see kill/oracle_raw.c. */
#include "crash/raw.c"
