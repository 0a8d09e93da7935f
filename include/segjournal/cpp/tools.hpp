/**
 * @file segjournal/cpp/tools.hpp Looking into a journal: what lies in its files (segj::inspection), what can be saved
 * of them (segj::salvage()), and what it has done (segj::stats()).
 */
#ifndef SEGJOURNAL_CPP_TOOLS_HPP
#define SEGJOURNAL_CPP_TOOLS_HPP

#include <utility>

#include "segjournal/cpp/error.hpp"
#include "segjournal/cpp/operations.hpp"
#include "segjournal/tools.h"

namespace segj
{

/** What lies in a journal's files (oversized_inspect()). It reads the files alone and takes no lock. What it gives
 *  lives as long as it does.
 *
 *     const segj::inspection found(segj::config("events"));
 *     for (const oversized_look_t &section : found)
 *         std::cout << section.section << ": " << section.records << " records " << section.problem << '\n';
 */
class inspection
{
  public:
    static result<inspection> try_open(const oversized_config_t &config) noexcept
    {
        oversized_inspection_t *found = nullptr;
        const segj_status_t status = oversized_inspect(&config, &found);
        if (status != SEGJ_OK)
            return failure::of(status);
        return inspection(found);
    }

#if SEGJ_CPP_THROWS
    explicit inspection(const oversized_config_t &config) : inspection(try_open(config).value())
    {
    }
#endif

    inspection(inspection &&other) noexcept : found_(std::exchange(other.found_, nullptr))
    {
    }

    inspection &operator=(inspection &&other) noexcept
    {
        std::swap(found_, other.found_);
        return *this;
    }

    ~inspection()
    {
        oversized_inspection_free(found_);
    }

    /** What was found; not after a move. */
    const oversized_inspection_t *operator->() const noexcept
    {
        return found_;
    }

    const oversized_inspection_t &operator*() const noexcept
    {
        return *found_;
    }

    /** The sections, ascending by number. */
    const oversized_look_t *begin() const noexcept
    {
        return found_ != nullptr ? found_->sections : nullptr;
    }

    const oversized_look_t *end() const noexcept
    {
        return begin() + size();
    }

    /** The number of sections. */
    std::size_t size() const noexcept
    {
        return found_ != nullptr ? found_->section_count : 0;
    }

  private:
    explicit inspection(oversized_inspection_t *found) noexcept : found_(found)
    {
    }

    oversized_inspection_t *found_;
};

/** Takes what verifies out of a damaged journal into a new one: oversized_salvage(). */
inline result<oversized_salvaged_t> try_salvage(const oversized_config_t &source, const oversized_config_t &destination,
                                                const oversized_salvage_options_t *options = nullptr) noexcept
{
    oversized_salvaged_t told = {};
    return detail::answer(oversized_salvage(&source, &destination, options, &told), std::move(told));
}

#if SEGJ_CPP_THROWS
inline oversized_salvaged_t salvage(const oversized_config_t &source, const oversized_config_t &destination,
                                    const oversized_salvage_options_t *options = nullptr)
{
    return try_salvage(source, destination, options).value();
}
#endif

/** Options of a salvage, with their defaults: oversized_salvage_options_init(). */
inline oversized_salvage_options_t salvage_options() noexcept
{
    oversized_salvage_options_t options;
    oversized_salvage_options_init(&options);
    return options;
}

/** Tells what a journal has done since it was opened: oversized_stats(). */
inline result<oversized_stats_t> try_stats(const try_operations &journal) noexcept
{
    oversized_stats_t told = {};
    told.struct_size = sizeof told;
    return detail::answer(oversized_stats(journal.handle(), &told), std::move(told));
}

#if SEGJ_CPP_THROWS
inline oversized_stats_t stats(const try_operations &journal)
{
    return try_stats(journal).value();
}
#endif

/** Copies a journal, beside all that is done to it, or brings an earlier copy up to date: oversized_copy(). */
inline result<oversized_copied_t> try_copy(const try_operations &journal, const char *destination,
                                           const oversized_copy_options_t *options = nullptr) noexcept
{
    oversized_copied_t copied = {};
    return detail::answer(oversized_copy(journal.handle(), destination, options, &copied), std::move(copied));
}

/** Copies a journal that another process has open, from its files, beside whatever that process does:
 *  oversized_copy_beside(). */
inline result<oversized_copied_t> try_copy_beside(const oversized_config_t &source, const char *destination,
                                                  const oversized_copy_options_t *options = nullptr) noexcept
{
    oversized_copied_t copied{};
    return detail::answer(oversized_copy_beside(&source, destination, options, &copied), std::move(copied));
}

/** Copies records into the journal that a configuration opens or makes: oversized_copy_into(). */
inline result<oversized_copied_t> try_copy_into(const try_operations &journal, const oversized_config_t &config,
                                                const oversized_copy_options_t *options = nullptr) noexcept
{
    oversized_copied_t copied{};
    return detail::answer(oversized_copy_into(journal.handle(), &config, options, &copied), std::move(copied));
}

/** The options of a copy, with their defaults. */
inline oversized_copy_options_t copy_options() noexcept
{
    oversized_copy_options_t options;
    oversized_copy_options_init(&options);
    return options;
}

#if SEGJ_CPP_THROWS
inline oversized_copied_t copy(const try_operations &journal, const char *destination,
                               const oversized_copy_options_t *options = nullptr)
{
    return try_copy(journal, destination, options).value();
}
inline oversized_copied_t copy_beside(const oversized_config_t &source, const char *destination,
                                      const oversized_copy_options_t *options = nullptr)
{
    return try_copy_beside(source, destination, options).value();
}
inline oversized_copied_t copy_into(const try_operations &journal, const oversized_config_t &config,
                                    const oversized_copy_options_t *options = nullptr)
{
    return try_copy_into(journal, config, options).value();
}
#endif

} // namespace segj

#endif /* SEGJOURNAL_CPP_TOOLS_HPP */
