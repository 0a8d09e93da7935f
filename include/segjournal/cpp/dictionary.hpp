/**
 * @file segjournal/cpp/dictionary.hpp
 * Dictionaries for small values, trained (segjournal/oversized/dictionary.h).
 *
 * A part of segjournal/oversized.hpp, which includes it.
 */
#ifndef SEGJOURNAL_CPP_DICTIONARY_HPP
#define SEGJOURNAL_CPP_DICTIONARY_HPP

#include <cstddef>
#include <cstdint>

#include "segjournal/cpp/bytes.hpp"
#include "segjournal/cpp/error.hpp"
#include "segjournal/cpp/operations.hpp"
#include "segjournal/oversized/dictionary.h"

namespace segj
{

/** Trains a dictionary for config.dictionary from values: oversized_train_dictionary(). */
inline result<buffer> try_train_dictionary(const segj_slice_t *values, std::size_t count, std::size_t size) noexcept
{
    buffer made;
    result<void> done = detail::answer(oversized_train_dictionary(values, count, size, made.raw()));
    if (!done)
        return std::move(done).why();
    return made;
}

/** The same from a section's values: oversized_train_section(). */
inline result<buffer> try_train_section(const try_operations &journal, std::uint64_t section, std::size_t size) noexcept
{
    buffer made;
    result<void> done = detail::answer(oversized_train_section(journal.handle(), section, size, made.raw()));
    if (!done)
        return std::move(done).why();
    return made;
}

#if SEGJ_CPP_THROWS
inline buffer train_dictionary(const segj_slice_t *values, std::size_t count, std::size_t size)
{
    return try_train_dictionary(values, count, size).value();
}

inline buffer train_section(const try_operations &journal, std::uint64_t section, std::size_t size)
{
    return try_train_section(journal, section, size).value();
}
#endif

} // namespace segj

#endif /* SEGJOURNAL_CPP_DICTIONARY_HPP */
