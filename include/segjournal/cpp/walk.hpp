/**
 * @file segjournal/cpp/walk.hpp
 * Walks over records and sections: the handle (segj::replay), and ranges for range-for and for algorithms
 * (segj::records, segj::section_records, segj::sections).
 */
#ifndef SEGJOURNAL_CPP_WALK_HPP
#define SEGJOURNAL_CPP_WALK_HPP

#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "segjournal/cpp/bytes.hpp"
#include "segjournal/cpp/error.hpp"
#include "segjournal/cpp/operations.hpp"
#include "segjournal/oversized.h"

namespace segj
{

/** A record that a walk has come to. Its entry and its value are the walk's, and valid until its next step. */
class record
{
  public:
    record() noexcept = default;

    std::uint64_t section() const noexcept
    {
        return item_.section;
    }

    std::uint64_t position() const noexcept
    {
        return item_.position;
    }

    /** Where the value lies. */
    oversized_location_t location() const noexcept
    {
        return item_.location;
    }

    std::string_view entry() const noexcept
    {
        return {static_cast<const char *>(item_.entry), item_.entry != nullptr ? entry_size_ : 0};
    }

    /** The entry as an object of its size; T() where the sizes differ. */
    template <class T> T entry_as() const noexcept
    {
        static_assert(std::is_trivially_copyable_v<T>, "its bytes cannot be set");
        T object = {};
        if (item_.entry != nullptr && entry_size_ == sizeof object)
            std::memcpy(&object, item_.entry, sizeof object);
        return object;
    }

    /** Reads the value, checked. Errors: as oversized_replay_value(); the walk continues after them. */
    SEGJ_CPP_HOT result<std::string_view> try_value() const noexcept
    {
        const void *data = nullptr;
        std::size_t size = 0;
        const segj_status_t status = oversized_replay_value(replay_, &data, &size);
        if (status != SEGJ_OK)
            return failure::of(status);
        return std::string_view(static_cast<const char *>(data), size);
    }

#if SEGJ_CPP_THROWS
    SEGJ_CPP_HOT std::string_view value() const
    {
        return try_value().value();
    }
#endif

  private:
    friend class replay;
    template <bool Bounded> friend class basic_records;

    oversized_item_t item_ = SEGJ_ZERO;
    oversized_replay_t *replay_ = nullptr;
    std::size_t entry_size_ = 0;
};

/** A walk over records (oversized_replay_open()). It must end before its journal. One thread at a time uses it. */
class replay
{
  public:
    /** None. */
    replay() noexcept = default;

    /** Begins at (section, position), oldest first. */
    static result<replay> try_open(journal_ref journal, std::uint64_t section, std::uint64_t position,
                                   std::size_t buffer = read_ahead) noexcept
    {
        replay walk(journal.entry_size());
        return detail::answer(oversized_replay_open(journal.handle(), section, position, buffer, &walk.now_.replay_),
                              std::move(walk));
    }

    /** Begins below (section, position), newest first. */
    static result<replay> try_open_back(journal_ref journal, std::uint64_t section, std::uint64_t position,
                                        std::size_t buffer = read_ahead) noexcept
    {
        replay walk(journal.entry_size());
        return detail::answer(
            oversized_replay_open_back(journal.handle(), section, position, buffer, &walk.now_.replay_),
            std::move(walk));
    }

    /** Gives the next record; nothing after the last one. After SEGJ_ERR_CORRUPT now() names the first record of the
     *  damaged page, and the next call continues after it. Errors: as oversized_replay_next(). */
    result<std::optional<record>> try_next() noexcept
    {
        const segj_status_t status = step();
        if (status == SEGJ_OK)
            return std::optional<record>(now_);
        if (status == SEGJ_END)
            return std::optional<record>();
        return failure::of(status);
    }

#if SEGJ_CPP_THROWS
    static replay open(journal_ref journal, std::uint64_t section, std::uint64_t position,
                       std::size_t buffer = read_ahead)
    {
        return try_open(journal, section, position, buffer).value();
    }

    static replay open_back(journal_ref journal, std::uint64_t section, std::uint64_t position,
                            std::size_t buffer = read_ahead)
    {
        return try_open_back(journal, section, position, buffer).value();
    }

