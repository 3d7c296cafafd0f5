#include "providers/libvirt/libvirt.h"

#include "core/secrecy.h"
#include "provider_api/units.h"
#include "providers/libvirt/libvirt_type.h"
#include "providers/libvirt/requirements.h"

#include <fmt/format.h>
#include <mutex>

namespace hadeploy::libvirt {

namespace {

class LibvirtEndpoint : public OpenEndpoint {
  public:
    LibvirtEndpoint(std::shared_ptr<Connection> connection, ProviderContext context)
        : connection_(std::move(connection)), context_(std::move(context)) {
        context_.stop = {}; // used by changes only, and a change in progress is not interrupted
    }

    std::vector<Observation> read(std::span<const ReadRequest> requests,
                                  const Notice& /*notice*/) override {
        const std::shared_ptr<Connection> open = connection();
        Inventory inventory(*open, context_.project);
        std::vector<Observation> out;
        out.reserve(requests.size());
        for (const ReadRequest& request : requests) {
            try {
                out.push_back(type_of(*request.type).observe(request, inventory));
            } catch (Error& error) {
                if (error.kind == ErrorKind::unreachable) throw;
                out.push_back(Observation::failed(std::move(error)));
            }
        }
        refuse_too_many(requests, out, *open);
        return out;
    }

    void apply(std::span<const Change> changes, ChangeSink& sink) override {
        bool broken = false;
        for (std::size_t i = 0; i < changes.size(); ++i) {
            if (broken) {
                sink.not_begun(i);
                continue;
            }
            try {
                sink.done(i, apply_one(changes[i], i, sink));
            } catch (Error& error) {
                broken = true;
                sink.failed(i, std::move(error));
            }
        }
    }

  private:
    /// Rejects machines that together need more memory than the host has, before anything is
    /// created for the new ones. The free memory is checked when a machine starts.
    static void refuse_too_many(std::span<const ReadRequest> requests,
                                std::vector<Observation>& seen, const Connection& open) {
        std::int64_t needed = 0;
        std::vector<std::size_t> missing;
        for (std::size_t i = 0; i < requests.size(); ++i) {
            if (!requests[i].type->machine) continue;
            needed += requests[i].config.integer("memory");
            if (seen[i].state == Observation::State::absent) missing.push_back(i);
        }
        if (missing.empty()) return;
        const std::int64_t memory = open.memory();
        if (needed <= memory) return;
        for (const std::size_t i : missing)
            seen[i] = Observation::failed(
                Error(ErrorKind::failed,
                      fmt::format("the host has {} of memory, and the machines of this project "
                                  "would need {}",
                                  show_bytes(memory), show_bytes(needed)))
                    .with_hint("reduce their memory, or use fewer machines"));
    }

    static const LibvirtType& type_of(const ResourceType& type) {
        return dynamic_cast<const LibvirtType&>(type);
    }

    Value apply_one(const Change& change, std::size_t index, ChangeSink& sink) {
        const std::shared_ptr<Connection> open = connection();
        Session session{*open, context_, memory_,
                        [&](std::string_view step) { sink.progress(index, step); }};
        const LibvirtType& type = type_of(*change.type);
        if (change.kind != Change::Kind::remove) return type.make(session, change);
        type.remove(session, change);
        return {};
    }

    /// The connection; it is opened again after the daemon was restarted.
    std::shared_ptr<Connection> connection() {
        const std::lock_guard lock(mutex_);
        if (!connection_->alive()) connection_ = Connection::open(connection_->uri());
        return connection_;
    }

    std::mutex mutex_;
    std::shared_ptr<Connection> connection_;
    ProviderContext context_;
    Reservations memory_;
};

class LibvirtProvider : public Provider, public HasPrerequisites {
  public:
    LibvirtProvider() {
        name = "libvirt";
        doc = "Virtual machines, their networks and disks, on a host that runs libvirt with QEMU. "
              "`qemu:///system` is this machine; files are written through libvirt, so a remote "
              "host (`qemu+ssh://root@host/system`) works as well.";
        schema = {{.name = "uri",
                   .type = TypeKind::string,
                   .doc = "The connection URI of libvirt.",
                   .default_value = Value("qemu:///system")}};
    }

    std::vector<Endpoint> endpoints(const ResourceType&, const Value&,
                                    const Value& settings) const override {
        if (settings["uri"].is_unknown()) return {};
        const std::string uri = settings.text("uri", "qemu:///system");
        const Value marked = as_secret_as(Value(uri), settings["uri"]);
        return {{.key = "libvirt " + uri, .machine = "", .config = Value::map({{"uri", marked}})}};
    }

    [[nodiscard]] std::vector<Prerequisite>
    prerequisites(const ProviderUse& use, const ProviderContext& context) const override {
        return requirements(use, context);
    }

    std::shared_ptr<OpenEndpoint> open(const Endpoint& endpoint,
                                       const ProviderContext& context) override {
        const Value& uri = endpoint.config["uri"];
        try {
            return std::make_shared<LibvirtEndpoint>(Connection::open(uri.as_string()), context);
        } catch (const Error& error) {
            if (!uri.secret()) throw;
            // libvirt's message contains the host and other parts of the URI
            throw Error(error.kind, "cannot connect to libvirt: its `uri` is secret")
                .with_hint("the details are not shown; if they may be shown, use "
                           "nonsensitive(...)");
        }
    }
};

} // namespace

void add_libvirt(Registry& registry) {
    registry.add(std::make_unique<LibvirtProvider>());
    registry.add(network_type());
    registry.add(pool_type());
    registry.add(volume_type());
    registry.add(domain_type());
    registry.add(fault_type());
}

Counters& counters() {
    static Counters instance;
    return instance;
}

} // namespace hadeploy::libvirt
