/**
 * @file segjournal/cpp/bytes.hpp
 * Bytes that a call reads (segj::bytes), memory that a call fills (segj::space), and values that the library gives
 * (segj::buffer, segj::view).
 */
#ifndef SEGJOURNAL_CPP_BYTES_HPP
#define SEGJOURNAL_CPP_BYTES_HPP

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#if __has_include(<version>)
#include <version>
#endif
#if defined(__cpp_lib_span)
#include <span>
#endif

#include "segjournal/oversized.h"

namespace segj
{
namespace detail
{

template <class T>
inline constexpr bool is_byte = std::is_same_v<T, char> || std::is_same_v<T, unsigned char> ||
                                std::is_same_v<T, signed char> || std::is_same_v<T, std::byte>;

/** What C's std::data() gives a pointer of, to bytes: strings, views, spans, vectors and arrays of bytes. */
template <class Container, class = void> struct element {
    using type = void;
};

template <class Container>
struct element<Container, std::void_t<decltype(std::data(std::declval<Container &>())),
                                      decltype(std::size(std::declval<Container &>()))>> {
    using type = std::remove_pointer_t<decltype(std::data(std::declval<Container &>()))>;
};

template <class Container>
inline constexpr bool holds_bytes = is_byte<std::remove_cv_t<typename element<Container>::type>>;

template <class Container>
inline constexpr bool holds_space = holds_bytes<Container> && !std::is_const_v<typename element<Container>::type>;

} // namespace detail

/**
 * Bytes that a call reads: an entry, a value or a piece of one. It is made by itself of a string literal (without its
 * NUL), a const char * (up to its NUL), and whatever holds bytes one after the other: std::string, std::string_view,
 * std::vector, std::array and std::span of char or std::byte. It owns nothing, and is for arguments.
 */
struct bytes : segj_slice_t {
    constexpr bytes() noexcept : segj_slice_t{nullptr, 0}
    {
    }

    constexpr bytes(const void *first, std::size_t count) noexcept : segj_slice_t{first, count}
    {
    }

    /** A literal, without the NUL at its end; NULs inside it are taken. */
    template <std::size_t Count>
    constexpr bytes(const char (&literal)[Count]) noexcept
        : segj_slice_t{literal, literal[Count - 1] == '\0' ? Count - 1 : Count}
    {
    }

    /** How much of such an array is meant is not known: give std::string_view(array), or bytes(array, count). */
    template <std::size_t Count> bytes(char (&array)[Count]) = delete;

    /** A text that ends with a NUL. */
    template <class Pointer,
              class = std::enable_if_t<std::is_same_v<Pointer, const char *> || std::is_same_v<Pointer, char *>>>
    constexpr bytes(const Pointer &text) noexcept : segj_slice_t{text, std::string_view(text).size()}
    {
    }

    /** Whatever holds bytes one after the other. */
    template <class Container, class = void,
              class = std::enable_if_t<detail::holds_bytes<const Container> &&
                                       !std::is_same_v<std::remove_extent_t<Container>, char>>>
    constexpr bytes(const Container &container) noexcept : segj_slice_t{std::data(container), std::size(container)}
    {
    }
};

static_assert(sizeof(bytes) == sizeof(segj_slice_t), "an array of bytes is an array of slices");

/** The bytes of an object: of a structure that is an entry, for example. */
template <class T> bytes bytes_of(const T &object) noexcept
{
    static_assert(std::is_trivially_copyable_v<T>, "what is not trivially copyable is more than its bytes");
    return {&object, sizeof object};
}

/** Memory that a call fills: `size` bytes. It is made by itself of whatever holds bytes that may be changed. It owns
 *  nothing, and is for arguments. Where the text of a call says so, none ({}) leaves out what would be put there. */
struct space {
    void *data = nullptr;
    std::size_t size = 0;

    constexpr space() noexcept = default;

    constexpr space(void *first, std::size_t count) noexcept : data(first), size(count)
    {
    }

