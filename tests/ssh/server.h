#pragma once

#include "core/value.h"

#include <filesystem>
#include <functional>
#include <string>
#include <sys/types.h>

namespace hadeploy::test {

/// A directory that is removed after the test.
class TempDir {
  public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    std::filesystem::path path;
};

/// Reproducible bytes of all values.
std::string some_bytes(std::uint32_t count);

/// A port of 127.0.0.1 that no program uses.
int free_port();

/// A real OpenSSH server on the loopback interface with its own keys, running for the lifetime of
/// the object. Needs root, because sshd needs it for root logins.
class SshServer {
  public:
    /// @param config  additional lines of sshd_config
    /// @param key_type  type of the host key: "ed25519", "rsa"
    /// @param in_child  called first in the process of the server, to give it another view of the
    /// machine
    explicit SshServer(const std::string& config = "", const std::string& key_type = "ed25519",
                       std::function<void()> in_child = {});
    ~SshServer();
    SshServer(const SshServer&) = delete;
    SshServer& operator=(const SshServer&) = delete;

    static bool possible();
    /// Connection settings; 127.0.0.1, or another address of the loopback network.
    Value connection(const std::string& address = "127.0.0.1") const;
    const std::filesystem::path& directory() const { return dir_.path; }
    std::string key_file() const { return (dir_.path / "user").string(); }
    int port() const { return port_; }
    void start();
    void stop();

  private:
    [[nodiscard]] pid_t spawn() const;

    TempDir dir_;
    std::string host_key_;
    std::function<void()> in_child_;
    int port_ = 0;
    pid_t pid_ = -1;
};

} // namespace hadeploy::test
