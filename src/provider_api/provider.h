#pragma once

#include "core/heap_optional.h"
#include "core/recorded_resource.h"
#include "core/results.h"
#include "provider_api/resource_type.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy {

/// A destination of reads and changes: one libvirt connection, one host, one AWS region. All
/// requests for the same key are passed together.
struct Endpoint {
    std::string key;     ///< unique, readable: "libvirt qemu:///system", "ssh ops@10.77.0.11"
    std::string machine; ///< address of the machine's resource; "" if none
    Value config;        ///< input of open(): the connection, or the provider's settings
};

struct ReadRequest {
    std::string address;
    const ResourceType* type = nullptr;
    Value config; ///< normalized; for a resource to be removed: as recorded
    const RecordedResource* recorded = nullptr; ///< nullptr when not recorded
    std::string identity;                       ///< carried by an object that hadeploy created
};

/// The current state of an object. A failed read is never reported as "absent".
struct Observation {
    enum class State {
        present,
        absent,
        failed,  ///< the read failed: the plan fails
        blocked, ///< not readable while a dependency is down (e.g. Docker is stopped): the plan
                 ///< postpones the read until the dependency is repaired
    };
    State state = State::absent;
    /// Present: the current attributes in the schema's canonical form. Omits attributes that cannot
    /// be read; the plan then uses the recorded ones.
    Value attributes = {};
    /// Present, but not created by hadeploy. The object is never changed, and a resource that would
    /// create it is an error. The string says how this was detected.
    std::string foreign = {};
    HeapOptional<Error> error = {}; ///< failed, blocked: the cause
    /// Present and managed, but must be replaced: the reason ("it ends tomorrow").
    std::string replace_reason = {};
    bool data_gone = false; ///< present, but its data is already lost
    bool assumed = false;   ///< cannot be read: counts as present because of the record
    /// Absent, and cannot be created before this exists: the directory of a file.
    std::string lacks = {};

    static Observation present(Value attributes) {
        return {.state = State::present, .attributes = std::move(attributes)};
    }
    static Observation absent() { return {}; }
    static Observation blocked(Error error) {
        return {.state = State::blocked, .error = std::move(error)};
    }
    static Observation failed(Error error) {
        return {.state = State::failed, .error = std::move(error)};
    }
};

/// One change to apply. A replacement is a remove and a create.
struct Change {
    using Kind = ChangeKind;
    Kind kind = Kind::create;
    std::string address;
    const ResourceType* type = nullptr;
    std::string identity;
    Value before = {}; ///< observed (and recorded) attributes; null on create
    Value after = {};  ///< desired config, normalized and fully known; null on remove
    std::vector<std::string> changed = {}; ///< update: names of the attributes that differ
    bool again = false; ///< an earlier attempt may have taken effect: a create may find the object
    /// Shared objects (ResourceType::shares) that this resource no longer needs, but that must be
    /// kept because a different resource needs them: by name, with the identity of that resource.
    std::map<std::string, std::string> left_to = {};
};

/// Receives a provider's reports on its changes. Calls may come from any thread; `index` is the
/// change's position in the batch. Each change ends with one call of done, failed, not_begun or
/// waits; after waits, poll() ends it.
class ChangeSink {
  public:
    virtual ~ChangeSink() = default;
    /// Reports a new step within the change, for display: "waiting for the guest".
    virtual void progress(std::size_t index, std::string_view step) = 0;
    /// Reports that the change is complete. `attributes` are all current attributes of the object
    /// as read back, including the config; ignored for a remove.
    virtual void done(std::size_t index, Value attributes) = 0;
    virtual void failed(std::size_t index, Error error) = 0;
    /// Reports that the change was not started because an earlier one in the batch failed. It is
    /// retried in a later batch.
    virtual void not_begun(std::size_t index) = 0;
    /// Reports that the backend will complete the change by itself; OpenEndpoint::poll() detects
    /// the completion. Until then the change takes no slot of `--parallelism`. `what` names the
    /// awaited event, for display.
    virtual void waits(std::size_t index, std::string_view what);
};

/// Receives a message about the progress, for display. Called from any thread; may be empty.
using Notice = std::function<void(std::string_view)>;

