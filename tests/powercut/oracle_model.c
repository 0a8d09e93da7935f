/* powercut/oracle_model.c: see kill/oracle_model.c. */
#include "crash/model.c"
