/**
 * @file segjournal/cpp/error.hpp
 * How a call of the C++ interface fails: segj::failure, segj::error and segj::result.
 *
 * A failure is a status with the library's sentence. It keeps a copy of the sentence, so it may be stored, moved and
 * read in any thread. There are two ways to meet one, and each call has both:
 *
 *     try_append(...)     answers with a result<T>: the value, or the failure. It never throws.
 *     append(...)         answers with the value, or throws segj::error, a std::system_error.
 *
 * Where exceptions are off (-fno-exceptions), the calls that throw are not declared.
 */
#ifndef SEGJOURNAL_CPP_ERROR_HPP
#define SEGJOURNAL_CPP_ERROR_HPP

#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "segjournal/status.h"

/** 1 where exceptions are on: the calls that throw are there. */
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define SEGJ_CPP_THROWS 1
#else
#define SEGJ_CPP_THROWS 0
#endif

/** Of what runs when something has failed: it stays out of the way of what goes well. */
#if defined(__GNUC__) || defined(__clang__)
#define SEGJ_CPP_COLD __attribute__((cold, noinline))
#else
#define SEGJ_CPP_COLD
#endif

/** Of what is to cost nothing over the call of C: a result that was made and looked at in one place is no result at all
 *  in the machine's code. Compilers do not all see that by themselves. */
#if defined(__GNUC__) || defined(__clang__)
#define SEGJ_CPP_HOT __attribute__((always_inline)) inline
#else
#define SEGJ_CPP_HOT inline
#endif

namespace segj
{

/** The category of std::error_code in which the statuses are. */
class status_category final : public std::error_category
{
  public:
    const char *name() const noexcept override
    {
        return "segjournal";
    }

    /** Gives the name of a status, for example "SEGJ_ERR_CORRUPT". */
    std::string message(int number) const override
    {
        return segj_status_name(static_cast<segj_status_t>(number));
    }

    /** Lets `error.code() == std::errc::no_space_on_device` hold where a status means the same as an errno value. */
    std::error_condition default_error_condition(int number) const noexcept override
    {
        switch (number) {
        case SEGJ_ERR_INVALID:
            return std::errc::invalid_argument;
        case SEGJ_ERR_MEMORY:
            return std::errc::not_enough_memory;
        case SEGJ_ERR_IO:
            return std::errc::io_error;
        case SEGJ_ERR_NO_SPACE:
            return std::errc::no_space_on_device;
        case SEGJ_ERR_LOCKED:
        case SEGJ_ERR_BUSY:
            return std::errc::device_or_resource_busy;
        case SEGJ_ERR_NOT_FOUND:
            return std::errc::no_such_file_or_directory;
        case SEGJ_ERR_TOO_LARGE:
            return std::errc::value_too_large;
        case SEGJ_ERR_READ_ONLY:
            return std::errc::read_only_file_system;
        default:
            return std::error_condition(number, *this);
        }
    }
};

/** Gives the category: one object in the program. Any thread. */
inline const std::error_category &category() noexcept
{
    static const status_category only;
    return only;
}

/**
 * Why a call failed. It owns a copy of the library's sentence. Where there was no memory for the copy, the sentence is
 * the name of the status. It is made by the call itself, in its own thread, and belongs to its caller alone.
 */
class failure
{
  public:
    /** No failure: SEGJ_OK. */
    failure() noexcept = default;

    /** A failure with a sentence of its own. */
    failure(segj_status_t why, const char *sentence, int code = 0) noexcept : status_(why), code_(code)
    {
        if (why == SEGJ_OK)
            return;
        const std::size_t size = std::strlen(sentence) + 1;
        text_ = static_cast<char *>(std::malloc(size));
        if (text_ != nullptr)
            std::memcpy(text_, sentence, size);
    }

    /** The failure of the call of the library that this thread has just made. */
    SEGJ_CPP_COLD static failure of(segj_status_t why) noexcept
    {
        return failure(why, segj_last_error(), segj_last_errno());
    }

    failure(const failure &other) noexcept : failure(other.status_, other.message(), other.code_)
    {
    }

    failure(failure &&other) noexcept
        : status_(other.status_), code_(other.code_), text_(std::exchange(other.text_, nullptr))
    {
    }

    failure &operator=(failure other) noexcept
    {
        std::swap(status_, other.status_);
        std::swap(code_, other.code_);
        std::swap(text_, other.text_);
        return *this;
    }

    ~failure()
    {
        if (status_ != SEGJ_OK) // asks for what a caller has just seen, so that compilers leave it out
            std::free(text_);
    }

    /** Returns the status: SEGJ_OK where there is no failure. */
    segj_status_t status() const noexcept
    {
        return status_;
    }

    /** Returns the errno value of the storage from which the failure came; 0 where it came from none. */
    int storage_errno() const noexcept
    {
        return code_;
    }

    /** Returns the sentence. It lives as long as the failure. */
    const char *message() const noexcept
    {
        return text_ != nullptr ? text_ : segj_status_name(status_);
    }

    /** Returns the status as an error code of segj::category(). */
    std::error_code code() const noexcept
    {
        return {status_, category()};
    }

  private:
    segj_status_t status_ = SEGJ_OK;
    int code_ = 0;
    char *text_ = nullptr;
};

/** What the calls that throw throw. code() is the status in segj::category(); what() is the library's sentence. */
class error : public std::system_error
{
  public:
    explicit error(const failure &why)
        : std::system_error(why.code()), sentence_(why.message()), storage_errno_(why.storage_errno())
    {
    }

