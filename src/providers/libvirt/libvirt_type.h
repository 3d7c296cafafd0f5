#pragma once

#include "provider_api/provider.h"
#include "providers/libvirt/inventory.h"

#include <functional>
#include <memory>
#include <mutex>

namespace hadeploy::libvirt {

/// Memory that guests which are just starting will take: the kernel does not count it as used yet,
/// so that three VMs starting at once would each believe that there is room.
class Reservations {
  public:
    /// Gives back what it holds when it goes.
    class Hold {
      public:
        Hold(Reservations& owner, std::int64_t bytes) : owner_(owner), bytes_(bytes) {}
        Hold(const Hold&) = delete;
        Hold& operator=(const Hold&) = delete;
        ~Hold();

      private:
        Reservations& owner_;
        std::int64_t bytes_;
    };
    /// @throws Error(failed) when `available` bytes less what others hold is not enough
    std::unique_ptr<Hold> take(std::int64_t bytes, std::int64_t available);

  private:
    std::mutex mutex_;
    std::int64_t held_ = 0;
};

/// What a change is made with.
struct Session {
    const Connection& connection;
    const ProviderContext& setting;
    Reservations& memory;
    std::function<void(std::string_view)> progress;

    /// @throws Interrupted when the user has asked twice to stop
    void check_stop() const {
        if (setting.stop.stop_requested()) throw Interrupted();
    }
};

/// A type whose objects libvirt holds. The three functions block; several threads may be in them.
class LibvirtType : public ResourceType {
  public:
    LibvirtType() { provider = "libvirt"; }
    virtual Observation observe(const ReadRequest& request, Inventory& inventory) const = 0;
    /// Create and update: brings the object from whatever is there of it (nothing, a half, an
    /// older form) to `change.after`, and returns its attributes.
    virtual Value make(Session& session, const Change& change) const = 0;
    /// Takes away all that carries the change's identity; fine when there is nothing.
    virtual void remove(Session& session, const Change& change) const = 0;
};

std::unique_ptr<ResourceType> network_type();
std::unique_ptr<ResourceType> pool_type();
std::unique_ptr<ResourceType> volume_type();
std::unique_ptr<ResourceType> domain_type();

/// What Observation::foreign says of an object that has our name and another's UUID.
std::string foreign_text(std::string_view uuid);
/// What is wrong when a change finds such an object.
Error foreign_error(std::string_view kind, std::string_view name, std::string_view uuid);

} // namespace hadeploy::libvirt
