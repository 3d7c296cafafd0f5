#include "providers/ssh/files.h"

#include "embedded/scripts.h"
#include "providers/ssh/exec.h"
#include "providers/ssh/explain.h"
#include "providers/ssh/host.h"
#include "providers/ssh/place.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <optional>

namespace hadeploy::ssh {

namespace {
/// How long tar may print nothing, for example while it reads a file that compresses well.
constexpr std::chrono::minutes kQuiet{30};
constexpr std::size_t kMostMessages = 1u << 20; ///< bytes of standard error and of the report

std::string arguments(const FilesAt& files) {
    return fmt::format("set -- {} {}", shell_quote(files.path), files.mount_point ? "mount" : "''");
}

std::int64_t number(const Answer& answer, std::string_view key) {
    const std::string text = answer.first(key);
    std::int64_t out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc() || text.empty() || end != text.data() + text.size())
        throw Error(ErrorKind::failed, "the host's report about the archive is incomplete");
    return out;
}

/// @throws Error if tar failed
SavedFiles parse_report(const Login& login, const ArchiveStream& stream) {
    const Answer answer(stream.report());
    SavedFiles out{stream.compression(), number(answer, "entries"), {}};
    for (const std::string& line : lines(stream.report()))
        if (!line.starts_with("entries ") && !line.starts_with("status "))
            out.remarks.push_back(line);
    constexpr std::int64_t some_files_changed = 1; // exit status of tar, not an error
    if (const std::int64_t status = number(answer, "status"); status > some_files_changed) {
        std::string said;
        for (const std::string& line : out.remarks) said += line + "\n";
        throw explain_failure(login.name(), "saving the files", static_cast<int>(status), said);
    }
    return out;
}
} // namespace

ArchiveStream::ArchiveStream(std::string_view boundary, Take take)
    : mark_(fmt::format("\n{} ", boundary)), take_(std::move(take)) {}

void ArchiveStream::pass(std::string_view text) {
    if (part_ == Part::archive) take_(text);
    if (part_ == Part::report) report_ += text;
    if (report_.size() > kMostMessages)
        throw Error(ErrorKind::failed, "the host prints too many messages about the archive");
}

void ArchiveStream::feed(std::string_view piece) {
    buffer_ += piece;
    for (;;) {
        const std::size_t at = buffer_.find(mark_);
        if (at == std::string::npos) { // the end may be the beginning of a mark
            const std::size_t sure = buffer_.size() - std::min(buffer_.size(), mark_.size() - 1);
            pass(std::string_view(buffer_).substr(0, sure));
            buffer_.erase(0, sure);
            return;
        }
        const std::size_t end = buffer_.find('\n', at + mark_.size());
        pass(std::string_view(buffer_).substr(0, at));
        buffer_.erase(0, at);
        if (end == std::string::npos) return;
        const std::string label = buffer_.substr(mark_.size(), end - at - mark_.size());
        buffer_.erase(0, end - at + 1);
        if (part_ == Part::noise && label.starts_with("start ")) {
            part_ = Part::archive;
            compression_ = label.substr(label.find(' ') + 1);
        } else {
            part_ = part_ == Part::archive ? Part::report : Part::ended;
        }
    }
}

SavedFiles save_files(Pool& pool, const Login& login, const FilesAt& from,
                      const ArchiveStream::Take& take, const std::stop_token& stop) {
    const std::string boundary = make_boundary();
    const std::string script =
        fmt::format("{{\nhadeploy_boundary={}\n{}{}{}\n{}}}\n", boundary, scripts::framing_prologue,
                    place_functions(), arguments(from), scripts::files_save);
    pool.connect(login, stop);
    ArchiveStream stream(boundary, take);
    std::string said;
    const Shell root = shell(login);
    pool.run(login,
             {.command = root.command,
              .input = root.input + script,
              .quiet = kQuiet,
              .receive =
                  [&](bool err, std::string_view piece) {
                      if (!err)
                          stream.feed(piece);
                      else if (said.size() < kMostMessages)
                          said += piece;
                      return stream.complete();
                  }},
             stop);
    if (stream.complete()) return parse_report(login, stream);
    if (!stream.started() && !said.empty())
        throw explain_failure(login.name(), "saving the files", 1, said);
    throw explain_no_answer(login.name(), stream.started(), said);
}

void restore_files(Pool& pool, const Login& login, const FilesAt& to, const Archive& archive,
                   bool overwrite, const std::stop_token& stop) {
    const Section section{.script = fmt::format("{} {} {} {} {}\n{}", arguments(to),
                                                overwrite ? "overwrite" : "''", archive.offset + 1,
                                                archive.size, shell_quote(archive.compression),
                                                scripts::files_restore)};
    std::optional<SectionResult> result;
    const Outcome outcome = run_streaming(
        pool, login, section, archive.file,
        [&](std::size_t, SectionResult one) { result = std::move(one); }, stop);
    if (!result) throw outcome.broken.value_or(Error(ErrorKind::failed, "the host did not answer"));
    if (result->status != 0)
        throw explain_failure(login.name(), "restoring the files", result->status, result->err,
                              result->out);
}

} // namespace hadeploy::ssh
