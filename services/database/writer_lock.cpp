#include "database/writer_lock.h"

#include "common/file_lock.h"

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace hadeploy::svc {

WriterLock::WriterLock(const std::string& directory) {
    const std::string path = directory + "/entities.lock";
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), path);
}

WriterLock::~WriterLock() {
    ::close(fd_);
}

bool WriterLock::try_lock() {
    return svc::try_lock(fd_);
}

bool WriterLock::is_held() {
    try {
        // The lock is its owner's already, so this only asks the replicas.
        return svc::try_lock(fd_);
    } catch (const std::system_error&) {
        return false;
    }
}

} // namespace hadeploy::svc
