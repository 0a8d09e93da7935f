/*
 * oversized/section/room.c: see the header. (DESIGN.md, "Zeros ahead".)
 */
#include "oversized/section/room.h"

static bool is_quiet(oversized_t *journal, const segj_section_t *section)
{
    segj_lock(&journal->shared.state);
    bool busy = section->syncing || section->streaming;
    segj_unlock(&journal->shared.state);
    return !busy && !section->values.tail_dirty;
}

bool segj_room_is_given(oversized_t *journal)
{
    segj_assert_held(&journal->change);
    bool any = false;
    segj_sentence_t cause;
    if (atomic_load(&journal->shared.poisoned))
        return false;
    segj_keep(&cause);
    for (segj_section_t *section = journal->oldest; section != NULL; section = section->newer) {
        segj_glob_t *values = &section->values;
        bool trimmed = false;
        if (values->ahead <= values->size || !is_quiet(journal, section))
            continue;
        values->syncs = 0; /* it is a while before there are more */
        any = (segj_glob_trim(values, &trimmed) == SEGJ_OK && trimmed) || any;
    }
    segj_say_again(&cause);
    return any;
}

bool segj_room_is_made(oversized_t *journal)
{
    segj_gate_enter(&journal->change);
    bool given = segj_room_is_given(journal);
    segj_gate_leave(&journal->change);
    return given;
}