/// One open endpoint. read() and apply() may be called from several threads at the same time.
class OpenEndpoint {
  public:
    virtual ~OpenEndpoint() = default;
    /// Returns one observation per request, in the same order. Does not throw when a single request
    /// fails; throws Error(unreachable) when the endpoint as a whole does not respond.
    /// @param notice  receives the reason why the endpoint cannot read yet
    virtual std::vector<Observation> read(std::span<const ReadRequest> requests,
                                          const Notice& notice) = 0;
    /// Applies the changes, which are ordered by their dependencies on each other. After a failure
    /// the provider may skip changes that it has not started.
    virtual void apply(std::span<const Change> changes, ChangeSink& sink) = 0;
    /// Checks the waiting changes, in as few calls to the backend as possible. Ends those that are
    /// complete or have failed, and may report the progress of the others. Calls do not overlap.
    /// @returns the pause before the next call
    virtual std::chrono::milliseconds poll(std::span<const Change> waiting, ChangeSink& sink);
};

/// The environment in which a provider runs.
struct ProviderContext {
    std::filesystem::path project_dir; ///< directory of the spec
    std::filesystem::path data_dir;    ///< project_dir/.hadeploy: keys, console logs
    std::filesystem::path cache_dir;   ///< XDG cache: base images
    std::string project;               ///< the spec's name
    std::string lineage;               ///< UUID of the state
    /// An environment variable; "" if it is not set. Credentials are read from here, and never
    /// recorded.
    std::function<std::string(const std::string& name)> environment = [](const std::string&) {
        return std::string();
    };
    /// Requested at the first Ctrl-C. Reads are abandoned; changes ignore the request and run to
    /// their end.
    std::stop_token stop;
};

/// A kind of endpoint and the function that opens one.
class Provider {
  public:
    virtual ~Provider() = default;
    std::string name; ///< "libvirt", "ssh"
    std::string doc;
    Schema schema; ///< schema of the settings under `providers: {name: ...}`
    /// Checks of the normalized settings beyond the schema. Must accept unknown values.
    virtual void check(const Value& /*settings*/, Diagnostics& /*problems*/) const {}
    /// True: changes that are ready together are passed as one ordered batch, and the next batch is
    /// passed only after the previous one has ended (for a host, a batch is one exec). False:
    /// changes are passed singly and run in parallel.
    bool batches_changes = false;
    /// The resources of this provider exist only in the state. As a change has no external effect
    /// that a kill could interrupt, no intents are written, and changes that are ready together are
    /// recorded together. The resources are not read before planning, but observed by
    /// observe_record().
    bool state_only = false;
    /// For state_only: the observation according to the record. Does not throw.
    virtual Observation observe_record(const ReadRequest& /*request*/) const { return {}; }

    /// The endpoints through which a resource can be read and changed, in order of preference: a
    /// cluster's resource can be reached through any of its hosts. Empty while the config is not
    /// known sufficiently. `settings` is the normalized provider block.
    virtual std::vector<Endpoint> endpoints(const ResourceType& type, const Value& config,
                                            const Value& settings) const = 0;
    /// The endpoints for a removal: first those of endpoints(), then endpoints that can remove the
    /// resource after its own machine has ceased to exist. For example, a different member can
    /// remove a cluster's member.
    virtual std::vector<Endpoint> removal_endpoints(const ResourceType& type, const Value& config,
                                                    const Value& settings) const {
        return endpoints(type, config, settings);
    }
    /// @throws Error(unreachable) with the cause
    virtual std::shared_ptr<OpenEndpoint> open(const Endpoint& endpoint,
                                               const ProviderContext& context) = 0;
};

/// All supported providers and resource types, added explicitly in src/cli/registry.cpp.
class Registry {
  public:
    void add(std::unique_ptr<Provider> provider) { providers_.push_back(std::move(provider)); }
    void add(std::unique_ptr<ResourceType> type) { types_.push_back(std::move(type)); }
    [[nodiscard]] const ResourceType* type(std::string_view name) const {
        for (const auto& t : types_)
            if (t->name == name) return t.get();
        return nullptr;
    }
    [[nodiscard]] Provider* provider(std::string_view name) const {
        for (const auto& p : providers_)
            if (p->name == name) return p.get();
        return nullptr;
    }
    [[nodiscard]] const auto& types() const { return types_; }
    [[nodiscard]] const auto& providers() const { return providers_; }

  private:
    std::vector<std::unique_ptr<Provider>> providers_;
    std::vector<std::unique_ptr<ResourceType>> types_;
};

} // namespace hadeploy
