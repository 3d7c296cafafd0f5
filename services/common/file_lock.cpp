#include "common/file_lock.h"

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace hadeploy::svc {

bool try_lock(int fd) {
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(fd, F_SETLK, &whole) == 0) return true;
    if (errno == EACCES || errno == EAGAIN) return false;
    throw std::system_error(errno, std::generic_category(), "lock");
}

} // namespace hadeploy::svc
