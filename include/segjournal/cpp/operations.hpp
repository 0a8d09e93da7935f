/**
 * @file segjournal/cpp/operations.hpp
 * The calls of a journal. segj::journal, segj::caller and segj::journal_ref have them all.
 */
#ifndef SEGJOURNAL_CPP_OPERATIONS_HPP
#define SEGJOURNAL_CPP_OPERATIONS_HPP

#include <cstdint>
#include <optional>
#include <utility>

#include "segjournal/cpp/bytes.hpp"
#include "segjournal/cpp/error.hpp"
#include "segjournal/cpp/gather.hpp"
#include "segjournal/oversized.h"

namespace segj
{

class journal_ref;
class sections;
template <bool Bounded> class basic_records;
using records = basic_records<false>;        /**< a walk over records */
using section_records = basic_records<true>; /**< a walk over the records of one section */

/** Bytes that a walk reads ahead where nothing else is said. */
inline constexpr std::size_t read_ahead = 65536;

/**
 * The calls that return a result. Each has the name of the C call in oversized.h after "try_"; what it does, its errors
 * and its threads are described there. Sizes of entries are checked: an entry of another size than config.entry_size is
 * SEGJ_ERR_INVALID. A call of an object that was moved away or closed is SEGJ_ERR_INVALID.
 *
 * What changes the journal needs an object that is not const.
 */
class try_operations
{
  public:
    // --- appending ---

    /** Appends a record and gives its position, and where the value lies. */
    SEGJ_CPP_HOT result<std::uint64_t> try_append(std::uint64_t section, bytes entry, bytes value,
                                                  oversized_location_t *location = nullptr) noexcept
    {
        if (entry.size != entry_size_)
            return wrong("segj::append", entry.size);
        std::uint64_t position = 0;
        return detail::answer(
            oversized_append(handle_, section, entry.data, value.data, value.size, &position, location),
            std::move(position));
    }

    /** Appends a record whose value comes in pieces: oversized_appendv(). */
    SEGJ_CPP_HOT result<std::uint64_t> try_append_pieces(std::uint64_t section, bytes entry, list<bytes> pieces,
                                                         oversized_location_t *location = nullptr) noexcept
    {
        if (entry.size != entry_size_)
            return wrong("segj::append_pieces", entry.size);
        std::uint64_t position = 0;
        return detail::answer(
            oversized_appendv(handle_, section, entry.data, pieces.data, pieces.size, &position, location),
            std::move(position));
    }

    /** Appends many records in one step, and gives the position of the first: oversized_append_batch(). `locations` has
     *  room for batch.size() of them. */
    SEGJ_CPP_HOT result<std::uint64_t> try_append(std::uint64_t section, const batch &batch,
                                                  oversized_location_t *locations = nullptr) noexcept
    {
        if (batch.entry_size() != entry_size_)
            return wrong("segj::append", batch.entry_size());
        std::uint64_t position = 0;
        return detail::answer(
            oversized_append_batch(handle_, section, batch.data(), batch.size(), &position, locations),
            std::move(position));
    }

    // --- making durable ---

    result<void> try_sync(std::uint64_t section) noexcept
    {
        return detail::answer(oversized_sync(handle_, section));
    }

    result<void> try_sync_all() noexcept
    {
        return detail::answer(oversized_sync_all(handle_));
    }

    result<void> try_sync_sections(list<std::uint64_t> sections) noexcept
    {
        return detail::answer(oversized_sync_sections(handle_, sections.data, sections.size));
    }

    result<oversized_ticket_t> try_sync_start(std::uint64_t section) noexcept
    {
        oversized_ticket_t started = {};
        return detail::answer(oversized_sync_start(handle_, section, &started), std::move(started));
    }

    result<void> try_sync_wait(const oversized_ticket_t &started) noexcept
    {
        return detail::answer(oversized_sync_wait(handle_, &started));
    }

    result<void> try_flush(std::uint64_t section) noexcept
    {
        return detail::answer(oversized_flush(handle_, section));
    }

    // --- reading ---

    /** Reads a value, and the entry where there is memory for it. */
    result<buffer> try_read(std::uint64_t section, std::uint64_t position, space entry = {}) const noexcept
    {
        buffer value;
        result<void> done = try_read(section, position, value, entry);
        if (!done)
            return std::move(done).why();
        return value;
    }

