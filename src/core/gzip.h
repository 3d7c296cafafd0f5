#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hadeploy {

/// Compresses to a gzip file (RFC 1952) without name and time, so with one version of zlib the same
/// data always gives the same bytes.
/// @throws Error(failed)
std::string gzip(std::string_view data);

/// Decompresses one gzip file or several concatenated ones.
/// @param most  maximum size of the result in bytes
/// @throws Error(failed) when the data is not in gzip format, is damaged or truncated, or the
///         result is larger than `most`
std::string gunzip(std::string_view file, std::size_t most);

} // namespace hadeploy
