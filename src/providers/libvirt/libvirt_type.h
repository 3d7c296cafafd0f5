#pragma once

#include "provider_api/provider.h"
#include "providers/libvirt/inventory.h"

#include <functional>
#include <memory>
#include <mutex>

namespace hadeploy::libvirt {

/// Memory reserved for guests that are starting. The kernel does not count it as used yet, so
/// several guests that start at the same time would otherwise all see the same free memory.
class Reservations {
  public:
    /// Releases its reservation when destroyed.
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
    /// @throws Error(failed) if `available` bytes minus the reservations is not enough
    std::unique_ptr<Hold> take(std::int64_t bytes, std::int64_t available);

  private:
    std::mutex mutex_;
    std::int64_t held_ = 0;
};

/// The context of a change.
struct Session {
    const Connection& connection;
    const ProviderContext& context;
    Reservations& memory;
    std::function<void(std::string_view)> progress;

    /// @throws Interrupted after the second stop request of the user
    void check_stop() const {
        if (context.stop.stop_requested()) throw Interrupted();
    }
};

/// A type of libvirt objects. Its functions block and must be safe to call from several threads.
class LibvirtType : public ResourceType {
  public:
    LibvirtType() { provider = "libvirt"; }
    virtual Observation observe(const ReadRequest& request, Inventory& inventory) const = 0;
    /// Creates or updates the object to match `change.after` and returns its attributes. The object
    /// may be missing, incomplete or outdated.
    virtual Value make(Session& session, const Change& change) const = 0;
    /// Removes every object with the change's identity; does nothing if there is none.
    virtual void remove(Session& session, const Change& change) const = 0;
};

std::unique_ptr<ResourceType> network_type();
std::unique_ptr<ResourceType> pool_type();
std::unique_ptr<ResourceType> volume_type();
std::unique_ptr<ResourceType> domain_type();
std::unique_ptr<ResourceType> fault_type();

/// The text of Observation::foreign for an object with our name and a different UUID.
std::string foreign_text(std::string_view uuid);
/// The error for such an object during a change.
Error foreign_error(std::string_view kind, std::string_view name, std::string_view uuid);

} // namespace hadeploy::libvirt