    const char *what() const noexcept override
    {
        return sentence_.what();
    }

    /** Returns the status. */
    segj_status_t status() const noexcept
    {
        return static_cast<segj_status_t>(code().value());
    }

    /** Returns the errno value of the storage from which the failure came; 0 where it came from none. */
    int storage_errno() const noexcept
    {
        return storage_errno_;
    }

  private:
    std::runtime_error sentence_; // a string whose copies do not throw
    int storage_errno_;
};

#if SEGJ_CPP_THROWS
/** Throws a failure as segj::error. */
[[noreturn]] SEGJ_CPP_COLD inline void raise(const failure &why)
{
    throw error(why);
}
#endif

/**
 * What a call answers that does not throw: a value, or a failure. It is moved, not copied.
 *
 *     segj::result<std::uint64_t> position = journal.try_append(7, "an entry", "a value");
 *     if (!position)
 *         return std::fprintf(stderr, "%s\n", position.message()), 1;
 *     std::printf("%ju\n", std::uintmax_t{*position});
 */
template <class T> class [[nodiscard]] result
{
  public:
    result(T &&value) noexcept(std::is_nothrow_move_constructible_v<T>) : value_(std::move(value))
    {
    }

    result(const T &value) noexcept(std::is_nothrow_copy_constructible_v<T>) : value_(value)
    {
    }

    /** why.status() is not SEGJ_OK. */
    result(failure &&why) noexcept : failure_(std::move(why))
    {
    }

    result(result &&other) noexcept(std::is_nothrow_move_constructible_v<T>) : failure_(std::move(other.failure_))
    {
        if (ok())
            ::new (static_cast<void *>(&value_)) T(std::move(other.value_));
    }

    result &operator=(result &&other) noexcept(std::is_nothrow_move_constructible_v<T>)
    {
        if (this != &other) {
            this->~result();
            ::new (static_cast<void *>(this)) result(std::move(other));
        }
        return *this;
    }

    ~result()
    {
        if (ok())
            value_.~T();
    }

    /** Whether there is a value. */
    bool ok() const noexcept
    {
        return failure_.status() == SEGJ_OK;
    }

    explicit operator bool() const noexcept
    {
        return ok();
    }

    /** The value; only where ok(). */
    T &operator*() &noexcept
    {
        return value_;
    }

    const T &operator*() const &noexcept
    {
        return value_;
    }

    T &&operator*() &&noexcept
    {
        return std::move(value_);
    }

    T *operator->() noexcept
    {
        return &value_;
    }

    const T *operator->() const noexcept
    {
        return &value_;
    }

    /** The value, or another one where there is none. */
    T value_or(T other) &&
    {
        return ok() ? std::move(value_) : std::move(other);
    }

    /** SEGJ_OK, or why there is no value. */
    segj_status_t status() const noexcept
    {
        return failure_.status();
    }

    /** The sentence, which lives as long as the result; only where not ok(). */
    const char *message() const noexcept
    {
        return failure_.message();
    }

    /** The failure; its status is SEGJ_OK where there is none. */
    const failure &why() const &noexcept
    {
        return failure_;
    }

    failure &&why() &&noexcept
    {
        return std::move(failure_);
    }

#if SEGJ_CPP_THROWS
    /** The value, or segj::error. */
    SEGJ_CPP_HOT T value() &&
    {
        if (!ok())
            raise(failure_);
        return std::move(value_);
    }

    T &value() &
    {
        if (!ok())
            raise(failure_);
        return value_;
    }
#endif

  private:
    failure failure_;
    union {
        T value_;
    };
};

/** What a call answers that has no value to give. */
template <> class [[nodiscard]] result<void>
{
  public:
    result() noexcept = default;

    result(failure &&why) noexcept : failure_(std::move(why))
    {
    }

    /** Whether the call went well. */
    bool ok() const noexcept
    {
        return failure_.status() == SEGJ_OK;
    }

    explicit operator bool() const noexcept
    {
        return ok();
    }

    /** SEGJ_OK, or why it did not. */
    segj_status_t status() const noexcept
    {
        return failure_.status();
    }

    /** The sentence, which lives as long as the result; only where not ok(). */
    const char *message() const noexcept
    {
        return failure_.message();
    }

    /** The failure; its status is SEGJ_OK where there is none. */
    const failure &why() const &noexcept
    {
        return failure_;
    }

    failure &&why() &&noexcept
    {
        return std::move(failure_);
    }

#if SEGJ_CPP_THROWS
    /** Throws segj::error where the call failed. */
    SEGJ_CPP_HOT void value() const
    {
        if (!ok())
            raise(failure_);
    }
#endif

  private:
    failure failure_;
};

namespace detail
{

/** A status as a result. */
SEGJ_CPP_HOT result<void> answer(segj_status_t status) noexcept
{
    if (status != SEGJ_OK)
        return failure::of(status);
    return {};
}

/** A status, and what the call has set, as a result. */
template <class T> SEGJ_CPP_HOT result<T> answer(segj_status_t status, T &&value) noexcept
{
    if (status != SEGJ_OK)
        return failure::of(status);
    return std::move(value);
}

} // namespace detail
} // namespace segj

/** Statuses are error codes: `error.code() == SEGJ_ERR_LOCKED`. */
inline std::error_code make_error_code(segj_status_t status) noexcept
{
    return {status, segj::category()};
}

template <> struct std::is_error_code_enum<segj_status_t> : std::true_type {
};

#endif /* SEGJOURNAL_CPP_ERROR_HPP */
