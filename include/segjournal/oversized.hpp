/**
 * @file segjournal/oversized.hpp
 * The journal in C++17: oversized.h with handles that end by themselves, exceptions or results, and ranges.
 *
 *     segj::journal journal(segj::config("events", 8));        // a directory, and the bytes of an entry
 *     journal.append(7, "an entry", "a value");
 *     journal.sync(7);                                         // from here on it survives a power cut
 *     for (const segj::record &record : journal.records())
 *         std::cout << record.entry() << ": " << record.value() << '\n';
 *
 * These headers are all of it: nothing is compiled beside the library, and each call is one call of the C interface,
 * whose header says what it does. An object of this interface is the C handle and, for a journal, the size of its
 * entries. oversized.h stays usable beside it: handle() and raw() lead there.
 *
 * | here | there |
 * |---|---|
 * | segj::config | oversized_config_t |
 * | segj::journal, segj::journal_ref, segj::caller | oversized_t: owned, borrowed, a caller |
 * | segj::buffer, segj::view | segj_buffer_t, oversized_view_t |
 * | segj::batch, segj::values | arrays of oversized_record_t, oversized_read_request_t |
 * | segj::replay, segj::records, segj::section_records, segj::sections | oversized_replay_t; ranges |
 * | segj::writer, segj::reader, segj::ostream, segj::istream | oversized_writer_t, oversized_reader_t; streams |
 * | segj::page_cache, segj::memory_storage | segj_page_cache_t, segj_storage_memory_create() |
 * | segj::inspection, segj::stats() | oversized_inspect(), oversized_stats(): tools.h |
 * | segj::train_dictionary(), segj::train_section() | oversized_train_dictionary(), oversized_train_section() |
 * | segj::follower | oversized_follower_t: follow.h |
 * | segj::error, segj::result, segj::failure | segj_status_t and segj_last_error() |
 *
 * Errors. Each call has two names. append() gives the value itself or throws segj::error, a std::system_error whose
 * what() is the library's sentence. try_append() gives a segj::result and throws nothing. SEGJ_END is no failure: it is
 * an empty std::optional, or the end of a range. A failed call changes nothing that oversized.h does not tell of. With
 * -fno-exceptions the try_ calls alone are there.
 *
 * Ownership. Handles are moved and not copied; what was moved away is empty, and its calls are SEGJ_ERR_INVALID. Ends
 * do not throw: a journal's end closes it, a writer's end abandons the value. What was made from a journal must end
 * before it. Arguments (segj::bytes, segj::space) are looked at during the call alone. What a segj::buffer, a
 * segj::view or a segj::record shows ends with it, or with its next use.
 *
 * Threads. The calls of a journal may be made from any thread at any time, as in C. A result or an error belongs to
 * whoever has it; no sentence is left in the thread for others to find. One object of another kind is used by one
 * thread at a time, and so is a journal object while it is moved, closed or destroyed.
 */
#ifndef SEGJOURNAL_OVERSIZED_HPP
#define SEGJOURNAL_OVERSIZED_HPP

#if __cplusplus < 201703L
#error "segjournal/oversized.hpp needs C++17 (-std=c++17); segjournal/oversized.h has the same calls for older ones"
#endif

#include "segjournal/cpp/bytes.hpp"
#include "segjournal/cpp/dictionary.hpp"
#include "segjournal/cpp/error.hpp"
#include "segjournal/cpp/follow.hpp"
#include "segjournal/cpp/gather.hpp"
#include "segjournal/cpp/journal.hpp"
#include "segjournal/cpp/operations.hpp"
#include "segjournal/cpp/stream.hpp"
#include "segjournal/cpp/tools.hpp"
#include "segjournal/cpp/walk.hpp"

#endif /* SEGJOURNAL_OVERSIZED_HPP */
