#pragma once

#include "core/file.h"
#include "providers/ssh/provider.h"
#include "ssh/host_case.h"
#include "ssh/server.h"
#include "support/has.h"

#include <doctest/doctest.h>
#include <initializer_list>
#include <iterator>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace hadeploy::test {

inline constexpr uid_t kUser = 65534; // nobody, which exists on every host

inline struct stat info_of(const std::filesystem::path& path) {
    struct stat info {};
    REQUIRE(::lstat(path.c_str(), &info) == 0);
    return info;
}

/// New files in the directory get an ACL by which this user can read and write them.
inline void give_default_acl(const std::filesystem::path& directory, uid_t user) {
    struct Entry {
        std::uint16_t tag, permissions;
        std::uint32_t id;
    };
    constexpr std::uint32_t none = 0xffffffff; // owner, user, group, mask, others (acl(5))
    const struct {
        std::uint32_t version = 2;
        Entry entries[5];
    } acl{.entries = {{1, 7, none}, {2, 7, user}, {4, 5, none}, {16, 7, none}, {32, 5, none}}};
    REQUIRE(::setxattr(directory.c_str(), "system.posix_acl_default", &acl, sizeof acl, 0) == 0);
}

inline bool has_acl(const std::filesystem::path& path) {
    return ::getxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) > 0 ||
           ::getxattr(path.c_str(), "system.posix_acl_default", nullptr, 0) > 0;
}

/// A home directory of a user, and files of root beside it, which must never change.
struct UserHome {
    UserHome() {
        ::chmod(dir.path.c_str(), 0755);
        home = dir.path / "home";
        std::filesystem::create_directory(home);
        give(home);
        std::filesystem::create_directory(dir.path / "etc");
        write_file(secret(), "root's own\n", 0600);
        write_file(keys(), "ssh-ed25519 ROOT root\n", 0600);
        Provider& provider = *registry().provider("ssh");
        endpoint = provider.open(provider
                                     .endpoints(type_named("host.file"),
                                                Value::map({{"host", server.connection()}}),
                                                Value::map({}))
                                     .at(0),
                                 ProviderContext{});
    }

    std::filesystem::path secret() const { return dir.path / "etc/shadow"; }
    std::filesystem::path keys() const { return dir.path / "etc/authorized_keys"; }
    static void give(const std::filesystem::path& path) {
        REQUIRE(::lchown(path.c_str(), kUser, kUser) == 0);
    }
    Value config(std::initializer_list<std::pair<std::string_view, Value>> more) const {
        Value all = Value::map({{"host", server.connection()}});
        for (const auto& [key, value] : more) all = all.with(key, value);
        return all;
    }
    /// Checks that the files of root are unchanged.
    void check_untouched() const {
        for (const std::filesystem::path& path : {secret(), keys(), dir.path / "etc"}) {
            INFO(path.string());
            const struct stat info = info_of(path);
            CHECK(info.st_uid == 0);
            CHECK((info.st_mode & 07777) == (path.filename() == "etc" ? 0755 : 0600));
        }
        CHECK(read_file(secret()) == "root's own\n");
        CHECK(read_file(keys()) == "ssh-ed25519 ROOT root\n");
        CHECK(std::distance(std::filesystem::directory_iterator(dir.path / "etc"), {}) == 2);
    }

    SshServer server;
    TempDir dir;
    std::filesystem::path home;
    std::shared_ptr<OpenEndpoint> endpoint;
};

template<typename What>
std::string message_of(What what) {
    try {
        what();
    } catch (const Error& error) {
        std::string all = error.message;
        for (const auto& note : error.notes) all += "\n" + note.text;
        return all;
    }
    return "(no error)";
}

} // namespace hadeploy::test
