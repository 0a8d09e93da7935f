/**
 * @file segjournal/cpp/stream.hpp
 * Values larger than memory: the handles (segj::writer, segj::reader), and the same as std::ostream and std::istream
 * (segj::ostream, segj::istream).
 */
#ifndef SEGJOURNAL_CPP_STREAM_HPP
#define SEGJOURNAL_CPP_STREAM_HPP

#include <algorithm>
#include <cstdint>
#include <istream>
#include <ostream>
#include <streambuf>
#include <utility>

#include "segjournal/cpp/bytes.hpp"
#include "segjournal/cpp/error.hpp"
#include "segjournal/cpp/operations.hpp"
#include "segjournal/oversized.h"

namespace segj
{

/** A value on its way in (oversized_writer_open()). Its end without finish() abandons it: nothing was appended. It must
 *  end before its journal. One thread at a time uses it. */
class writer
{
  public:
    /** None. */
    writer() noexcept = default;

    /** Begins to append a value of `size` bytes, or of as many as come until its end (OVERSIZED_SIZE_UNKNOWN). Until it
     *  is finished or abandoned the section is SEGJ_ERR_BUSY. */
    static result<writer> try_open(journal_ref journal, std::uint64_t section, bytes entry, std::uint64_t size) noexcept
    {
        if (entry.size != journal.entry_size())
            return detail::wrong_entry("segj::writer", static_cast<bool>(journal), entry.size, journal.entry_size());
        writer begun;
        return detail::answer(oversized_writer_open(journal.handle(), section, entry.data, size, &begun.handle_),
                              std::move(begun));
    }

    /** Adds bytes to the value. */
    result<void> try_write(bytes data) noexcept
    {
        return detail::answer(oversized_writer_write(handle_, data.data, data.size));
    }

    /** Appends the record and gives its position, and where the value lies. There is no writer after it. */
    result<std::uint64_t> try_finish(oversized_location_t *location = nullptr) noexcept
    {
        std::uint64_t position = 0;
        return detail::answer(oversized_writer_finish(std::exchange(handle_, nullptr), &position, location),
                              std::move(position));
    }

#if SEGJ_CPP_THROWS
    writer(journal_ref journal, std::uint64_t section, bytes entry, std::uint64_t size)
        : writer(try_open(journal, section, entry, size).value())
    {
    }

    void write(bytes data)
    {
        try_write(data).value();
    }

    std::uint64_t finish(oversized_location_t *location = nullptr)
    {
        return try_finish(location).value();
    }
#endif

    /** Ends the writer. Nothing was appended. */
    void abandon() noexcept
    {
        oversized_writer_abandon(std::exchange(handle_, nullptr));
    }

    writer(writer &&other) noexcept : handle_(std::exchange(other.handle_, nullptr))
    {
    }

    /** Abandons what was there. */
    writer &operator=(writer &&other) noexcept
    {
        if (this != &other) {
            abandon();
            handle_ = std::exchange(other.handle_, nullptr);
        }
        return *this;
    }

    ~writer()
    {
        abandon();
    }

    oversized_writer_t *handle() const noexcept
    {
        return handle_;
    }

    /** Whether there is a writer: not after finish(), abandon() or a move. */
    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }

  private:
    oversized_writer_t *handle_ = nullptr;
};

/** A value on its way out (oversized_reader_open()). What it gives is unverified until it has given all of it, unless
 *  it was opened with verify_first. It must end before its journal. One thread at a time uses it. */
class reader
{
  public:
    /** None. */
    reader() noexcept = default;

    /** Begins to read the value at a location. */
    static result<reader> try_open(journal_ref journal, std::uint64_t section, oversized_location_t at,
                                   bool verify_first = false) noexcept
    {
        reader begun;
        return detail::answer(oversized_reader_open(journal.handle(), section, at, verify_first, &begun.handle_),
                              std::move(begun));
    }

    /** Gives the next bytes of the value and returns how many; 0 after the last one. A wrong value never comes to
     *  that. */
    result<std::size_t> try_read(space to) noexcept
    {
        std::size_t done = 0;
        const segj_status_t status = oversized_reader_read(handle_, to.data, to.size, &done);
        if (status == SEGJ_END)
            return std::size_t{0};
        return detail::answer(status, std::move(done));
    }

#if SEGJ_CPP_THROWS
    reader(journal_ref journal, std::uint64_t section, oversized_location_t at, bool verify_first = false)
        : reader(try_open(journal, section, at, verify_first).value())
    {
    }

    std::size_t read(space to)
    {
        return try_read(to).value();
    }
#endif

    /** Returns the bytes of the value; 0 where there is no reader. */
    std::uint64_t size() const noexcept
    {
        return oversized_reader_size(handle_);
    }

    reader(reader &&other) noexcept : handle_(std::exchange(other.handle_, nullptr))
    {
    }

    reader &operator=(reader &&other) noexcept
    {
        std::swap(handle_, other.handle_);
        return *this;
    }

    ~reader()
    {
        oversized_reader_close(handle_);
    }

    /** Ends the reader. */
    void close() noexcept
    {
        oversized_reader_close(std::exchange(handle_, nullptr));
    }

    oversized_reader_t *handle() const noexcept
    {
        return handle_;
    }

    /** Whether there is a reader: not after a close or a move. */
    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }

  private:
    oversized_reader_t *handle_ = nullptr;
};

namespace detail
{

/** Bytes that a stream gathers before it makes a call. */
inline constexpr std::size_t stream_piece = 4096;

class writer_buffer : public std::streambuf
{
  public:
    explicit writer_buffer(writer &&begun) noexcept : writer_(std::move(begun))
    {
        setp(piece_, piece_ + stream_piece);
    }

