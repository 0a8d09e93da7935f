/* support/wanted.c: see the header. */
#include "support/wanted.h"

#include "base/gate.h"

_Thread_local bool gates_are_wanted;

bool __wrap_segj_gate_is_wanted(const segj_gate_t *gate);

bool __wrap_segj_gate_is_wanted(const segj_gate_t *gate)
{
    (void)gate;
    return gates_are_wanted;
}
