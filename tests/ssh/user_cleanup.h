#pragma once

#include "core/process.h"

#include <pwd.h>
#include <string>
#include <utility>

namespace hadeploy::test {

/// Removes a user of this machine when a test ends, also a failed one.
struct UserCleanup {
    std::string name;
    explicit UserCleanup(std::string user) : name(std::move(user)) {}
    UserCleanup(const UserCleanup&) = delete;
    UserCleanup& operator=(const UserCleanup&) = delete;
    ~UserCleanup() {
        // -f: a daemon of this machine may have the same number, such as nobody's
        if (::getpwnam(name.c_str())) run_process({.argv = {"userdel", "-f", name}});
    }
};

} // namespace hadeploy::test
