#include "database/writer_lock.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <unistd.h>

namespace hadeploy::svc {
namespace {

std::runtime_error failure(const std::string& path, const char* operation) {
    return std::runtime_error(path + ": " + operation + ": " + std::strerror(errno));
}

} // namespace

WriterLock::WriterLock(const std::string& directory) : path_(directory + "/entities.lock") {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) throw failure(path_, "open");
}

WriterLock::~WriterLock() {
    ::close(fd_);
}

bool WriterLock::try_lock() {
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(fd_, F_SETLK, &whole) == 0) return true;
    if (errno == EACCES || errno == EAGAIN) return false;
    throw failure(path_, "lock");
}

} // namespace hadeploy::svc
