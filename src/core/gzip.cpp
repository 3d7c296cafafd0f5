#include "core/gzip.h"

#include "core/error.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <limits>
#include <zlib.h>

namespace hadeploy {

namespace {

constexpr int kGzip =
    15 + 16; ///< zlib's windowBits: the largest window, plus 16 for the gzip format
constexpr int kUnknownSystem = 255;

Error gzip_failure(std::string message) {
    return {ErrorKind::failed, std::move(message)};
}

void feed(z_stream& stream, std::string_view data) {
    if (data.size() > std::numeric_limits<uInt>::max()) throw gzip_failure("more than 4 GiB");
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data())); // only read
    stream.avail_in = static_cast<uInt>(data.size());
}

/// Calls `step` (deflate() or inflate()) until it produces no more output. Appends the output to
/// `out`.
template<class Step>
int run(z_stream& stream, std::string& out, std::size_t most, Step step) {
    std::array<char, 1 << 15> buffer{};
    while (true) {
        stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
        stream.avail_out = static_cast<uInt>(buffer.size());
        const int code = step();
        const std::size_t made = buffer.size() - stream.avail_out;
        if (made > most - out.size())
            throw gzip_failure(fmt::format("the result is larger than {} MiB", most >> 20));
        out.append(buffer.data(), made);
        if (code != Z_OK || made == 0) return code;
    }
}

} // namespace

std::string gzip(std::string_view data) {
    z_stream stream{};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        throw gzip_failure("zlib is out of memory");
    struct Cleanup {
        z_stream& stream;
        ~Cleanup() { deflateEnd(&stream); }
    } const cleanup{stream};
    gz_header header{};
    header.os = kUnknownSystem;
    deflateSetHeader(&stream, &header);
    feed(stream, data);
    std::string out;
    const std::size_t most = std::numeric_limits<std::size_t>::max();
    if (run(stream, out, most, [&] { return deflate(&stream, Z_FINISH); }) != Z_STREAM_END)
        throw gzip_failure("zlib did not finish the stream");
    return out;
}

std::string gunzip(std::string_view file, std::size_t most) {
    z_stream stream{};
    if (inflateInit2(&stream, kGzip) != Z_OK) throw gzip_failure("zlib is out of memory");
    struct Cleanup {
        z_stream& stream;
        ~Cleanup() { inflateEnd(&stream); }
    } const cleanup{stream};
    feed(stream, file);
    std::string out;
    do {
        const int code = run(stream, out, most, [&] { return inflate(&stream, Z_NO_FLUSH); });
        if (code != Z_STREAM_END)
            throw gzip_failure(code == Z_OK || code == Z_BUF_ERROR
                                   ? "the data is truncated"
                                   : "the data is not in gzip format, or is damaged");
        inflateReset(&stream);
    } while (stream.avail_in > 0);
    return out;
}

} // namespace hadeploy