    /** The same into a buffer that is used again. */
    SEGJ_CPP_HOT result<void> try_read(std::uint64_t section, std::uint64_t position, buffer &value,
                                       space entry = {}) const noexcept
    {
        if (!fits(entry))
            return wrong("segj::read", entry.size);
        return detail::answer(oversized_read(handle_, section, position, entry.data, value.raw()));
    }

    /** Gives where the value of a record lies, and the entry where there is memory for it. */
    SEGJ_CPP_HOT result<oversized_location_t> try_get(std::uint64_t section, std::uint64_t position,
                                                      space entry = {}) const noexcept
    {
        if (!fits(entry))
            return wrong("segj::get", entry.size);
        oversized_location_t found = {};
        return detail::answer(oversized_get(handle_, section, position, entry.data, &found), std::move(found));
    }

    /** Gives the same of the section's last record; nothing where it has none. */
    result<std::optional<oversized_location_t>> try_last(std::uint64_t section, space entry = {}) const noexcept
    {
        if (!fits(entry))
            return wrong("segj::last", entry.size);
        oversized_location_t found = {};
        return maybe(oversized_last(handle_, section, entry.data, &found), found);
    }

    /** Reads the value at a location. */
    result<buffer> try_get_value(std::uint64_t section, oversized_location_t at) const noexcept
    {
        buffer value;
        result<void> done = try_get_value(section, at, value);
        if (!done)
            return std::move(done).why();
        return value;
    }

    /** The same into a buffer that is used again. */
    SEGJ_CPP_HOT result<void> try_get_value(std::uint64_t section, oversized_location_t at,
                                            buffer &value) const noexcept
    {
        return detail::answer(oversized_get_value(handle_, section, at, value.raw()));
    }

    /** Reads the values of the positions that were asked for. The failure is that of the first value that failed; each
     *  has its own status. */
    result<void> try_read_values(std::uint64_t section, values &wanted) const noexcept
    {
        if (!wanted.fits(entry_size_))
            return wrong("segj::read_values", wanted.entry_size());
        return detail::answer(
            oversized_read_values(handle_, section, wanted.data(), wanted.size(), wanted.memory().raw()));
    }

    /** Reads the values at the locations that were asked for. */
    result<void> try_get_values(std::uint64_t section, values &wanted) const noexcept
    {
        return detail::answer(
            oversized_get_values(handle_, section, wanted.data(), wanted.size(), wanted.memory().raw()));
    }

    /** Shows a value where it lies, and gives the entry where there is memory for it. */
    result<segj::view> try_view(std::uint64_t section, std::uint64_t position, space entry = {}) const noexcept
    {
        segj::view shown;
        result<void> done = try_view(section, position, shown, entry);
        if (!done)
            return std::move(done).why();
        return shown;
    }

    /** The same in a view that is used again. */
    SEGJ_CPP_HOT result<void> try_view(std::uint64_t section, std::uint64_t position, segj::view &shown,
                                       space entry = {}) const noexcept
    {
        if (!fits(entry))
            return wrong("segj::view", entry.size);
        return detail::answer(oversized_view(handle_, section, position, entry.data, shown.raw()));
    }

    /** Shows the value at a location. */
    result<segj::view> try_view_value(std::uint64_t section, oversized_location_t at) const noexcept
    {
        segj::view shown;
        result<void> done = try_view_value(section, at, shown);
        if (!done)
            return std::move(done).why();
        return shown;
    }

    /** The same in a view that is used again. */
    SEGJ_CPP_HOT result<void> try_view_value(std::uint64_t section, oversized_location_t at,
                                             segj::view &shown) const noexcept
    {
        return detail::answer(oversized_view_value(handle_, section, at, shown.raw()));
    }

    // --- walking: a range for range-for and algorithms (walk.hpp) ---

    /** The records from (section, position) on, oldest first. A loop over such a range ends at a failure; ask failed()
     *  after it. */
    result<segj::records> try_records(std::uint64_t section = 0, std::uint64_t position = 0,
                                      std::size_t buffer = read_ahead) const noexcept;

    /** The records below (section, position), newest first. */
    result<segj::records> try_records_back(std::uint64_t section = UINT64_MAX, std::uint64_t position = OVERSIZED_END,
                                           std::size_t buffer = read_ahead) const noexcept;

