# mutation/faults/cpp.cmake: deliberate faults (see mutate.cmake): the C++ headers: ends, moves, failures and ranges.

fault("C++: a journal's end does not close it" include/segjournal/cpp/journal.hpp "cpp/handles"
    [==[            static_cast<void>(try_close().ok());]==]
    [==[            oversized_abandon(give());]==])

fault("C++: a journal that is busy is given up" include/segjournal/cpp/journal.hpp "cpp/handles"
    [==[        if (status != SEGJ_ERR_BUSY)
            give();]==]
    [==[        give();]==])

fault("C++: an assignment forgets the journal that was there" include/segjournal/cpp/journal.hpp "cpp/handles"
    [==[        journal before(std::move(other));
        exchange(before);]==]
    [==[        give();
        exchange(other);]==])

fault("C++: a view that is assigned to goes on showing" include/segjournal/cpp/bytes.hpp "cpp/calls"
    [==[            release();
            raw_ = std::exchange(other.raw_, oversized_view_t{});]==]
    [==[            raw_ = std::exchange(other.raw_, oversized_view_t{});]==])

fault("C++: a writer's end leaves the value open" include/segjournal/cpp/stream.hpp "cpp/streams"
    [==[    ~writer()
    {
        abandon();
    }]==]
    [==[    ~writer()
    {
        handle_ = nullptr;
    }]==])

fault("C++: a wrong value ends like a right one" include/segjournal/cpp/stream.hpp "cpp/streams"
    [==[        raise(failure_);
#else]==]
    [==[        return 0;
#else]==])

fault("C++: without exceptions a wrong value ends like a right one" include/segjournal/cpp/stream.hpp "cpp/no_exceptions"
    [==[        stream_.setstate(std::ios::badbit);]==]
    [==[        static_cast<void>(stream_);]==])

fault("C++: an entry's size is not looked at" include/segjournal/cpp/operations.hpp "cpp/calls"
    [==[        return entry.data == nullptr || entry.size == entry_size_;]==]
    [==[        return entry.data == nullptr || entry.size <= entry_size_;]==])

fault("C++: a batch keeps pointers to what it should copy" include/segjournal/cpp/gather.hpp "cpp/calls"
    [==[        from.data = free_;
        free_ += from.size;]==]
    [==[        free_ += from.size;]==])

fault("C++: a walk over one section goes on into the next" include/segjournal/cpp/walk.hpp "cpp/ranges"
    [==[        return !Bounded || now().section() == section_;]==]
    [==[        return !Bounded || now().section() >= section_;]==])

fault("C++: a range that is to end throws" include/segjournal/cpp/walk.hpp "cpp/ranges"
    [==[        if (!quiet_)
            told();]==]
    [==[        told();]==])

fault("C++: a failure of a walk looks like its end" include/segjournal/cpp/walk.hpp "cpp/ranges"
    [==[        if (status == SEGJ_END)
            return false;
        failure_ = failure::of(status);]==]
    [==[        if (status == SEGJ_END || status == SEGJ_ERR_PRUNED)
            return false;
        failure_ = failure::of(status);]==])

fault("C++: a result that is assigned keeps its old failure" include/segjournal/cpp/error.hpp "cpp/handles"
    [==[        std::swap(status_, other.status_);
        std::swap(code_, other.code_);]==]
    [==[        std::swap(status_, other.status_);]==])
