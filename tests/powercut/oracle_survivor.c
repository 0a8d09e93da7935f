/* powercut/oracle_survivor.c: see kill/oracle_model.c. */
#include "kill/survivor.c"
