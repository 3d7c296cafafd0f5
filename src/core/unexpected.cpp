#include "core/unexpected.h"

#include "core/text.h"

#include <filesystem>
#include <fmt/format.h>
#include <new>

namespace hadeploy {

Error as_error(const std::exception& exception) {
    if (const auto* error = dynamic_cast<const Error*>(&exception)) return *error;
    if (dynamic_cast<const std::bad_alloc*>(&exception) != nullptr)
        return Error(ErrorKind::failed, "there is not enough memory")
            .with_hint("free memory, then run the command again");
    if (const auto* file = dynamic_cast<const std::filesystem::filesystem_error*>(&exception))
        return Error(ErrorKind::failed,
                     fmt::format("cannot use {}: {}", in_quotes(file->path1().string(), 4096),
                                 file->code().message()))
            .with_hint("check its permissions and those of its directory");
    return Error(ErrorKind::failed, fmt::format("unexpected: {}", exception.what()))
        .with_hint("this is a defect of hadeploy; please report it with the last lines of a log: "
                   "--log-level debug");
}

} // namespace hadeploy