    result<std::uint64_t> finish(oversized_location_t *at) noexcept
    {
        if (!hand_on())
            return segj::failure(failure_);
        return writer_.try_finish(at);
    }

    const segj::failure &why() const noexcept
    {
        return failure_;
    }

  protected:
    int_type overflow(int_type character) override
    {
        if (!hand_on())
            return traits_type::eof();
        if (!traits_type::eq_int_type(character, traits_type::eof())) {
            *pptr() = traits_type::to_char_type(character);
            pbump(1);
        }
        return traits_type::not_eof(character);
    }

    std::streamsize xsputn(const char *from, std::streamsize count) override
    {
        if (count < epptr() - pptr()) {
            std::copy(from, from + count, pptr());
            pbump(static_cast<int>(count));
            return count;
        }
        return hand_on() && take({from, static_cast<std::size_t>(count)}) ? count : 0;
    }

    int sync() override
    {
        return hand_on() ? 0 : -1;
    }

  private:
    /** Gives the writer what was gathered. */
    bool hand_on() noexcept
    {
        const bytes gathered(pbase(), static_cast<std::size_t>(pptr() - pbase()));
        setp(piece_, piece_ + stream_piece);
        return take(gathered);
    }

    bool take(bytes data) noexcept
    {
        if (failure_.status() == SEGJ_OK && data.size > 0) {
            result<void> done = writer_.try_write(data);
            if (!done)
                failure_ = std::move(done).why();
        }
        return failure_.status() == SEGJ_OK;
    }

    writer writer_;
    segj::failure failure_;
    char piece_[stream_piece];
};

class reader_buffer : public std::streambuf
{
  public:
    reader_buffer(reader &&begun, std::ios &stream) noexcept : reader_(std::move(begun)), stream_(stream)
    {
    }

    const segj::failure &why() const noexcept
    {
        return failure_;
    }

    std::uint64_t size() const noexcept
    {
        return reader_.size();
    }

  protected:
    int_type underflow() override
    {
        if (gptr() == egptr()) {
            const std::size_t done = more({piece_, stream_piece});
            setg(piece_, piece_, piece_ + done);
        }
        return gptr() == egptr() ? traits_type::eof() : traits_type::to_int_type(*gptr());
    }

    std::streamsize xsgetn(char *to, std::streamsize count) override
    {
        std::streamsize given = std::min<std::streamsize>(count, egptr() - gptr());
        std::copy(gptr(), gptr() + given, to);
        gbump(static_cast<int>(given));
        while (given < count) {
            const std::size_t done = more({to + given, static_cast<std::size_t>(count - given)});
            if (done == 0)
                break;
            given += static_cast<std::streamsize>(done);
        }
        return given;
    }

    /** Bytes that are still to come; -1 after the last one. */
    std::streamsize showmanyc() override
    {
        const std::uint64_t left = reader_.size() - read_;
        return left > 0 ? static_cast<std::streamsize>(left) : -1;
    }

  private:
    /** Reads on: 0 at the end. A failure makes the stream bad: badbit, and segj::error where exceptions are on, which
     *  the stream's own functions take in. */
    std::size_t more(space to)
    {
        if (failure_.status() == SEGJ_OK) {
            result<std::size_t> done = reader_.try_read(to);
            if (done) {
                read_ += *done;
                return *done;
            }
            failure_ = std::move(done).why();
        }
#if SEGJ_CPP_THROWS
        static_cast<void>(stream_);
        raise(failure_);
#else
        stream_.setstate(std::ios::badbit);
        return 0;
#endif
    }

    reader reader_;
    std::ios &stream_;
    segj::failure failure_;
    std::uint64_t read_ = 0;
    char piece_[stream_piece];
};

} // namespace detail

/**
 * A std::ostream into a value whose size is known.
 *
 *     segj::ostream out(segj::writer(journal, 7, "an entry", size));
 *     out << file.rdbuf();
 *     position = out.finish();
 *
 * A failure sets badbit, and finish() gives it. The end without finish() abandons the value.
 */
class ostream : public std::ostream
{
  public:
    explicit ostream(writer begun) : std::ostream(nullptr), buffer_(std::move(begun))
    {
        rdbuf(&buffer_);
    }

    /** Appends the record and gives its position. Errors: as oversized_writer_finish(), or the first one of a write. */
    result<std::uint64_t> try_finish(oversized_location_t *location = nullptr) noexcept
    {
        return buffer_.finish(location);
    }

#if SEGJ_CPP_THROWS
    std::uint64_t finish(oversized_location_t *location = nullptr)
    {
        return try_finish(location).value();
    }
#endif

    /** The failure that made the stream bad; its status is SEGJ_OK where there is none. */
    const segj::failure &why() const noexcept
    {
        return buffer_.why();
    }

  private:
    detail::writer_buffer buffer_;
};

/**
 * A std::istream out of a value. It comes to its end (eof) only where the whole value had the right checksum. A failure
 * sets badbit; with exceptions(std::ios::badbit) segj::error is thrown, and by std::istreambuf_iterator always.
 */
class istream : public std::istream
{
  public:
    explicit istream(reader begun) : std::istream(nullptr), buffer_(std::move(begun), *this)
    {
        rdbuf(&buffer_);
    }

    /** Returns the bytes of the value. */
    std::uint64_t size() const noexcept
    {
        return buffer_.size();
    }

    /** The failure that made the stream bad; its status is SEGJ_OK where there is none. */
    const segj::failure &why() const noexcept
    {
        return buffer_.why();
    }

  private:
    detail::reader_buffer buffer_;
};

} // namespace segj

#endif /* SEGJOURNAL_CPP_STREAM_HPP */
