#include "cli/report_file.h"

#include "core/error.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <string>
#include <system_error>
#include <unistd.h>

namespace hadeploy::cli {

namespace {
/// An empty file begins with anything.
bool begins_with(const std::filesystem::path& file, std::string_view begin) {
    std::ifstream in(file);
    std::string first(begin.size(), '\0');
    in.read(first.data(), static_cast<std::streamsize>(first.size()));
    return in.gcount() == 0 || first == begin;
}
} // namespace

void check_report_file(const std::filesystem::path& file, std::string_view begin) {
    namespace fs = std::filesystem;
    if (file.empty()) return;
    std::error_code ignored;
    const fs::path directory = file.has_parent_path() ? file.parent_path() : ".";
    if (!fs::is_directory(directory, ignored))
        throw Error(ErrorKind::usage,
                    fmt::format("{}: there is no directory {}", file.string(), directory.string()));
    const fs::file_status status = fs::status(file, ignored);
    if (fs::is_directory(status))
        throw Error(ErrorKind::usage, fmt::format("{} is a directory", file.string()));
    if (fs::exists(status) && !fs::is_regular_file(status)) // replacing a device would remove it
        throw Error(ErrorKind::usage, fmt::format("{} is not a regular file", file.string()))
            .with_hint("the file is replaced as a whole: name a regular or a new file");
    if (fs::exists(status) && !begins_with(file, begin))
        throw Error(ErrorKind::usage,
                    fmt::format("{} has other content than an earlier report", file.string()))
            .with_hint("choose another name, or remove the file first");
    if (::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) != 0)
        throw Error(ErrorKind::usage, fmt::format("{} cannot be written: {}", file.string(),
                                                  std::generic_category().message(errno)))
            .with_hint(
                fmt::format("the file is created in {} and then renamed", directory.string()));
}

} // namespace hadeploy::cli
