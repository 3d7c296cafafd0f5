#include "logger/log_file.h"

#include "common/file_lock.h"
#include "common/text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hadeploy::svc {
namespace {

/// Longer than any line: names, IDs and nodes are limited.
constexpr off_t kTail = 64 * 1024;

[[noreturn]] void fail(const std::string& path, const char* what) {
    throw std::runtime_error(path + ": " + what + ": " + std::strerror(errno));
}

void sync_directory(const std::string& directory) {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) fail(directory, "open");
    const int failed = ::fsync(fd);
    ::close(fd);
    if (failed != 0) fail(directory, "sync");
}

std::int64_t seq_of(std::string_view line, const std::string& path) {
    constexpr std::string_view kKey = " seq=";
    const std::size_t start = line.find(kKey);
    const std::string_view rest =
        start == std::string_view::npos ? std::string_view() : line.substr(start + kKey.size());
    const auto seq = parse_integer(rest.substr(0, rest.find(' ')));
    if (!seq)
        throw std::runtime_error(path +
                                 ": the last line has no seq=N; to have the file written again "
                                 "from the database, move it away");
    return *seq;
}

} // namespace

std::string log_line_of(const Json& write) {
    return write.at("at").get<std::string>() +
           " seq=" + std::to_string(write.at("seq").get<std::int64_t>()) + " " +
           write.at("action").get<std::string>() +
           " name=" + quote(write.at("name").get<std::string>()) +
           " quantity=" + std::to_string(write.at("quantity").get<std::int64_t>()) +
           " total=" + std::to_string(write.at("total").get<std::int64_t>()) +
           " id=" + write.at("id").get<std::string>() +
           " node=" + quote(write.at("node").get<std::string>()) + "\n";
}

LogFile::LogFile(const std::string& directory) : path_(directory + "/entities.log") {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd_ < 0) fail(path_, "open");
    try {
        lock();
        find_end();
        sync_directory(directory);
    } catch (...) {
        ::close(fd_);
        throw;
    }
}

LogFile::~LogFile() {
    ::close(fd_);
}

void LogFile::lock() {
    if (!try_lock(fd_)) throw LogLocked(path_ + ": locked by another process");
}

void LogFile::find_end() {
    struct stat status {};
    if (::fstat(fd_, &status) != 0) fail(path_, "stat");
    const off_t from = std::max<off_t>(0, status.st_size - kTail);
    std::string tail(static_cast<std::size_t>(status.st_size - from), '\0');
    if (::pread(fd_, tail.data(), tail.size(), from) != static_cast<ssize_t>(tail.size()))
        fail(path_, "read");
    const std::size_t newline = tail.rfind('\n');
    const std::size_t whole = newline == std::string::npos ? 0 : newline + 1;
    if (whole != tail.size() && ::ftruncate(fd_, from + static_cast<off_t>(whole)) != 0)
        fail(path_, "cut off an unfinished line");
    if (whole == 0) return;
    const std::size_t before = newline == 0 ? std::string::npos : tail.rfind('\n', newline - 1);
    const std::size_t start = before == std::string::npos ? 0 : before + 1;
    last_ = seq_of(std::string_view(tail).substr(start, newline - start), path_);
}

void LogFile::append(const Json& writes) {
    std::string text;
    std::int64_t last = last_;
    for (const Json& write : writes) {
        const std::int64_t seq = write.at("seq");
        if (seq <= last) continue;
        if (seq != last + 1)
            throw RpcError("invalid", "write " + std::to_string(last + 1) + " is missing before " +
                                          std::to_string(seq));
        text += log_line_of(write);
        last = seq;
    }
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t wrote = ::write(fd_, text.data() + done, text.size() - done);
        if (wrote < 0 && errno != EINTR) fail(path_, "write");
        done += wrote > 0 ? static_cast<std::size_t>(wrote) : 0;
    }
    if (!text.empty() && ::fdatasync(fd_) != 0) fail(path_, "sync");
    last_ = last;
}

} // namespace hadeploy::svc
