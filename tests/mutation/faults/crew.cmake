# mutation/faults/crew.cmake: deliberate faults (see mutate.cmake): several threads that compress one append.

fault("a round ends while threads are at it" src/oversized/section/crew.c "threads/compression_threads"
    [==[    while (crew->at_work > 0)
        segj_wait(&crew->done, &crew->lock);]==]
    [==[]==])

fault("the failure of a round is lost" src/oversized/section/crew.c "threads/compression_threads"
    [==[    segj_status_t status = round->status;]==]
    [==[    segj_status_t status = SEGJ_OK;]==])

fault("a value of a round is left out" src/oversized/section/crew.c "threads/compression_threads"
    [==[        if (number >= round->count)]==]
    [==[        if (number + 1 >= round->count)]==])

fault("two rounds at a time" src/oversized/section/crew.c "threads/compression_threads"
    [==[    bool free = !crew->busy;]==]
    [==[    bool free = crew->most > 0;]==])

fault("the wide context is lent twice" src/oversized/section/crew.c "threads/compression_threads"
    [==[    bool free = !crew->wide_taken && !crew->wide_refused;]==]
    [==[    bool free = !crew->wide_refused;]==])

fault("a stream keeps the wide context" src/oversized/write/stream_in.c "threads/compression_threads"
    [==[    else if (segj_lease_holds(&writer->lease))
        segj_crew_release_wide]==]
    [==[    else if (!segj_lease_holds(&writer->lease))
        segj_crew_release_wide]==])

fault("a child waits for threads that it does not have" src/oversized/child.c "threads/forks"
    [==[            segj_codec_free(&journal->codec); ]==]
    [==[            segj_crew_free(&journal->codec.crew); ]==])
