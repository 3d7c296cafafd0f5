#pragma once

namespace hadeploy::svc {

/// Locks the whole file of this descriptor against other processes, until the file is closed.
/// Returns false if another process holds the lock. Throws std::system_error if the file system
/// cannot report this.
bool try_lock(int fd);

} // namespace hadeploy::svc
