/**
 * @file segjournal/cpp/follow.hpp
 * Following a journal that another handle or process writes: segjournal/follow.h.
 */
#ifndef SEGJOURNAL_CPP_FOLLOW_HPP
#define SEGJOURNAL_CPP_FOLLOW_HPP

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "segjournal/cpp/error.hpp"
#include "segjournal/cpp/gather.hpp"
#include "segjournal/follow.h"

namespace segj
{

/** What a follower tells of. It ends with the follower's next call. */
class followed
{
  public:
    oversized_follow_kind_t kind() const noexcept
    {
        return raw_.kind;
    }

    std::uint64_t section() const noexcept
    {
        return raw_.section;
    }

    std::uint64_t position() const noexcept
    {
        return raw_.position;
    }

    bool synced() const noexcept
    {
        return raw_.synced;
    }

    std::string_view entry() const noexcept
    {
        return std::string_view(static_cast<const char *>(raw_.entry), raw_.entry_size);
    }

    std::string_view value() const noexcept
    {
        return std::string_view(static_cast<const char *>(raw_.value), raw_.value_size);
    }

    /** What C has of it. */
    const oversized_followed_t &raw() const noexcept
    {
        return raw_;
    }

  private:
    friend class follower;

    oversized_followed_t raw_ = SEGJ_ZERO;
};

/** Options of a follower, with their defaults: oversized_follow_options_init(). */
inline oversized_follow_options_t follow_options() noexcept
{
    oversized_follow_options_t options;
    oversized_follow_options_init(&options);
    return options;
}

/** Follows a journal (oversized_follow_open()). One thread at a time uses it, but for interrupt().
 *
 *     segj::follower tail(segj::config("events"));
 *     for (;;) {
 *         while (const auto what = tail.next())
 *             if (what->kind() == OVERSIZED_FOLLOW_RECORD)
 *                 std::cout << what->section() << ':' << what->position() << ' ' << what->value() << '\n';
 *         tail.wait();
 *     }
 */
class follower
{
  public:
    /** None. */
    follower() noexcept = default;

    static result<follower> try_open(const oversized_config_t &config,
                                     const oversized_follow_options_t *options = nullptr) noexcept
    {
        follower made;
        const segj_status_t status = oversized_follow_open(&config, options, &made.follower_);
        if (status != SEGJ_OK)
            return failure::of(status);
        return result<follower>(std::move(made));
    }

    /** Gives what comes next; nothing where nothing new is there. After an error now() names the record that it
     *  concerns. Errors: as oversized_follow_next(). */
    result<std::optional<followed>> try_next() noexcept
    {
        const segj_status_t status = oversized_follow_next(follower_, &now_.raw_);
        if (status == SEGJ_OK)
            return std::optional<followed>(now_);
        if (status == SEGJ_END)
            return std::optional<followed>();
        return failure::of(status);
    }

    /** Waits until there may be something new: true; false: the time is over. Errors: as oversized_follow_wait(). */
    result<bool> try_wait(std::uint32_t milliseconds = OVERSIZED_FOLLOW_FOREVER) noexcept
    {
        const segj_status_t status = oversized_follow_wait(follower_, milliseconds);
        if (status != SEGJ_OK && status != SEGJ_END)
            return failure::of(status);
        return status == SEGJ_OK;
    }

#if SEGJ_CPP_THROWS
    explicit follower(const oversized_config_t &config, const oversized_follow_options_t *options = nullptr)
        : follower(try_open(config, options).value())
    {
    }

    std::optional<followed> next()
    {
        return try_next().value();
    }

    bool wait(std::uint32_t milliseconds = OVERSIZED_FOLLOW_FOREVER)
    {
        return try_wait(milliseconds).value();
    }
#endif

    /** What the last try_next() came to. */
    const followed &now() const noexcept
    {
        return now_;
    }

    /** Ends the wait that is under way, or the next one; any thread: oversized_follow_interrupt(). */
    void interrupt() noexcept
    {
        oversized_follow_interrupt(follower_);
    }

    oversized_follower_t *handle() const noexcept
    {
        return follower_;
    }

    follower(follower &&other) noexcept
        : follower_(std::exchange(other.follower_, nullptr)), now_(std::exchange(other.now_, followed()))
    {
    }

    follower &operator=(follower &&other) noexcept
    {
        std::swap(follower_, other.follower_);
        std::swap(now_, other.now_);
        return *this;
    }

    ~follower()
    {
        oversized_follow_close(follower_);
    }

  private:
    oversized_follower_t *follower_ = nullptr;
    followed now_;
};

} // namespace segj

#endif /* SEGJOURNAL_CPP_FOLLOW_HPP */
