#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hadeploy {

/// The data as a gzip file that holds neither a name nor a time: the same data always gives the
/// same bytes, as long as zlib is the same.
/// @throws Error(failed)
std::string gzip(std::string_view data);

/// The way back, of one gzip file or several one after the other.
/// @param most  bytes of the result
/// @throws Error(failed): not a gzip file, damaged or cut off, a result that is larger
std::string gunzip(std::string_view file, std::size_t most);

} // namespace hadeploy
