/**
 * @file segjournal/cpp/journal.hpp
 * The journal itself (segj::journal), how it is opened (segj::config), callers, page caches and storages.
 */
#ifndef SEGJOURNAL_CPP_JOURNAL_HPP
#define SEGJOURNAL_CPP_JOURNAL_HPP

#include <cstdint>
#include <string>
#include <utility>

#include "segjournal/cpp/error.hpp"
#include "segjournal/cpp/operations.hpp"
#include "segjournal/oversized.h"
#include "segjournal/storage.h"
#include "segjournal/version.h"

namespace segj
{

/** How a long removal is followed: the fields of oversized_removal_options_t, with their defaults. */
struct removal_options : oversized_removal_options_t {
    removal_options() noexcept
    {
        oversized_removal_options_init(this);
    }
};

/** How a journal is opened: the fields of oversized_config_t, with their defaults. What they point to must stay until
 *  the journal is open, the storage and what `log` is called with until it is closed. */
struct config : oversized_config_t {
    config() noexcept
    {
        oversized_config_init(this);
    }

    explicit config(const char *path, std::uint32_t bytes_of_entry = 0) noexcept : config()
    {
        directory = path;
        entry_size = bytes_of_entry;
    }

    explicit config(const std::string &path, std::uint32_t bytes_of_entry = 0) noexcept
        : config(path.c_str(), bytes_of_entry)
    {
    }
    explicit config(std::string &&path, std::uint32_t bytes_of_entry = 0) = delete; // it must stay until the open

    /** Has each line of the log given to `sink(level, text)`. It is called from any thread that is in a call of the
     *  library; it must stay as long as the journal, and must not throw: that ends the program. */
    template <class Sink> void log_to(Sink &sink) noexcept
    {
        log_context = &sink;
        log = [](void *context, segj_log_level_t level, const char *message) noexcept {
            (*static_cast<Sink *>(context))(level, message);
        };
    }

    /** Gives the checkpoint of a state by its count of records: oversized_checkpoint_at(). */
    result<oversized_checkpoint_t> try_checkpoint_at(std::uint64_t oldest, std::uint64_t section,
                                                     std::uint64_t count) const noexcept
    {
        oversized_checkpoint_t state = {};
        return detail::answer(oversized_checkpoint_at(this, oldest, section, count, &state), std::move(state));
    }

#if SEGJ_CPP_THROWS
    oversized_checkpoint_t checkpoint_at(std::uint64_t oldest, std::uint64_t section, std::uint64_t count) const
    {
        return try_checkpoint_at(oldest, section, count).value();
    }
#endif
};

/**
 * A journal that this object owns. Its end closes it: everything that was appended is synced, and a failure of that is
 * told to the log alone. So call close() where you want to know. All that was made from a journal (views, readers,
 * writers, walks) must end before it: declare it first.
 */
class journal : public operations
{
  public:
    /** None. */
    journal() noexcept = default;

    /** Takes over a journal of the C interface. */
    explicit journal(oversized_t *handle) noexcept : operations(handle)
    {
    }

    /** Opens, locks and recovers a journal, or makes a new one: oversized_open(). */
    static result<journal> try_open(const oversized_config_t &config) noexcept
    {
        oversized_t *handle = nullptr;
        const segj_status_t status = oversized_open(&config, &handle);
        if (status != SEGJ_OK)
            return failure::of(status);
        return journal(handle);
    }

#if SEGJ_CPP_THROWS
    explicit journal(const oversized_config_t &config) : journal(try_open(config).value())
    {
    }
#endif

    journal(journal &&other) noexcept
    {
        exchange(other);
    }

    /** Closes the journal that was there, as its end does. */
    journal &operator=(journal &&other) noexcept
    {
        journal before(std::move(other));
        exchange(before);
        return *this;
    }

    ~journal()
    {
        if (handle() != nullptr)
            static_cast<void>(try_close().ok());
    }

    /** Syncs every section, unlocks and frees. There is no journal after it, whatever it answers. */
    result<void> try_close() noexcept
    {
        return detail::answer(oversized_close(give()));
    }

    /** Unlocks and frees without writing. */
    void abandon() noexcept
    {
        oversized_abandon(give());
    }

    /** Removes the journal's files. There is no journal after it, unless it answers SEGJ_ERR_BUSY. */
    result<void> try_destroy() noexcept
    {
        const segj_status_t status = oversized_destroy(handle());
        if (status != SEGJ_ERR_BUSY)
            give();
        return detail::answer(status);
    }