    /** The records of one section, from a position on. */
    result<section_records> try_records_of(std::uint64_t section, std::uint64_t position = 0,
                                           std::size_t buffer = read_ahead) const noexcept;

    // --- removing ---

    /** Removes the sections below this one, and gives whether there was any. */
    result<bool> try_prune(std::uint64_t min_section) noexcept
    {
        bool pruned = false;
        return detail::answer(oversized_prune(handle_, min_section, &pruned), std::move(pruned));
    }

    /** The same in steps that can be followed and cancelled: oversized_prune_with(). *removed: what was removed, after
     *  a failure too. */
    result<void> try_prune(std::uint64_t min_section, const oversized_removal_options_t &options,
                           oversized_removed_t *removed = nullptr) noexcept
    {
        return detail::answer(oversized_prune_with(handle_, min_section, &options, removed));
    }

    result<void> try_rewind(std::uint64_t section, std::uint64_t index_size) noexcept
    {
        return detail::answer(oversized_rewind(handle_, section, index_size));
    }

    result<void> try_rewind_section(std::uint64_t section, std::uint64_t index_size) noexcept
    {
        return detail::answer(oversized_rewind_section(handle_, section, index_size));
    }

    result<void> try_rewind_to(std::uint64_t section, std::uint64_t count) noexcept
    {
        return detail::answer(oversized_rewind_to(handle_, section, count));
    }

    result<void> try_rewind_section_to(std::uint64_t section, std::uint64_t count) noexcept
    {
        return detail::answer(oversized_rewind_section_to(handle_, section, count));
    }

    // --- asking ---

    result<std::uint64_t> try_size(std::uint64_t section) const noexcept
    {
        std::uint64_t size = 0;
        return detail::answer(oversized_size(handle_, section, &size), std::move(size));
    }

    result<std::uint64_t> try_count(std::uint64_t section) const noexcept
    {
        std::uint64_t count = 0;
        return detail::answer(oversized_count(handle_, section, &count), std::move(count));
    }

    result<bool> try_section_exists(std::uint64_t section) const noexcept
    {
        bool exists = false;
        return detail::answer(oversized_section_exists(handle_, section, &exists), std::move(exists));
    }

    result<std::uint64_t> try_value_size(std::uint64_t section) const noexcept
    {
        std::uint64_t size = 0;
        return detail::answer(oversized_value_size(handle_, section, &size), std::move(size));
    }

    /** Gives the smallest section number; nothing where there is no section. So do the three that follow. */
    result<std::optional<std::uint64_t>> try_oldest_section() const noexcept
    {
        std::uint64_t section = 0;
        return maybe(oversized_oldest_section(handle_, &section), section);
    }

    result<std::optional<std::uint64_t>> try_newest_section() const noexcept
    {
        std::uint64_t section = 0;
        return maybe(oversized_newest_section(handle_, &section), section);
    }

    result<std::optional<std::uint64_t>> try_next_section(std::uint64_t after) const noexcept
    {
        std::uint64_t section = 0;
        return maybe(oversized_next_section(handle_, after, &section), section);
    }

    result<std::optional<std::uint64_t>> try_prev_section(std::uint64_t before) const noexcept
    {
        std::uint64_t section = 0;
        return maybe(oversized_prev_section(handle_, before, &section), section);
    }

    /** The numbers of the sections, smallest first: a range, as above. */
    result<segj::sections> try_sections() const noexcept;

    /** The numbers of the sections, largest first. */
    result<segj::sections> try_sections_back() const noexcept;

    /** Returns the bytes of an entry. */
    std::size_t entry_size() const noexcept
    {
        return entry_size_;
    }

    /** Returns the bytes of a record: its entry and where its value lies. */
    std::size_t record_size() const noexcept
    {
        return oversized_record_size(handle_);
    }

    // --- failures and losses ---

    /** Returns what open found and did; zeros where there is no journal. `quarantine` lives as long as the journal. */
    oversized_recovery_t recovery() const noexcept
    {
        const oversized_recovery_t *const found = oversized_recovery(handle_);
        return found != nullptr ? *found : oversized_recovery_t{};
    }

