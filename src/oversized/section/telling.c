/* oversized/section/telling.c: see the header. */
#include "oversized/section/telling.h"

#include "base/bytes.h"
#include "base/process.h"
#include "base/error.h"

segj_telling_t segj_telling_begin(bool (*progress)(void *context, const oversized_progress_t *progress), void *context)
{
    return (segj_telling_t){
        .progress = progress, .context = context, .told = progress != NULL ? segj_process_time() : 0};
}

bool segj_tell(segj_telling_t *telling, bool at_once)
{
    if (telling == NULL || telling->progress == NULL)
        return false;
    uint64_t time = segj_process_time();
    if (!at_once && time - telling->told < SEGJ_TELL_TIME)
        return false;
    telling->told = time;
    const oversized_progress_t now = telling->now;
    return telling->progress(telling->context, &now) && !telling->is_deaf;
}

segj_status_t segj_tell_of_open(segj_telling_t *telling, uint64_t bytes, bool at_once)
{
    if (telling == NULL)
        return SEGJ_OK;
    telling->now.bytes_done += bytes;
    telling->now.bytes_total = segj_max_u64(telling->now.bytes_total, telling->now.bytes_done);
    if (!segj_tell(telling, at_once))
        return SEGJ_OK;
    return segj_fail(SEGJ_ERR_CANCELLED, "cancelled when %llu of %llu sections were looked at; nothing was changed",
                     (unsigned long long)telling->now.sections_done, (unsigned long long)telling->now.sections_total);
}
