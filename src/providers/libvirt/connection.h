#pragma once

#include "providers/libvirt/handle.h"

#include <memory>
#include <mutex>
#include <string>

namespace hadeploy::libvirt {

/// The host in a connection URI; "" for this machine.
std::string host_of(const std::string& uri);

/// An open connection to a libvirt daemon. It may be used by several threads.
class Connection {
  public:
    /// @throws Error(unreachable) with the cause and a hint
    static std::shared_ptr<Connection> open(const std::string& uri);

    [[nodiscard]] virConnectPtr get() const { return handle_.get(); }
    [[nodiscard]] bool alive() const { return virConnectIsAlive(handle_.get()) == 1; }
    [[nodiscard]] const std::string& uri() const { return uri_; }
    /// Whether the daemon runs on this machine and so shares its files and memory.
    [[nodiscard]] bool local() const { return local_; }
    /// Whether it is libvirt's test driver, which has no real objects.
    [[nodiscard]] bool mock() const { return mock_; }
    /// Processor architecture of the host: "x86_64", "aarch64".
    [[nodiscard]] std::string arch() const;
    /// The host's memory in bytes.
    [[nodiscard]] std::int64_t memory() const;
    /// Whether libvirt offers KVM. Guests may still fail to run on it.
    [[nodiscard]] bool offers_kvm() const;
    /// Whether libvirt has an emulator for the processor architecture of its host.
    [[nodiscard]] bool has_emulator() const;

  private:
    /// Read on first use, because the daemon may take long to probe its emulators.
    struct Capabilities {
        std::string arch = "x86_64";
        bool kvm = false;
        bool emulator = false;
    };
    const Capabilities& capabilities() const;

    std::string uri_;
    ConnectHandle handle_;
    bool local_ = true;
    bool mock_ = false;
    mutable std::once_flag capabilities_read_;
    mutable Capabilities capabilities_;
};

} // namespace hadeploy::libvirt