    /** The same in steps that can be followed and cancelled: oversized_destroy_with(). There is no journal after it,
     *  unless it answers SEGJ_ERR_BUSY or SEGJ_ERR_CANCELLED, or refuses the options. *removed: what was removed, after
     *  a failure too. */
    result<void> try_destroy(const oversized_removal_options_t &options,
                             oversized_removed_t *removed = nullptr) noexcept
    {
        const segj_status_t status = oversized_destroy_with(handle(), &options, removed);
        const bool stays = options.struct_size != sizeof options; // which is refused
        if (!stays && status != SEGJ_ERR_BUSY && status != SEGJ_ERR_CANCELLED)
            give();
        return detail::answer(status);
    }

#if SEGJ_CPP_THROWS
    void destroy(const oversized_removal_options_t &options, oversized_removed_t *removed = nullptr)
    {
        try_destroy(options, removed).value();
    }

    void close()
    {
        try_close().value();
    }

    void destroy()
    {
        try_destroy().value();
    }
#endif

    /** Gives the journal up to the C interface, which is to close it. */
    oversized_t *release() noexcept
    {
        return give();
    }
};

/**
 * A caller (oversized_caller_open()): all calls of the journal, and how the last of them failed. The failures of this
 * interface keep their own sentences, so C++ needs callers only where handles are shared with C. It may end before the
 * journal or after it.
 */
class caller : public operations
{
  public:
    static result<caller> try_open(const try_operations &journal) noexcept
    {
        oversized_t *handle = nullptr;
        const segj_status_t status = oversized_caller_open(journal.handle(), &handle);
        if (status != SEGJ_OK)
            return failure::of(status);
        return caller(handle);
    }

#if SEGJ_CPP_THROWS
    explicit caller(const try_operations &journal) : caller(try_open(journal).value())
    {
    }
#endif

    caller(caller &&other) noexcept
    {
        exchange(other);
    }

    caller &operator=(caller &&other) noexcept
    {
        caller before(std::move(other));
        exchange(before);
        return *this;
    }

    ~caller()
    {
        oversized_caller_close(handle());
    }

    /** Returns how the last call that failed did; NULL where there is no caller. It is the caller's own memory. */
    const segj_error_t *last_error() const noexcept
    {
        return oversized_caller_error(handle());
    }

  private:
    explicit caller(oversized_t *handle) noexcept : operations(handle)
    {
    }
};

/** A page cache that journals share: give config.page_cache its get(). Journals hold references of their own. */
class page_cache
{
  public:
    static result<page_cache> try_create(std::uint16_t page_size, std::uint32_t pages) noexcept
    {
        segj_page_cache_t *cache = nullptr;
        const segj_status_t status = segj_page_cache_create(page_size, pages, &cache);
        if (status != SEGJ_OK)
            return failure::of(status);
        return page_cache(cache);
    }

#if SEGJ_CPP_THROWS
    page_cache(std::uint16_t page_size, std::uint32_t pages) : page_cache(try_create(page_size, pages).value())
    {
    }
#endif

    page_cache(page_cache &&other) noexcept : cache_(std::exchange(other.cache_, nullptr))
    {
    }

    page_cache &operator=(page_cache &&other) noexcept
    {
        std::swap(cache_, other.cache_);
        return *this;
    }

    ~page_cache()
    {
        segj_page_cache_release(cache_);
    }

    segj_page_cache_t *get() const noexcept
    {
        return cache_;
    }

  private:
    explicit page_cache(segj_page_cache_t *cache) noexcept : cache_(cache)
    {
    }

    segj_page_cache_t *cache_;
};

/** A storage in memory, for tests: give config.storage its get(). It must end after its journals. */
class memory_storage
{
  public:
    static result<memory_storage> try_create() noexcept
    {
        segj_storage_t *storage = nullptr;
        const segj_status_t status = segj_storage_memory_create(&storage);
        if (status != SEGJ_OK)
            return failure::of(status);
        return memory_storage(storage);
    }

#if SEGJ_CPP_THROWS
    memory_storage() : memory_storage(try_create().value())
    {
    }
#endif

    memory_storage(memory_storage &&other) noexcept : storage_(std::exchange(other.storage_, nullptr))
    {
    }

    memory_storage &operator=(memory_storage &&other) noexcept
    {
        std::swap(storage_, other.storage_);
        return *this;
    }

    ~memory_storage()
    {
        segj_storage_memory_destroy(storage_);
    }

    const segj_storage_t *get() const noexcept
    {
        return storage_;
    }

  private:
    explicit memory_storage(segj_storage_t *storage) noexcept : storage_(storage)
    {
    }

    segj_storage_t *storage_;
};

/** Returns the storage of files of the system: segj_storage_posix(). */
inline const segj_storage_t *posix_storage() noexcept
{
    return segj_storage_posix();
}

/** Returns the version of the linked library as "MAJOR.MINOR.PATCH". */
inline const char *version() noexcept
{
    return segj_version();
}

} // namespace segj

#endif /* SEGJOURNAL_CPP_JOURNAL_HPP */
