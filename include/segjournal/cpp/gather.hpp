/**
 * @file segjournal/cpp/gather.hpp
 * What is gathered for one call: records to be appended together (segj::batch), and values to be read together
 * (segj::values).
 */
#ifndef SEGJOURNAL_CPP_GATHER_HPP
#define SEGJOURNAL_CPP_GATHER_HPP

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

#include "segjournal/cpp/bytes.hpp"
#include "segjournal/cpp/error.hpp"
#include "segjournal/oversized.h"

namespace segj
{
namespace detail
{

/** The failure of a call that was given an entry of a wrong size. */
SEGJ_CPP_COLD inline failure wrong_entry(const char *call, bool open, std::size_t size, std::size_t expected) noexcept
{
    char sentence[160];
    if (open)
        std::snprintf(sentence, sizeof sentence, "%s: the entry has %zu bytes, expected %zu bytes (config.entry_size)",
                      call, size, expected);
    else
        std::snprintf(sentence, sizeof sentence, "%s: there is no journal: it was moved away or closed", call);
    return failure(SEGJ_ERR_INVALID, sentence);
}

/** The failure of memory that could not be had. */
SEGJ_CPP_COLD inline failure no_memory(std::size_t size) noexcept
{
    char sentence[96];
    std::snprintf(sentence, sizeof sentence, "out of memory: %zu bytes could not be allocated", size);
    return failure(SEGJ_ERR_MEMORY, sentence);
}

/** An array that grows, without exceptions. */
template <class T> class array
{
    static_assert(std::is_trivially_copyable_v<T>, "it is moved by realloc");

  public:
    array() noexcept = default;

    array(array &&other) noexcept
        : items_(std::exchange(other.items_, nullptr)), size_(std::exchange(other.size_, 0)),
          capacity_(std::exchange(other.capacity_, 0))
    {
    }

    array &operator=(array &&other) noexcept
    {
        std::swap(items_, other.items_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
        return *this;
    }

    ~array()
    {
        std::free(items_);
    }

    SEGJ_CPP_HOT result<void> add(const T &item) noexcept
    {
        if (size_ == capacity_ && !grow())
            return no_memory(capacity_ * 2 * sizeof(T));
        ::new (static_cast<void *>(items_ + size_)) T(item);
        size_++;
        return {};
    }

    void clear() noexcept
    {
        size_ = 0;
    }

    T *data() const noexcept
    {
        return items_;
    }

    std::size_t size() const noexcept
    {
        return size_;
    }

  private:
    SEGJ_CPP_COLD bool grow() noexcept
    {
        const std::size_t capacity = capacity_ == 0 ? 16 : capacity_ * 2;
        void *const grown = capacity > std::numeric_limits<std::size_t>::max() / sizeof(T)
                                ? nullptr
                                : std::realloc(static_cast<void *>(items_), capacity * sizeof(T));
        if (grown == nullptr)
            return false;
        items_ = static_cast<T *>(grown);
        capacity_ = capacity;
        return true;
    }

    T *items_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

/** Memory for copies that stay where they are. */
class copies
{
  public:
    copies() noexcept = default;

    copies(copies &&other) noexcept
        : last_(std::exchange(other.last_, nullptr)), free_(std::exchange(other.free_, nullptr)),
          left_(std::exchange(other.left_, 0))
    {
    }

    copies &operator=(copies &&other) noexcept
    {
        std::swap(last_, other.last_);
        std::swap(free_, other.free_);
        std::swap(left_, other.left_);
        return *this;
    }

    ~copies()
    {
        drop(last_);
    }

    /** Copies the bytes, and makes them lead to the copy. */
    result<void> copy(bytes &from) noexcept
    {
        if (from.size > left_) {
            const result<void> room = more(from.size);
            if (!room)
                return failure(room.why());
        }
        if (from.size > 0)
            std::memcpy(free_, from.data, from.size);
        from.data = free_;
        free_ += from.size;
        left_ -= from.size;
        return {};
    }

    /** Forgets the copies; the newest piece of memory stays. */
    void clear() noexcept
    {
        if (last_ == nullptr)
            return;
        drop(std::exchange(last_->before, nullptr));
        free_ = reinterpret_cast<char *>(last_ + 1);
        left_ = last_->size;
    }

  private:
    struct piece {
        piece *before;
        std::size_t size;
    };

    static void drop(piece *last) noexcept
    {
        while (last != nullptr)
            std::free(static_cast<void *>(std::exchange(last, last->before)));
    }

    result<void> more(std::size_t size) noexcept
    {
        size = size < least ? least : size;
        void *const memory = size > std::numeric_limits<std::size_t>::max() - sizeof(piece)
                                 ? nullptr
                                 : std::malloc(sizeof(piece) + size);
        if (memory == nullptr)
            return no_memory(size);
        last_ = ::new (memory) piece{last_, size};
        free_ = reinterpret_cast<char *>(last_ + 1);
        left_ = size;
        return {};
    }

    static constexpr std::size_t least = 65536 - sizeof(piece);
    piece *last_ = nullptr;
    char *free_ = nullptr;
    std::size_t left_ = 0;
};

} // namespace detail

/**
 * Records that are appended in one step: readers see all of them or none (oversized_append_batch()).
 *
 *     segj::batch batch(journal.entry_size());
 *     batch.add("an entry", "a value");
 *     batch.add("entry 02", line);
 *     journal.append(7, batch);
 *
 * add() copies the entry and the value. refer() copies nothing: both must stay until the batch is appended or cleared.
 * A batch may be appended any number of times. clear() empties it and keeps its memory. One thread at a time uses one.
 */
class batch
{
  public:
    explicit batch(std::size_t entry_size) noexcept : entry_size_(entry_size)
    {
    }

    /** Adds a record, copied. Errors: SEGJ_ERR_INVALID (the entry's size), SEGJ_ERR_MEMORY: nothing was added. */
    result<void> try_add(bytes entry, bytes value) noexcept
    {
        if (entry.size != entry_size_)
            return detail::wrong_entry("segj::batch::add", true, entry.size, entry_size_);
        result<void> done = copies_.copy(entry);
        if (done)
            done = copies_.copy(value);
        return done ? records_.add({entry.data, value.data, value.size}) : std::move(done);
    }

    /** Adds a record that stays where it is. Errors: as try_add(). */
    SEGJ_CPP_HOT result<void> try_refer(bytes entry, bytes value) noexcept
    {
        if (entry.size != entry_size_)
            return detail::wrong_entry("segj::batch::refer", true, entry.size, entry_size_);
        return records_.add({entry.data, value.data, value.size});
    }

#if SEGJ_CPP_THROWS
    void add(bytes entry, bytes value)
    {
        try_add(entry, value).value();
    }

    SEGJ_CPP_HOT void refer(bytes entry, bytes value)
    {
        try_refer(entry, value).value();
    }
#endif

    void clear() noexcept
    {
        records_.clear();
        copies_.clear();
    }

    const oversized_record_t *data() const noexcept
    {
        return records_.data();
    }

    std::size_t size() const noexcept
    {
        return records_.size();
    }

    bool empty() const noexcept
    {
        return size() == 0;
    }

    std::size_t entry_size() const noexcept
    {
        return entry_size_;
    }

  private:
    detail::array<oversized_record_t> records_;
    detail::copies copies_;
    std::size_t entry_size_;
};

/** One of many values that were read together. Its bytes live until the segj::values is read into again. */
struct value : oversized_value_t {
    bool ok() const noexcept
    {
        return status == SEGJ_OK;
    }

    /** The value; "" where it could not be read. */
    std::string_view text() const noexcept
    {
        return {static_cast<const char *>(data), size};
    }
};

/**
 * Values that are read together (oversized_read_values(), oversized_get_values()).
 *
 *     segj::values values;
 *     values.want(3);
 *     values.want(4);
 *     journal.read_values(7, values);
 *     for (const segj::value &value : values)
 *         use(value.position, value.text());
 *
 * The values own the memory into which they are read, and use it again. One thread at a time uses one.
 */
class values
{
  public:
    /** Asks for the value of a record, and for its entry where there is memory for it, which must stay until it is
     *  read. Errors: SEGJ_ERR_MEMORY, SEGJ_ERR_INVALID (entries of different sizes). */
    SEGJ_CPP_HOT result<void> try_want(std::uint64_t position, space entry = {}) noexcept
    {
        if (entry.data != nullptr) {
            if (entry_size_ != none && entry.size != entry_size_)
                return detail::wrong_entry("segj::values::want", true, entry.size, entry_size_);
            entry_size_ = entry.size;
        }
        value wanted = {};
        wanted.position = position;
        wanted.entry = entry.data;
        return items_.add(wanted);
    }

    /** Asks for the value at a location. Errors: SEGJ_ERR_MEMORY. */
    result<void> try_want_value(oversized_location_t location) noexcept
    {
        value wanted = {};
        wanted.location = location;
        return items_.add(wanted);
    }

#if SEGJ_CPP_THROWS
    SEGJ_CPP_HOT void want(std::uint64_t position, space entry = {})
    {
        try_want(position, entry).value();
    }

    void want_value(oversized_location_t location)
    {
        try_want_value(location).value();
    }
#endif

    /** Forgets what was asked for; the memory stays. */
    void clear() noexcept
    {
        items_.clear();
        entry_size_ = none;
    }

    std::size_t size() const noexcept
    {
        return items_.size();
    }

    bool empty() const noexcept
    {
        return size() == 0;
    }

    value *data() noexcept
    {
        return items_.data();
    }

    value &operator[](std::size_t index) noexcept
    {
        return items_.data()[index];
    }

    const value &operator[](std::size_t index) const noexcept
    {
        return items_.data()[index];
    }

    const value *begin() const noexcept
    {
        return items_.data();
    }

    const value *end() const noexcept
    {
        return items_.data() + items_.size();
    }

    /** The memory into which they are read. */
    buffer &memory() noexcept
    {
        return memory_;
    }

    /** Whether the entries that are asked for have this size. */
    bool fits(std::size_t entry_size) const noexcept
    {
        return entry_size_ == none || entry_size_ == entry_size;
    }

    /** The size of the entries that are asked for; only where there are some. */
    std::size_t entry_size() const noexcept
    {
        return entry_size_;
    }

  private:
    static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
    static_assert(sizeof(value) == sizeof(oversized_value_t), "an array of them is one of the C interface");
    detail::array<value> items_;
    buffer memory_;
    std::size_t entry_size_ = none;
};

/** Pieces of one value, or numbers of sections: an array that a call looks at. It owns nothing, and is for
 *  arguments. */
template <class T> struct list {
    const T *data = nullptr;
    std::size_t size = 0;

    /** The items live as long as the expression in which they stand. */
    list(std::initializer_list<T> items) noexcept : size(items.size())
    {
        data = items.begin();
    }

    list(const T *first, std::size_t count) noexcept : data(first), size(count)
    {
    }

    template <class Container, class = std::enable_if_t<std::is_convertible_v<
                                   decltype(std::data(std::declval<const Container &>())), const T *>>>
    list(const Container &container) noexcept : data(std::data(container)), size(std::size(container))
    {
        static_assert(sizeof(*std::data(container)) == sizeof(T), "not an array of these");
    }
};

} // namespace segj

#endif /* SEGJOURNAL_CPP_GATHER_HPP */
