#include "database/writer_lock.h"

#include "common/file_lock.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <sys/xattr.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace hadeploy::svc {
namespace {

constexpr std::string_view kReplica = "<POSIX(";

/// The reachable replicas of a file on a Gluster volume, which lists each as "<POSIX(…) …>".
std::size_t reachable_replicas(const std::string& path) {
    std::array<char, 4096> text{};
    const ssize_t size = ::getxattr(path.c_str(), "glusterfs.pathinfo", text.data(), text.size());
    const std::string_view info(text.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
    std::size_t count = 0;
    for (auto at = info.find(kReplica); at != info.npos; at = info.find(kReplica, at + 1)) ++count;
    return count;
}

} // namespace

WriterLock::WriterLock(const std::string& directory) : path_(directory + "/entities.lock") {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), path_);
}

WriterLock::~WriterLock() {
    ::close(fd_);
}

bool WriterLock::try_lock() {
    if (!svc::try_lock(fd_)) return false;
    replicas_ = reachable_replicas(path_);
    return true;
}

bool WriterLock::is_held() {
    try {
        // The lock is its owner's already, so this only asks the replicas.
        return svc::try_lock(fd_);
    } catch (const std::system_error&) {
        return false;
    }
}

bool WriterLock::regained_replica() {
    const std::size_t before = std::exchange(replicas_, reachable_replicas(path_));
    return replicas_ > before;
}

} // namespace hadeploy::svc
