# mutation/faults/dictionary.cmake: deliberate faults (see mutate.cmake): dictionaries of sections, and values that are
# stored as they are.

set(dictionary_states "crash/exhaustive_log@log/64/dictionary")

fault("a dictionary is written before its identity is durable" src/oversized/section/writers.c "${dictionary_states}"
    [==[    status = segj_io_sync(&section->index.handle.file);
    if (status == SEGJ_OK)
        status = segj_io_sync(&section->values.handle.file);
    if (status != SEGJ_OK)
        return segj_shared_poison(shared, status);
    return dictionary != NULL]==]
    [==[    return dictionary != NULL]==])

fault("data follow a dictionary that is not durable" src/oversized/section/dictionary.c "${dictionary_states}"
    [==[    status = segj_io_sync(index);
    if (status == SEGJ_OK)
        status = segj_io_sync(values);
    return status == SEGJ_OK ? status : segj_shared_poison(&journal->shared, status);]==]
    [==[    return status;]==])

fault("a torn dictionary stays behind another identity" src/oversized/open/repair_log.c
    "${dictionary_states} promises/dictionary_damage"
    [==[    segj_status_t status = plan->undo_dictionary ? drop_dictionary(index, SEGJ_KIND_INDEX) : SEGJ_OK;]==]
    [==[    segj_status_t status = SEGJ_OK;]==])

fault("a creation that was cut off keeps its torn dictionary" src/oversized/open/verdict_native.c
    "${dictionary_states} promises/dictionary_damage"
    [==[    plan->undo_dictionary = true;]==]
    [==[    return SEGJ_OK;]==])

fault("the second copy of a dictionary is not looked at" src/oversized/section/dictionary.c "promises/dictionary_damage"
    [==[    if (status == SEGJ_OK && !right)
        status = read_copy(shared, &section->index.handle, SEGJ_KIND_INDEX, dictionary, &second, &right);]==]
    [==[]==])

fault("a dictionary's copy that cannot be read fails the read" src/oversized/section/dictionary.c
    "promises/dictionary_damage"
    [==[    if (status == SEGJ_OK && !right)
        status = read_copy(]==]
    [==[    if (status == SEGJ_OK && !right && first == SEGJ_OK)
        status = read_copy(]==])

fault("a dictionary's copy that cannot be read fails the append" src/oversized/section/dictionary.c
    "promises/dictionary_damage"
    [==[        if (right[0] || right[1])
            status = mend_other(]==]
    [==[        if ((right[0] || right[1]) && answers[0] == SEGJ_OK && answers[1] == SEGJ_OK)
            status = mend_other(]==])

fault("a dictionary that cannot be read counts as lost" src/oversized/section/dictionary.c "promises/dictionary_damage"
    [==[    if (first != SEGJ_OK || second != SEGJ_OK)]==]
    [==[    if (first != SEGJ_OK && second == SEGJ_OK)]==])

fault("a damaged dictionary is not mended" src/oversized/section/dictionary.c "promises/dictionary_damage"
    [==[    return right[0] ? SEGJ_OK : write_again(]==]
    [==[    return right[1] ? SEGJ_OK : write_again(]==])

fault("a section whose dictionary is lost takes no values" src/oversized/write/append.c "promises/dictionary_damage"
    [==[    return batch->section != NULL && atomic_load_explicit(]==]
    [==[    return batch->section == NULL && atomic_load_explicit(]==])

fault("the trailer does not cover that a value is stored as it is" src/journal/frame_format.h "promises/raw_values"
    [==[    return raw ? segj_crc32(crc, &flag, sizeof flag) : crc;]==]
    [==[    return crc;]==])

fault("a value that gains nothing is compressed all the same" src/oversized/write/append.c "promises/raw_values"
    [==[    *raw = slice->size >= (*value)->size && is_log(batch);]==]
    [==[    *raw = false;]==])

fault("a copy does not take the dictionary along" src/oversized/tools/copy_section.c "promises/dictionary"
    [==[    return status == SEGJ_OK ? write_dictionary(piece) : status;]==]
    [==[    return status;]==])

fault("a value has the dictionary of another section" src/oversized/write/payload.h "promises/training"
    [==[made_for.salt == section->values.salt]==]
    [==[true]==])

fault("a streamed value that gains nothing is compressed all the same" src/oversized/write/stream_in.c "promises/raw_values"
    [==[ || kept == NULL || writer->frame < writer->taken)]==]
    [==[ || kept == NULL || writer->frame > 0)]==])

fault("a streamed value is kept where it is too long" src/oversized/write/stream_in.c "promises/raw_values"
    [==[    writer->keeps = false;
    return status == SEGJ_OK ? put_compressed(writer, data, size, false) : status;]==]
    [==[    writer->keeps = size == 1;
    return status == SEGJ_OK ? put_compressed(writer, data, size, false) : status;]==])

fault("a view shows a compressed value as it lies" src/oversized/read/view.c "promises/raw_values"
    [==[    bool plain = !taken->source.section->values.compressed || segj_glob_is_raw(file, frame);]==]
    [==[    bool plain = !taken->source.section->values.compressed || file->head > 0;]==])

fault("a view of a value that is stored as it is copies it" src/oversized/read/view.c "promises/raw_values"
    [==[    return !values->compressed || values->handle.file.head > 0;]==]
    [==[    return !values->compressed;]==])

fault("a view of a value that is stored as it is does not check it" src/oversized/read/view.c "promises/raw_values"
    [==[    segj_status_t status = segj_glob_check(&journal->shared, file, packed, location, frame);]==]
    [==[    segj_status_t status = packed ? SEGJ_OK : segj_glob_check(&journal->shared, file, packed, location, frame);]==])

fault("who has a frame waits for a writer that waits for readers" src/oversized/section/dictionary.c
    "threads/dictionaries"
    [==[segj_files_pin_once_more(&shared->files, handle);]==]
    [==[segj_files_pin(&shared->files, handle);]==])