    /** Returns the sentence of the failure that poisoned the journal, or NULL. It lives as long as the journal. */
    const char *poison() const noexcept
    {
        return oversized_error(handle_);
    }

    result<void> try_acknowledge_losses() noexcept
    {
        return detail::answer(oversized_acknowledge_losses(handle_));
    }

    result<void> try_discard_quarantine() noexcept
    {
        return detail::answer(oversized_discard_quarantine(handle_));
    }

    /** Returns the handle, for calls of the C interface. It stays this object's. */
    oversized_t *handle() const noexcept
    {
        return handle_;
    }

    /** Whether there is a journal: not after a move or a close. */
    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }

  protected:
    try_operations() noexcept = default;

    explicit try_operations(oversized_t *handle) noexcept
        : handle_(handle), entry_size_(handle != nullptr ? oversized_record_size(handle) - OVERSIZED_LOCATION_SIZE : 0)
    {
    }

    try_operations(const try_operations &) noexcept = default;
    try_operations &operator=(const try_operations &) noexcept = default;
    ~try_operations() = default;

    /** Takes the handle away from this object. */
    oversized_t *give() noexcept
    {
        entry_size_ = 0;
        return std::exchange(handle_, nullptr);
    }

    void exchange(try_operations &other) noexcept
    {
        std::swap(handle_, other.handle_);
        std::swap(entry_size_, other.entry_size_);
    }

    bool fits(space entry) const noexcept
    {
        return entry.data == nullptr || entry.size == entry_size_;
    }

    failure wrong(const char *call, std::size_t size) const noexcept
    {
        return detail::wrong_entry(call, handle_ != nullptr, size, entry_size_);
    }

  private:
    template <class T> static result<std::optional<T>> maybe(segj_status_t status, const T &found) noexcept
    {
        if (status == SEGJ_OK)
            return std::optional<T>(found);
        if (status == SEGJ_END)
            return std::optional<T>();
        return failure::of(status);
    }

    oversized_t *handle_ = nullptr;
    std::size_t entry_size_ = 0;
};

/** All calls: those of try_operations, and the same without "try_", which give the value itself or throw
 *  segj::error. */
class operations : public try_operations
{
  public:
#if SEGJ_CPP_THROWS
    SEGJ_CPP_HOT std::uint64_t append(std::uint64_t section, bytes entry, bytes value,
                                      oversized_location_t *location = nullptr)
    {
        return try_append(section, entry, value, location).value();
    }

    std::uint64_t append_pieces(std::uint64_t section, bytes entry, list<bytes> pieces,
                                oversized_location_t *location = nullptr)
    {
        return try_append_pieces(section, entry, pieces, location).value();
    }

    SEGJ_CPP_HOT std::uint64_t append(std::uint64_t section, const batch &batch,
                                      oversized_location_t *locations = nullptr)
    {
        return try_append(section, batch, locations).value();
    }

    void sync(std::uint64_t section)
    {
        try_sync(section).value();
    }

    void sync_all()
    {
        try_sync_all().value();
    }

    void sync_sections(list<std::uint64_t> sections)
    {
        try_sync_sections(sections).value();
    }

    oversized_ticket_t sync_start(std::uint64_t section)
    {
        return try_sync_start(section).value();
    }

    void sync_wait(const oversized_ticket_t &started)
    {
        try_sync_wait(started).value();
    }

    void flush(std::uint64_t section)
    {
        try_flush(section).value();
    }

    buffer read(std::uint64_t section, std::uint64_t position, space entry = {}) const
    {
        return try_read(section, position, entry).value();
    }

    SEGJ_CPP_HOT void read(std::uint64_t section, std::uint64_t position, buffer &value, space entry = {}) const
    {
        try_read(section, position, value, entry).value();
    }

    SEGJ_CPP_HOT oversized_location_t get(std::uint64_t section, std::uint64_t position, space entry = {}) const
    {
        return try_get(section, position, entry).value();
    }

    std::optional<oversized_location_t> last(std::uint64_t section, space entry = {}) const
    {
        return try_last(section, entry).value();
    }

    buffer get_value(std::uint64_t section, oversized_location_t at) const
    {
        return try_get_value(section, at).value();
    }

    SEGJ_CPP_HOT void get_value(std::uint64_t section, oversized_location_t at, buffer &value) const
    {
        try_get_value(section, at, value).value();
    }

