#include "core/log.h"

#include "core/error.h"
#include "core/file.h"

#include <atomic>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <mutex>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hadeploy::log {

namespace {

/// Appends to a descriptor. spdlog's own file sinks open a file by name, follow links and use mode
/// 0644.
class DescriptorSink final : public spdlog::sinks::base_sink<std::mutex> {
  public:
    explicit DescriptorSink(Fd fd) : fd_(std::move(fd)) {}

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        // A full disk must not end a run, so the line is lost.
        [[maybe_unused]] const ssize_t written = ::write(fd_.get(), line.data(), line.size());
    }
    void flush_() override {}

  private:
    Fd fd_;
};

struct State {
    std::shared_ptr<spdlog::logger> logger;
    std::atomic<bool> on = false;
    std::mutex mutex;
    std::function<std::string(std::string_view)> redactor; ///< guarded by mutex
};

State& state() {
    static State the;
    return the;
}

spdlog::level::level_enum native(Level level) {
    switch (level) {
    case Level::trace: return spdlog::level::trace;
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
    }
    return spdlog::level::off;
}

Fd open_log(const std::filesystem::path& file) {
    if (file.empty()) return Fd(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
    Fd fd(::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                 0600));
    struct stat info = {};
    if (fd.get() < 0 || ::fstat(fd.get(), &info) != 0)
        throw Error(ErrorKind::failed, fmt::format("cannot open the log file {}: {}", file.string(),
                                                   std::strerror(errno)))
            .with_hint("choose a different file with --log-file");
    if (!S_ISREG(info.st_mode))
        throw Error(ErrorKind::failed,
                    fmt::format("the log file {} is not a regular file", file.string()))
            .with_hint("choose a different file with --log-file");
    return fd;
}

/// A value as one line: quotes and backslashes get a backslash, control characters are escaped.
std::string escaped_line(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\n')
            out += "\\n";
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        else if (c == '"' || c == '\\')
            (out += '\\') += c;
        else
            out += c;
    }
    return out;
}

} // namespace

std::optional<Level> parse_level(std::string_view name) {
    if (name == "trace") return Level::trace;
    if (name == "debug") return Level::debug;
    if (name == "info") return Level::info;
    if (name == "warn") return Level::warn;
    if (name == "error") return Level::error;
    return std::nullopt;
}

void start(Level least, const std::filesystem::path& file) {
    auto logger = std::make_shared<spdlog::logger>(
        "hadeploy", std::make_shared<DescriptorSink>(open_log(file)));
    logger->set_level(native(least));
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    state().logger = std::move(logger);
    state().on = true;
}

void set_redactor(std::function<std::string(std::string_view)> redactor) {
    const std::lock_guard lock(state().mutex);
    state().redactor = std::move(redactor);
}

std::string redacted(std::string_view text) {
    const std::lock_guard lock(state().mutex);
    return state().redactor ? state().redactor(text) : std::string(text);
}

bool enabled(Level level) {
    return state().on && state().logger->should_log(native(level));
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
    if (!enabled(level)) return;
    std::string line(event);
    const std::lock_guard lock(state().mutex);
    for (const Field& f : fields) {
        if (f.value.empty()) continue;
        // redacts before it escapes, because escapes would hide a secret from the redactor
        const std::string text = state().redactor ? state().redactor(f.value) : f.value;
        line += fmt::format(" {}=\"{}\"", f.name, escaped_line(text));
    }
    state().logger->log(native(level), spdlog::string_view_t(line.data(), line.size()));
}

} // namespace hadeploy::log
