#pragma once

#include "providers/libvirt/handle.h"

#include <memory>
#include <mutex>
#include <string>

namespace hadeploy::libvirt {

/// One open connection to a libvirt daemon. libvirt's connections may be used by several threads.
class Connection {
  public:
    /// @throws Error(unreachable) with the cause and what to do
    static std::shared_ptr<Connection> open(const std::string& uri);

    [[nodiscard]] virConnectPtr get() const { return handle_.get(); }
    [[nodiscard]] bool alive() const { return virConnectIsAlive(handle_.get()) == 1; }
    [[nodiscard]] const std::string& uri() const { return uri_; }
    /// The daemon runs on this machine, so that its files and its memory are this machine's.
    [[nodiscard]] bool local() const { return local_; }
    /// libvirt's test driver: nothing behind it is real.
    [[nodiscard]] bool mock() const { return mock_; }
    /// The host's processor: "x86_64", "aarch64".
    [[nodiscard]] std::string arch() const;
    /// The daemon has /dev/kvm. That alone does not say that guests run on it.
    [[nodiscard]] bool offers_kvm() const;

  private:
    /// Asked for when first needed: the daemon may take long to probe its emulators.
    struct Capabilities {
        std::string arch = "x86_64";
        bool kvm = false;
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
