#pragma once

#include "core/file.h"
#include "ssh/real_host.h"

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

namespace hadeploy::test {

/// A real sshd in a mount namespace and with a host name of its own: its /etc, /var/lib,
/// /usr/local/bin and /mnt are directories of the test, which begin nearly empty.
struct OwnHost {
    OwnHost() {
        Provider& provider = *registry().provider("ssh");
        endpoint = provider.open(provider
                                     .endpoints(type_named("host.file"),
                                                Value::map({{"host", server.connection()}}),
                                                Value::map({}))
                                     .at(0),
                                 ProviderContext{});
    }
    static bool possible() {
        return SshServer::possible() &&
               run_process({.argv = {"unshare", "--mount", "--uts", "true"}}).status == 0;
    }
    Value config(std::initializer_list<std::pair<std::string_view, Value>> more) const {
        Value all = Value::map({{"host", server.connection()}});
        for (const auto& [key, value] : more) all = all.with(key, value);
        return all;
    }
    std::filesystem::path etc(const char* name) const { return dir.path / "etc" / name; }
    /// Runs a command as the host sees it.
    std::string run(const std::string& script) {
        Managed command(*endpoint, "host.command", config({{"run", script}}));
        const std::string out = command.create().text("stdout");
        command.remove();
        return out;
    }
    /// Whether nothing is left of the notes of changes.
    bool forgot() const {
        return !std::filesystem::exists(dir.path / "lib/hadeploy") ||
               std::filesystem::is_empty(dir.path / "lib/hadeploy");
    }

    struct Directories : TempDir {
        Directories() {
            for (const char* name : {"etc", "lib", "bin", "mnt"})
                std::filesystem::create_directory(path / name);
            // the links of Debian's awk and others
            if (std::filesystem::exists("/etc/alternatives"))
                std::filesystem::copy("/etc/alternatives", path / "etc/alternatives",
                                      std::filesystem::copy_options::recursive |
                                          std::filesystem::copy_options::copy_symlinks);
            for (const char* name : {"passwd", "group", "shadow", "nsswitch.conf"})
                if (std::filesystem::exists(std::filesystem::path("/etc") / name))
                    std::filesystem::copy_file(std::filesystem::path("/etc") / name,
                                               path / "etc" / name);
        }
    } dir;
    SshServer server{"", "ed25519", [this] { enter(); }};
    std::shared_ptr<OpenEndpoint> endpoint;

  private:
    void enter() const {
        const auto bind = [&](const char* name, const char* to) {
            return ::mount((dir.path / name).c_str(), to, nullptr, MS_BIND, nullptr) == 0;
        };
        if (::unshare(CLONE_NEWNS | CLONE_NEWUTS) != 0 ||
            ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            !bind("etc", "/etc") || !bind("lib", "/var/lib") || !bind("bin", "/usr/local/bin") ||
            !bind("mnt", "/mnt") || ::sethostname("before", 6) != 0)
            ::_exit(99);
    }
};

} // namespace hadeploy::test