    std::optional<record> next()
    {
        return try_next().value();
    }
#endif

    /** The record that the last step came to. */
    const record &now() const noexcept
    {
        return now_;
    }

    /** Goes to the next record, and answers as oversized_replay_next(). */
    segj_status_t step() noexcept
    {
        return oversized_replay_next(now_.replay_, &now_.item_);
    }

    replay(replay &&other) noexcept : now_(std::exchange(other.now_, record()))
    {
    }

    replay &operator=(replay &&other) noexcept
    {
        std::swap(now_, other.now_);
        return *this;
    }

    ~replay()
    {
        oversized_replay_close(now_.replay_);
    }

    /** Ends the walk. */
    void close() noexcept
    {
        oversized_replay_close(std::exchange(now_, record()).replay_);
    }

    /** Returns the handle, for calls of the C interface. It stays this object's. */
    oversized_replay_t *handle() const noexcept
    {
        return now_.replay_;
    }

    /** Whether there is a walk: not after a move or a close. */
    explicit operator bool() const noexcept
    {
        return now_.replay_ != nullptr;
    }

  private:
    explicit replay(std::size_t entry_size) noexcept
    {
        now_.entry_size_ = entry_size;
    }

    record now_;
};

namespace detail
{

/** What ranges that step by calls have in common: their iterators are those of a stream, which is read once. */
template <class Range, class Value> class steps
{
  public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Value;
    using difference_type = std::ptrdiff_t;
    using pointer = const Value *;
    using reference = const Value &;

    steps() noexcept = default;

    explicit steps(Range *range) noexcept : range_(range)
    {
    }

    reference operator*() const noexcept
    {
        return range_->now();
    }

    pointer operator->() const noexcept
    {
        return &range_->now();
    }

    steps &operator++()
    {
        if (!range_->step())
            range_ = nullptr;
        return *this;
    }

    void operator++(int)
    {
        ++*this;
    }

    friend bool operator==(const steps &left, const steps &right) noexcept
    {
        return left.range_ == right.range_;
    }

    friend bool operator!=(const steps &left, const steps &right) noexcept
    {
        return left.range_ != right.range_;
    }

  private:
    Range *range_ = nullptr; // NULL: the end
};

/** What a range makes of a failure: it throws, where it was made by a call that throws; or it ends, and keeps it. */
class outcome
{
  public:
    explicit outcome(bool quiet) noexcept : quiet_(quiet)
    {
    }

    SEGJ_CPP_COLD bool fail(segj_status_t status)
    {
        if (status == SEGJ_END)
            return false;
        failure_ = failure::of(status);
        if (!quiet_)
            told();
        return false;
    }

    void begin() noexcept
    {
        if (failure_.status() != SEGJ_OK)
            failure_ = failure();
    }

    const failure &why() const noexcept
    {
        return failure_;
    }

  private:
    void told() const
    {
#if SEGJ_CPP_THROWS
        raise(failure_);
#endif
    }

    failure failure_;
    bool quiet_;
};

} // namespace detail

/**
 * A walk over records as a range, which is read once.
 *
 *     for (const segj::record &record : journal.records())
 *         use(record.section(), record.position(), record.entry(), record.value());
 *
 * Where a step fails, a range of records() throws segj::error. One of try_records() ends; ask failed() after the loop.
 * A damaged page fails one step: begin() again continues after it. An iterator leads to its range, which must stay
 * where it is. The range must end before its journal. One thread at a time uses it.
 */
template <bool Bounded> class basic_records
{
  public:
    using iterator = detail::steps<basic_records, record>;

    /** Of a walk that has begun. Bounded: it ends where the section does. */
    basic_records(replay walk, bool quiet, std::uint64_t section = 0) noexcept
        : walk_(std::move(walk)), section_(section), outcome_(quiet)
    {
    }

    /** Goes to the next record. */
    iterator begin()
    {
        outcome_.begin();
        return iterator(step() ? this : nullptr);
    }

    iterator end() const noexcept
    {
        return iterator();
    }

    /** Whether the last loop ended at a failure. */
    bool failed() const noexcept
    {
        return why().status() != SEGJ_OK;
    }

    /** That failure. */
    const failure &why() const noexcept
    {
        return outcome_.why();
    }

    /** The record that the last step came to; after SEGJ_ERR_CORRUPT it names the first one of the damaged page. */
    const record &now() const noexcept
    {
        return walk_.now();
    }

    /** Goes to the next record; false where there is none, and after a failure. */
    bool step()
    {
        const segj_status_t status = walk_.step();
        if (status != SEGJ_OK)
            return outcome_.fail(status);
        return !Bounded || now().section() == section_;
    }

  private:
    replay walk_;
    std::uint64_t section_;
    detail::outcome outcome_;
};

/**
 * The numbers of the sections as a range, which asks for the next number at each step: a section that is made or
 * removed during the walk is seen or not. A step fails only where the journal has ended; what becomes of a failure, and
 * of iterators, is as for segj::basic_records. It may be gone through again.
 */
class sections
{
  public:
    using iterator = detail::steps<sections, std::uint64_t>;

