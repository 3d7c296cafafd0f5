#include "providers/libvirt/machine.h"

#include "core/secrecy.h"
#include "provider_api/units.h"
#include "providers/libvirt/xml.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::libvirt {

namespace {

constexpr std::int64_t kMib = std::int64_t{1} << 20;
constexpr std::int64_t kMinute = 60'000;

class DomainType : public LibvirtType {
  public:
    DomainType();
    void check(const Value& config, Diagnostics& diagnostics) const override;
    bool restarts(const Value& before, const Value& after) const override;
    Value derive(const Value& config) const override;
    std::vector<std::string> claims(const Value& config) const override;
    std::vector<NetworkUse> networks(const Value& config) const override;
    std::optional<DataLoss> held_data(const Value& machine) const override;
    Observation observe(const ReadRequest& request, Inventory& inventory) const override;
    Value make(Session& session, const Change& change) const override;
    void remove(Session& session, const Change& change) const override {
        remove_machine(session, change);
    }
};

Type base_type() {
    return object_of({
        {.name = "pool",
         .type = TypeKind::name,
         .doc = "Name of the pool for the machine's own disk.",
         .required = true},
        {.name = "path",
         .type = TypeKind::string,
         .doc = "Path of the image on the libvirt host.",
         .required = true},
        {.name = "format",
         .type = TypeKind::string,
         .doc = "`qcow2` or `raw`.",
         .default_value = Value("qcow2"),
         .one_of = {"qcow2", "raw"}},
        {.name = "capacity",
         .type = TypeKind::bytes,
         .doc = "Size of the image's disk; `disk` must not be smaller.",
         .operational = true},
        {.name = "kernel", .type = TypeKind::string, .doc = "Path of the kernel to boot."},
        {.name = "initrd", .type = TypeKind::string, .doc = "Path of the initial RAM disk."},
    });
}

Type key_type() {
    return object_of({
        {.name = "private_key_file",
         .type = TypeKind::string,
         .doc = "Private key for the connection.",
         .required = true},
        {.name = "public_key",
         .type = TypeKind::string,
         .doc = "Public key that the guest accepts.",
         .required = true},
    });
}

Schema size_schema() {
    return {
        {.name = "memory",
         .type = TypeKind::bytes,
         .doc = "Memory of the guest, rounded up to whole MiB. A value up to `max_memory` is "
                "changed while the guest runs; a larger value restarts the guest.",
         .required = true,
         .min = 64 * kMib},
        {.name = "max_memory",
         .type = TypeKind::bytes,
         .doc = "Upper limit for memory changes without a restart. Defaults to `memory`."},
        {.name = "vcpus",
         .type = TypeKind::integer,
         .doc = "Number of processors. A value up to `max_vcpus` is changed while the guest runs, "
                "if the guest supports it; otherwise the guest is restarted.",
         .default_value = Value(1),
         .min = 1,
         .max = 256},
        {.name = "max_vcpus",
         .type = TypeKind::integer,
         .doc = "Upper limit for processor changes without a restart. Defaults to `vcpus`.",
         .min = 1,
         .max = 256},
        {.name = "disk",
         .type = TypeKind::bytes,
         .doc = "Size of the machine's disk. Defaults to the size of the base.",
         .replaces = true},
    };
}

Schema access_schema() {
    return {
        {.name = "network",
         .type = TypeKind::name,
         .doc = "Name of the libvirt network.",
         .required = true,
         .replaces = true},
        {.name = "address",
         .type = TypeKind::ipv4,
         .doc =
             "Address in the network; the network's DHCP server assigns it together with the name.",
         .required = true,
         .replaces = true},
        {.name = "base",
         .type = base_type(),
         .doc = "The base image: a `libvirt.volume`.",
         .required = true,
         .replaces = true},
        {.name = "user",
         .type = TypeKind::name,
         .doc = "The user to log in as, with sudo rights.",
         .replaces = true,
         .default_value = Value("ops")},
        {.name = "ssh_key",
         .type = key_type(),
         .doc = "The key for the login: an `ssh.key`.",
         .required = true},
    };
}

Schema behaviour_schema() {
    return {
        {.name = "running",
         .type = TypeKind::boolean,
         .doc = "Whether the machine runs.",
         .default_value = Value(true),
         .verb = "start"},
        {.name = "autostart",
         .type = TypeKind::boolean,
         .doc = "Whether the machine starts with the host.",
         .default_value = Value(true)},
        {.name = "accelerator",
         .type = TypeKind::string,
         .doc = "`kvm`, `qemu` (emulation; slow), or `auto`: KVM if libvirt offers it and the "
                "processor supports it. A change restarts the guest.",
         .default_value = Value("auto"),
         .one_of = {"auto", "kvm", "qemu"}},
        {.name = "boot",
         .type = TypeKind::string,
         .doc =
             "`kernel`: boots the base's kernel directly. `disk`: boots through firmware and boot "
             "loader. `auto`: `kernel` if the base has one, otherwise `disk`.",
         .default_value = Value("auto"),
         .one_of = {"auto", "kernel", "disk"}},
        {.name = "cmdline",
         .type = TypeKind::string,
         .doc = "Parameters to add to the kernel's command line."},
        {.name = "boot_timeout",
         .type = TypeKind::duration,
         .doc = "Time limit for the boot, until the SSH server responds.",
         .operational = true,
         .default_value = Value(10 * kMinute),
         .min = 1},
        {.name = "shutdown_timeout",
         .type = TypeKind::duration,
         .doc = "Time limit for a shutdown, after which the machine is switched off.",
         .operational = true,
         .default_value = Value(kMinute * 3 / 2),
         .min = 1},
    };
}

Schema computed_schema() {
    return {
        {.name = "complete",
         .type = TypeKind::boolean,
         .doc = "Whether the definition, the disk and the lease exist and the seed has been "
                "removed.",
         .computed = true,
         .tracked = true,
         .verb = "repair"},
        {.name = "connection",
         .type = TypeKind::connection,
         .doc = "The connection to the machine.",
         .computed = true},
        {.name = "mac",
         .type = TypeKind::string,
         .doc = "MAC address, derived from network and address.",
         .computed = true},
        {.name = "uuid", .type = TypeKind::string, .doc = "UUID in libvirt.", .computed = true},
        {.name = "console",
         .type = TypeKind::string,
         .doc = "Path of the console's log on the libvirt host.",
         .computed = true},
    };
}

/// Only for a stopped machine. It is replaced, because with a different disk it is a different
/// machine.
constexpr std::string_view kDiskGone = "the disk is gone";

DomainType::DomainType() {
    name = "libvirt.domain";
    machine = true;
    removal_ends_machine = true;
    summary = "A virtual machine that is reachable by SSH once it is created";
    doc =
        "A machine with a copy-on-write disk on a base image, a fixed address, and a user with an "
        "SSH key and sudo, configured by cloud-init. The SSH host key is generated beforehand and "
        "passed in the seed, so that the first login is verified; the seed is removed once the "
        "guest has responded. The image needs cloud-init (any version with NoCloud) and an SSH "
        "server.\n\n"
        "Detected and repaired: a machine that is switched off or paused is started; memory and "
        "number of processors are set; a missing or changed lease is restored; an undefined "
        "machine is defined again on its disk. A machine whose disk was deleted is replaced, with "
        "an empty disk, and the resources on it are created again. A machine of the same name "
        "that hadeploy did not create is never touched.\n\n"
        "`public_key` cannot be changed in a guest that has booted; replace the machine "
        "instead.\n\n"
        "Destroy switches the machine off and deletes its disk, its lease and its console's log.";
    import_id = "the UUID of a machine that hadeploy created (`virsh domuuid NAME`)";
    example = "node1:\n"
              "  type: libvirt.domain\n"
              "  name: node1\n"
              "  memory: 1 GiB\n"
              "  vcpus: 2\n"
              "  network: ${lab.name}\n"
              "  address: 10.77.0.11\n"
              "  base: ${base}\n"
              "  ssh_key: ${operator}\n";
    schema = {{.name = "name",
               .type = TypeKind::name,
               .doc = "Name in libvirt, and the host name.",
               .required = true,
               .replaces = true}};
    for (const Schema& part :
         {size_schema(), access_schema(), behaviour_schema(), computed_schema()})
        schema.insert(schema.end(), part.begin(), part.end());
}

/// Machine::change_live() changes the rest in the running guest.
bool DomainType::restarts(const Value& before, const Value& after) const {
    const auto most = [](const Value& of, const char* limit, const char* now) {
        return std::max(of.integer(limit, of.integer(now)), of.integer(now));
    };
    const auto grows = [&](const char* limit, const char* now) {
        return most(before, limit, now) != most(after, limit, now) ||
               after.integer(now) > most(before, limit, now);
    };
    const auto differ = [&](const char* name) { return before.text(name) != after.text(name); };
    return before.flag("running", true) && after.flag("running", true) &&
           (grows("max_memory", "memory") || grows("max_vcpus", "vcpus") || differ("cmdline") ||
            differ("accelerator") || differ("boot"));
}

void DomainType::check(const Value& config, Diagnostics& diagnostics) const {
    if (const Value& host = config["name"];
        host.is_string() && host.as_string().find('_') != std::string::npos)
        diagnostics.add(
            fmt::format("{} is not a host name: it contains an underscore", quoted(host)),
            host.loc());
    const auto ordered = [&](const char* low, const char* high) {
        if (config[low].is_integer() && config[high].is_integer() &&
            config.integer(high) < config.integer(low))
            diagnostics.add(fmt::format("{} is less than {}", high, low), config[high].loc());
    };
    ordered("memory", "max_memory");
    ordered("vcpus", "max_vcpus");
    const Value& capacity = config["base"]["capacity"];
    if (config["disk"].is_integer() && capacity.is_integer() &&
        config.integer("disk") < capacity.as_integer())
        diagnostics
            .add(fmt::format("a disk of {} is smaller than its base image ({})",
                             redacted(config["disk"], show_bytes(config.integer("disk"))),
                             redacted(capacity, show_bytes(capacity.as_integer()))),
                 config["disk"].loc())
            .with_hint("increase `disk`, or omit it");
    if (config.text("boot") == "disk" && !config.text("cmdline").empty())
        diagnostics.add("`cmdline` needs a directly booted kernel, but `boot` is disk",
                        config["cmdline"].loc());
}

Value DomainType::derive(const Value& config) const {
    const bool known = config["network"].is_string() && config["address"].is_string();
    return Value::map(
        {{"complete", true},
         {"connection", connection_of(config, "")},
         {"mac", known ? Value(lease_of(config.without("mac")).mac) : Value::unknown()}});
}

std::vector<std::string> DomainType::claims(const Value& config) const {
    std::vector<std::string> out;
    if (config["name"].is_string()) out.push_back("libvirt domain " + config.text("name"));
    if (config["network"].is_string() && config["address"].is_string())
        out.push_back(fmt::format("{} in libvirt network {}", config.text("address"),
                                  config.text("network")));
    return out;
}

std::optional<DataLoss> DomainType::held_data(const Value& machine) const {
    DataLoss loss{fmt::format("the disk of the machine {}", machine.text("name"))};
    if (machine["disk"].is_integer()) loss.bytes = machine.integer("disk");
    return loss;
}

std::vector<NetworkUse> DomainType::networks(const Value& config) const {
    if (!config["network"].is_string() || !config["address"].is_string()) return {};
    return {{"libvirt network " + config.text("network"), "", config.text("address"),
             config["address"].loc()}};
}

bool any_file(const std::vector<std::string>* names, std::string_view name,
              std::string_view identity) {
    return names != nullptr &&
           std::any_of(names->begin(), names->end(),
                       [&](const std::string& file) { return is_own_file(file, name, identity); });
}

bool has_file(const std::vector<std::string>& names, const std::string& file) {
    return std::find(names.begin(), names.end(), file) != names.end();
}

bool lease_is_there(Inventory& inventory, const Value& config) {
    const Inventory::Network* network = inventory.network(config.text("network"));
    if (network == nullptr) return false;
    const pugi::xml_document document = parse_xml(inventory.network_xml(*network));
    return has_lease(document.child("network"), lease_of(config));
}

/// Attributes that an earlier run has set but not recorded.
Value unrecorded(const Inventory::Domain& domain, const Value& config) {
    const pugi::xml_document document =
        parse_xml(taken(call(fmt::format("read the domain '{}'", domain.name), [&] {
            return virDomainGetXMLDesc(domain.handle.get(), VIR_DOMAIN_XML_INACTIVE);
        })));
    const pugi::xml_node root = document.child("domain");
    const Value out = Value::map({
        {"uuid", domain.uuid},
        {"console", root.child("devices").child("serial").child("log").attribute("file").value()},
    });
    const Value connection = connection_of(config, metadata(root, "host_key"));
    return connection.contains_unknown() ? out : out.with("connection", connection);
}

Observation DomainType::observe(const ReadRequest& request, Inventory& inventory) const {
    const Value& config = request.config;
    const std::string domain_name = config.text("name");
    const std::string pool = config["base"].text("pool");
    const std::vector<std::string>* names = pool.empty() ? nullptr : inventory.volumes(pool);
    const auto& domains = inventory.domains();
    const auto found =
        std::find_if(domains.begin(), domains.end(),
                     [&](const Inventory::Domain& d) { return d.uuid == request.identity; });
    if (found == domains.end()) {
        if (const Inventory::Domain* other = inventory.domain(domain_name)) {
            Observation out = Observation::present(Value::map({{"name", other->name}}));
            out.foreign = foreign_text(other->uuid);
            return out;
        }
        if (!any_file(names, domain_name, request.identity)) return Observation::absent();
        Observation out = Observation::present(
            Value::map({{"name", domain_name}, {"running", false}, {"complete", false}}));
        if (!has_file(*names, own_file(domain_name, request.identity, kOverlay)))
            out.replace_reason = std::string(kDiskGone), out.data_gone = true;
        return out;
    }
    const bool runs = found->state == VIR_DOMAIN_RUNNING || found->state == VIR_DOMAIN_BLOCKED;
    // A machine that should not run has not read its seed yet.
    const bool files_fit =
        names == nullptr || (has_file(*names, own_file(domain_name, request.identity, kOverlay)) &&
                             (!config.flag("running", true) ||
                              !has_file(*names, own_file(domain_name, request.identity, kSeed))));
    Value out = Value::map({{"name", found->name},
                            {"running", runs},
                            {"autostart", found->autostart},
                            {"vcpus", found->vcpus},
                            {"memory", found->memory_kib * 1024},
                            {"complete", files_fit && lease_is_there(inventory, config)}});
    if (memory_kib(config.integer("memory")) == found->memory_kib)
        out = out.with("memory", config["memory"]); // equal after rounding
    if (request.recorded == nullptr)
        for (const Value extra = unrecorded(*found, config); const Entry& e : extra.as_map())
            out = out.with(e.key, e.value);
    Observation seen = Observation::present(std::move(out));
    const bool disk =
        names == nullptr || has_file(*names, own_file(domain_name, request.identity, kOverlay));
    if (!disk && !runs) seen.replace_reason = std::string(kDiskGone), seen.data_gone = true;
    return seen;
}

/// The public key without its comment.
std::string key_of(const std::string& line) {
    const std::size_t first = line.find(' ');
    return line.substr(0, first == std::string::npos ? first : line.find(' ', first + 1));
}

Value DomainType::make(Session& session, const Change& change) const {
    const std::string before = change.before["ssh_key"].text("public_key");
    const std::string after = change.after["ssh_key"].text("public_key");
    if (change.kind == Change::Kind::update && !before.empty() && key_of(before) != key_of(after))
        throw Error(ErrorKind::failed,
                    fmt::format("'{}' was created with a different SSH key, and a guest reads its "
                                "key only on the first boot",
                                change.after.text("name")))
            .with_hint(
                "restore the old key, or replace the machine: remove it from the spec, apply, and "
                "add it again");
    return make_machine(session, change);
}

} // namespace

std::unique_ptr<ResourceType> domain_type() {
    return std::make_unique<DomainType>();
}

} // namespace hadeploy::libvirt
