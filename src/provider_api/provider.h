#pragma once

#include "core/heap_optional.h"
#include "core/recorded_resource.h"
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

/// A place that reads and changes go to: one libvirt connection, one host, one AWS region. All
/// requests for the same key are handed over together.
struct Endpoint {
    std::string key;     ///< unique, readable: "libvirt qemu:///system", "ssh ops@10.77.0.11"
    std::string machine; ///< address of the resource that is this machine; "" if none
    Value config;        ///< what open() needs: the connection, or the provider's settings
};

struct ReadRequest {
    std::string address;
    const ResourceType* type = nullptr;
    Value config; ///< normalized; of a resource to be removed: as recorded
    const RecordedResource* recorded = nullptr; ///< nullptr when the state does not know it
    std::string identity;                       ///< what the object carries if we made it
};

/// What is really there. "Could not be read" is never "absent".
struct Observation {
    enum class State {
        present,
        absent,
        failed,  ///< it should have been readable and was not: an error of the plan
        blocked, ///< not readable while something it rests on is down (Docker is stopped, say):
                 ///< planned as "read later", once what it depends on is repaired
    };
    State state = State::absent;
    /// Present: the attributes as they are, in the schema's canonical form. An attribute that
    /// cannot be seen is left out; the plan then goes by what was recorded.
    Value attributes = {};
    /// Present, but made by somebody else: never touched, an error for whoever wants to create it.
    /// The text says how one can tell.
    std::string foreign = {};
    HeapOptional<Error> error = {}; ///< failed, blocked: why
    /// Present and ours, but to be replaced all the same: the text says why ("it ends tomorrow").
    std::string replace_reason = {};
    bool data_gone = false; ///< present, but the data that it held is lost already
    bool assumed = false;   ///< present by the record alone: there is no way to look
    /// Absent, and not to be made before this is there: the directory of a file.
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

/// One change to make. A replacement is a remove and a create.
struct Change {
    enum class Kind { create, update, remove };
    Kind kind = Kind::create;
    std::string address;
    const ResourceType* type = nullptr;
    std::string identity;
    Value before = {}; ///< observed (and recorded) attributes; null on create
    Value after = {};  ///< the wanted config, normalized and wholly known; null on remove
    std::vector<std::string> changed = {}; ///< update: the names of the attributes that differ
    /// What is no longer wanted here and shared (ResourceType::shares) with a resource that still
    /// wants it: the identity of that one, by name. It must stay.
    std::map<std::string, std::string> left_to = {};
};

/// Where a provider tells how its changes go. Calls may come from any thread; index is the
/// change's place in the batch. Each change ends with exactly one of done, failed and
/// not_begun.
class ChangeSink {
  public:
    virtual ~ChangeSink() = default;
    /// A new step within the change, for people: "waiting for the guest".
    virtual void progress(std::size_t index, std::string_view step) = 0;
    /// The change is complete; `attributes` as read back: all that is now true of the resource
    /// (config included). Ignored for a remove.
    virtual void done(std::size_t index, Value attributes) = 0;
    virtual void failed(std::size_t index, Error error) = 0;
    /// Nothing of the change was begun, because one before it in the batch has failed: it has its
    /// turn in another one.
    virtual void not_begun(std::size_t index) = 0;
};

/// Gets a word for people about what goes on meanwhile. Called from any thread; may be empty.
using Notice = std::function<void(std::string_view)>;

/// One open endpoint. read() and apply() may be called from several threads at once.
class OpenEndpoint {
  public:
    virtual ~OpenEndpoint() = default;
    /// One observation a request, in their order. Does not throw for a single request's failure;
    /// throws Error(unreachable) when the endpoint as a whole does not answer.
    /// @param notice  told what is waited for before anything can be read
    virtual std::vector<Observation> read(std::span<const ReadRequest> requests,
                                          const Notice& notice) = 0;
    /// Makes the changes. They are in an order that satisfies their dependencies on each other:
    /// after a failure the provider may leave the rest of the batch that it has not begun.
    virtual void apply(std::span<const Change> changes, ChangeSink& sink) = 0;
};

/// What a provider gets from whoever runs it.
struct ProviderContext {
    std::filesystem::path project_dir; ///< where the spec is
    std::filesystem::path data_dir;    ///< project_dir/.hadeploy: keys, console logs
    std::filesystem::path cache_dir;   ///< XDG cache: base images
    std::string project;               ///< the spec's name
    std::string lineage;               ///< UUID of the state
    /// Requested at the first Ctrl-C: what only looks is given up. Changes never ask it, they are
    /// let end.
    std::stop_token stop;
};

/// A kind of endpoint, and how to open one.
class Provider {
  public:
    virtual ~Provider() = default;
    std::string name; ///< "libvirt", "ssh"
    std::string doc;
    Schema schema; ///< of the settings under `providers: {name: ...}`
    /// True: changes that are ready together are handed over as one ordered batch, and the next
    /// batch only when that is through (a host: one exec). False: one by one, side by side.
    bool batches_changes = false;
    /// Its resources live in the state alone. There is no effect outside that a kill could come
    /// between: no intents are written, and what is ready together is made and noted together. Nor
    /// is there anything to be read of them before planning: recall() tells what is there.
    bool state_only = false;
    /// Of such a kind: what is there, as its record tells it. Does not throw.
    virtual Observation observe_record(const ReadRequest& /*request*/) const { return {}; }

    /// Where a resource can be read and changed, the preferred place first: a cluster's resource
    /// can be reached through any of its hosts. Empty while the config does not tell yet.
    /// `settings` is the normalized provider block.
    virtual std::vector<Endpoint> endpoints(const ResourceType& type, const Value& config,
                                            const Value& settings) const = 0;
    /// The same for a removal, with further places at the end from where it can be undone when its
    /// own machine is no more: a cluster's member can be put out by another member.
    virtual std::vector<Endpoint> removal_endpoints(const ResourceType& type, const Value& config,
                                                    const Value& settings) const {
        return endpoints(type, config, settings);
    }
    /// @throws Error(unreachable) with the cause
    virtual std::shared_ptr<OpenEndpoint> open(const Endpoint& endpoint,
                                               const ProviderContext& setting) = 0;
};

/// All that hadeploy knows how to manage. Filled by one explicit line a type
/// (src/cli/registry.cpp).
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