    sections(journal_ref journal, bool back, bool quiet) noexcept : journal_(journal), back_(back), outcome_(quiet)
    {
    }

    iterator begin()
    {
        outcome_.begin();
        return iterator(moved(back_ ? oversized_newest_section(journal_.handle(), &now_)
                                    : oversized_oldest_section(journal_.handle(), &now_))
                            ? this
                            : nullptr);
    }

    iterator end() const noexcept
    {
        return iterator();
    }

    bool failed() const noexcept
    {
        return why().status() != SEGJ_OK;
    }

    const failure &why() const noexcept
    {
        return outcome_.why();
    }

    const std::uint64_t &now() const noexcept
    {
        return now_;
    }

    bool step()
    {
        return moved(back_ ? oversized_prev_section(journal_.handle(), now_, &now_)
                           : oversized_next_section(journal_.handle(), now_, &now_));
    }

  private:
    bool moved(segj_status_t status)
    {
        return status == SEGJ_OK || outcome_.fail(status);
    }

    journal_ref journal_;
    std::uint64_t now_ = 0;
    bool back_;
    detail::outcome outcome_;
};

// --- the calls that make them ---

inline result<records> try_operations::try_records(std::uint64_t section, std::uint64_t position,
                                                   std::size_t buffer) const noexcept
{
    result<replay> walk = replay::try_open(journal_ref(*this), section, position, buffer);
    if (!walk)
        return std::move(walk).why();
    return segj::records(*std::move(walk), true);
}

inline result<records> try_operations::try_records_back(std::uint64_t section, std::uint64_t position,
                                                        std::size_t buffer) const noexcept
{
    result<replay> walk = replay::try_open_back(journal_ref(*this), section, position, buffer);
    if (!walk)
        return std::move(walk).why();
    return segj::records(*std::move(walk), true);
}

inline result<section_records> try_operations::try_records_of(std::uint64_t section, std::uint64_t position,
                                                              std::size_t buffer) const noexcept
{
    result<replay> walk = replay::try_open(journal_ref(*this), section, position, buffer);
    if (!walk)
        return std::move(walk).why();
    return section_records(*std::move(walk), true, section);
}

inline result<sections> try_operations::try_sections() const noexcept
{
    return segj::sections(journal_ref(*this), false, true);
}

inline result<sections> try_operations::try_sections_back() const noexcept
{
    return segj::sections(journal_ref(*this), true, true);
}

#if SEGJ_CPP_THROWS
inline records operations::records(std::uint64_t section, std::uint64_t position, std::size_t buffer) const
{
    return segj::records(replay::open(*this, section, position, buffer), false);
}

inline records operations::records_back(std::uint64_t section, std::uint64_t position, std::size_t buffer) const
{
    return segj::records(replay::open_back(*this, section, position, buffer), false);
}

inline section_records operations::records_of(std::uint64_t section, std::uint64_t position, std::size_t buffer) const
{
    return section_records(replay::open(*this, section, position, buffer), false, section);
}

inline sections operations::sections() const
{
    return segj::sections(*this, false, false);
}

inline sections operations::sections_back() const
{
    return segj::sections(*this, true, false);
}
#endif

} // namespace segj

#endif /* SEGJOURNAL_CPP_WALK_HPP */
