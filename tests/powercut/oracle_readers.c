/* powercut/oracle_readers.c: see kill/oracle_readers.c. */
#include "crash/readers.c"