    void read_values(std::uint64_t section, values &wanted) const
    {
        try_read_values(section, wanted).value();
    }

    void get_values(std::uint64_t section, values &wanted) const
    {
        try_get_values(section, wanted).value();
    }

    segj::view view(std::uint64_t section, std::uint64_t position, space entry = {}) const
    {
        return try_view(section, position, entry).value();
    }

    SEGJ_CPP_HOT void view(std::uint64_t section, std::uint64_t position, segj::view &shown, space entry = {}) const
    {
        try_view(section, position, shown, entry).value();
    }

    segj::view view_value(std::uint64_t section, oversized_location_t at) const
    {
        return try_view_value(section, at).value();
    }

    SEGJ_CPP_HOT void view_value(std::uint64_t section, oversized_location_t at, segj::view &shown) const
    {
        try_view_value(section, at, shown).value();
    }

    /** The records from (section, position) on, oldest first. Each step of a loop over such a range may throw. */
    segj::records records(std::uint64_t section = 0, std::uint64_t position = 0, std::size_t buffer = read_ahead) const;

    /** The records below (section, position), newest first. */
    segj::records records_back(std::uint64_t section = UINT64_MAX, std::uint64_t position = OVERSIZED_END,
                               std::size_t buffer = read_ahead) const;

    /** The records of one section, from a position on. */
    section_records records_of(std::uint64_t section, std::uint64_t position = 0,
                               std::size_t buffer = read_ahead) const;

    bool prune(std::uint64_t min_section)
    {
        return try_prune(min_section).value();
    }

    void prune(std::uint64_t min_section, const oversized_removal_options_t &options,
               oversized_removed_t *removed = nullptr)
    {
        try_prune(min_section, options, removed).value();
    }

    void rewind(std::uint64_t section, std::uint64_t index_size)
    {
        try_rewind(section, index_size).value();
    }

    void rewind_section(std::uint64_t section, std::uint64_t index_size)
    {
        try_rewind_section(section, index_size).value();
    }

    void rewind_to(std::uint64_t section, std::uint64_t count)
    {
        try_rewind_to(section, count).value();
    }

    void rewind_section_to(std::uint64_t section, std::uint64_t count)
    {
        try_rewind_section_to(section, count).value();
    }

    std::uint64_t size(std::uint64_t section) const
    {
        return try_size(section).value();
    }

    std::uint64_t count(std::uint64_t section) const
    {
        return try_count(section).value();
    }

    bool section_exists(std::uint64_t section) const
    {
        return try_section_exists(section).value();
    }

    std::uint64_t value_size(std::uint64_t section) const
    {
        return try_value_size(section).value();
    }

    std::optional<std::uint64_t> oldest_section() const
    {
        return try_oldest_section().value();
    }

    std::optional<std::uint64_t> newest_section() const
    {
        return try_newest_section().value();
    }

    std::optional<std::uint64_t> next_section(std::uint64_t after) const
    {
        return try_next_section(after).value();
    }

    std::optional<std::uint64_t> prev_section(std::uint64_t before) const
    {
        return try_prev_section(before).value();
    }

    /** The numbers of the sections, smallest first. */
    segj::sections sections() const;

    /** The numbers of the sections, largest first. */
    segj::sections sections_back() const;

    void acknowledge_losses()
    {
        try_acknowledge_losses().value();
    }

    void discard_quarantine()
    {
        try_discard_quarantine().value();
    }
#endif

  protected:
    operations() noexcept = default;

    explicit operations(oversized_t *handle) noexcept : try_operations(handle)
    {
    }

    explicit operations(const try_operations &other) noexcept : try_operations(other)
    {
    }

    operations(const operations &) noexcept = default;
    operations &operator=(const operations &) noexcept = default;
    ~operations() = default;
};

/** A journal that another object owns: to hand one on by value, also a caller, also a handle of the C interface. It
 *  must not be used after the journal has ended. */
class journal_ref : public operations
{
  public:
    explicit journal_ref(oversized_t *handle) noexcept : operations(handle)
    {
    }

    journal_ref(const try_operations &journal) noexcept : operations(journal)
    {
    }
};

} // namespace segj

#endif /* SEGJOURNAL_CPP_OPERATIONS_HPP */