    template <class Container, class = std::enable_if_t<detail::holds_space<std::remove_reference_t<Container>> &&
                                                        (std::is_lvalue_reference_v<Container> ||
                                                         !std::is_same_v<Container, std::basic_string<char>>)>>
    constexpr space(Container &&container) noexcept : data(std::data(container)), size(std::size(container))
    {
    }
};

/** The memory of an object: of a structure that is an entry, for example. */
template <class T> space space_of(T &object) noexcept
{
    static_assert(std::is_trivially_copyable_v<T> && !std::is_const_v<T>, "its bytes cannot be set");
    return {&object, sizeof object};
}

namespace detail
{

/** How a value that the library gave is looked at. What it shows ends with it, so only one that has a name shows
 *  itself; str() copies. */
template <class Self> class contents
{
  public:
    const char *data() const &noexcept
    {
        return static_cast<const char *>(raw().data);
    }
    const char *data() const && = delete;

    std::size_t size() const noexcept
    {
        return raw().size;
    }

    bool empty() const noexcept
    {
        return size() == 0;
    }

    std::string_view text() const &noexcept
    {
        return {data(), size()};
    }
    std::string_view text() const && = delete;

    operator std::string_view() const &noexcept
    {
        return text();
    }
    operator std::string_view() const && = delete;

#if defined(__cpp_lib_span)
    std::span<const std::byte> span() const &noexcept
    {
        return {static_cast<const std::byte *>(raw().data), size()};
    }
    std::span<const std::byte> span() const && = delete;
#endif

    /** A copy. */
    std::string str() const
    {
        return std::string(static_cast<const char *>(raw().data), size());
    }

    friend bool operator==(const Self &left, const Self &right) noexcept
    {
        return left.text() == right.text();
    }

    friend bool operator==(const Self &left, std::string_view right) noexcept
    {
        return left.text() == right;
    }

    friend bool operator==(std::string_view left, const Self &right) noexcept
    {
        return left == right.text();
    }

    friend bool operator!=(const Self &left, const Self &right) noexcept
    {
        return !(left == right);
    }

    friend bool operator!=(const Self &left, std::string_view right) noexcept
    {
        return !(left == right);
    }

    friend bool operator!=(std::string_view left, const Self &right) noexcept
    {
        return !(left == right);
    }

    /** Writes the bytes to a std::ostream. */
    template <class Stream>
    friend auto operator<<(Stream &stream, const Self &self) -> decltype(stream << std::string_view())
    {
        return stream << self.text();
    }

  private:
    const auto &raw() const noexcept
    {
        return static_cast<const Self *>(this)->raw_;
    }
};

} // namespace detail

/** A value in memory of its own. Give the same buffer to many calls: its memory is used again. One thread at a time. */
class buffer : public detail::contents<buffer>
{
  public:
    buffer() noexcept = default;

    buffer(buffer &&other) noexcept : raw_(std::exchange(other.raw_, segj_buffer_t{}))
    {
    }

    buffer &operator=(buffer &&other) noexcept
    {
        std::swap(raw_, other.raw_);
        return *this;
    }

    ~buffer()
    {
        segj_buffer_free(&raw_);
    }

    /** Bytes of the allocation. */
    std::size_t capacity() const noexcept
    {
        return raw_.capacity;
    }

    /** The C structure, for calls of the C interface. */
    segj_buffer_t *raw() noexcept
    {
        return &raw_;
    }

  private:
    friend class detail::contents<buffer>;
    segj_buffer_t raw_ = SEGJ_ZERO;
};

/**
 * A value where it lies (oversized_view()). While it shows one, its section is not cut and not removed: such a change
 * is SEGJ_ERR_BUSY. So do not keep views for long, and let them end before the journal. Give the same view to many
 * calls: each gives back what it showed. One thread at a time.
 */
class view : public detail::contents<view>
{
  public:
    view() noexcept = default;

    view(view &&other) noexcept : raw_(std::exchange(other.raw_, oversized_view_t{}))
    {
    }

    view &operator=(view &&other) noexcept
    {
        if (this != &other) {
            release();
            raw_ = std::exchange(other.raw_, oversized_view_t{});
        }
        return *this;
    }

    ~view()
    {
        release();
    }

    /** Gives back what the view shows, and its memory. */
    void release() noexcept
    {
        oversized_view_release(&raw_);
    }

    /** The C structure, for calls of the C interface. */
    oversized_view_t *raw() noexcept
    {
        return &raw_;
    }

  private:
    friend class detail::contents<view>;
    oversized_view_t raw_ = SEGJ_ZERO;
};

} // namespace segj

#endif /* SEGJOURNAL_CPP_BYTES_HPP */
