#include "providers/libvirt/machine.h"

#include "core/file.h"
#include "core/ssh_key.h"
#include "provider_api/prerequisites.h"
#include "providers/libvirt/power.h"
#include "providers/libvirt/seed.h"
#include "providers/libvirt/storage.h"
#include "providers/libvirt/xml.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

namespace hadeploy::libvirt {

using namespace std::chrono_literals;

Lease lease_of(const Value& config) {
    return {config.text("mac", mac_address(config.text("network"), config.text("address"))),
            config.text("name"), config.text("address")};
}

Value connection_of(const Value& config, const std::string& host_key) {
    const Value& key = config["ssh_key"];
    return Value::map(
        {{"address", config["address"]},
         {"port", 22},
         {"user", config["user"]},
         {"private_key_file", key.is_unknown() ? Value::unknown() : key["private_key_file"]},
         {"host_key", host_key.empty() ? Value::unknown() : Value(host_key)}});
}

std::int64_t available_memory(const std::string& meminfo) {
    constexpr std::string_view kField = "MemAvailable:";
    const std::size_t at = meminfo.find(kField);
    return at == std::string::npos
               ? 0
               : std::strtoll(meminfo.c_str() + at + kField.size(), nullptr, 10) * 1024;
}

/// The size of such a file is reported as 0, so it is read to the end.
std::string proc_text(const char* path) {
    std::ifstream in(path);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

namespace {

std::chrono::milliseconds duration(const Value& config, const char* name) {
    return std::chrono::milliseconds(config.integer(name));
}

/// Brings one domain to its configuration.
class Machine {
  public:
    Machine(Session& session, const Change& change)
        : session_(session), change_(change), config_(change.after), name_(config_.text("name")),
          pool_name_(config_["base"].text("pool")),
          pool_(open_pool(session.connection, pool_name_)) {}

    Value make() {
        find();
        const bool runs = domain_ && is_active(state_of(domain_.get()));
        // The definition contains the seed until the guest has responded for the first time.
        const bool was_up = runs || !wants_seed_;
        if (runs && !has(kOverlay))
            throw Error(ErrorKind::failed,
                        fmt::format("the disk of '{}' was deleted while the machine runs", name_))
                .with_hint(fmt::format(
                    "save the data that you need, then switch the machine off (`virsh destroy "
                    "{}`): the next apply creates it again",
                    name_));
        if (!domain_ && was_complete())
            define_again();
        else if (!domain_ || !has(kOverlay) || !was_up)
            build();
        else if (redefines())
            reshape(runs);
        ensure_lease(session_.connection, config_.text("network"), lease_of(config_));
        call(fmt::format("set the autostart of '{}'", name_), [&] {
            return virDomainSetAutostart(domain_.get(), config_.flag("autostart", true) ? 1 : 0);
        });
        if (config_.flag("running", true))
            run();
        else
            shut_down(session_, domain_.get(), duration(config_, "shutdown_timeout"));
        return attributes();
    }

  private:
    std::string file(const char* suffix) const { return own_file(name_, change_.identity, suffix); }
    bool has(const char* suffix) const { return files_.contains(file(suffix)); }

    void find() {
        domain_.reset(call(fmt::format("look up the domain '{}'", name_), {VIR_ERR_NO_DOMAIN}, [&] {
            return virDomainLookupByUUIDString(session_.connection.get(), change_.identity.c_str());
        }));
        if (domain_) {
            const pugi::xml_document document = definition();
            const pugi::xml_node root = document.child("domain");
            host_key_ = metadata(root, "host_key");
            for (const pugi::xml_node disk : root.child("devices").children("disk"))
                if (disk.child("alias").attribute("name").value() == std::string_view(kSeedAlias))
                    wants_seed_ = true;
        }
        refresh(pool_.get(), pool_name_);
        const std::vector<std::string> names = volume_names(pool_.get(), pool_name_);
        files_ = {names.begin(), names.end()};
    }

    pugi::xml_document definition() const {
        return parse_xml(taken(call(fmt::format("read the domain '{}'", name_), [&] {
            return virDomainGetXMLDesc(domain_.get(), VIR_DOMAIN_XML_INACTIVE);
        })));
    }

    /// Builds the machine from nothing, or from an incomplete state, with a new disk and a new host
    /// key.
    void build() {
        refuse_foreign();
        reserve_memory();
        if (type() == "qemu" && config_.text("accelerator", "auto") == "auto")
            session_.progress("KVM cannot be used here: the machine will be emulated, which is "
                              "slow");
        session_.progress("creating the disk");
        for (const char* suffix : {kOverlay, kSeed, kConsole})
            delete_volume(pool_.get(), file(suffix));
        create_volume(pool_.get(), {.name = file(kOverlay),
                                    .format = "qcow2",
                                    .capacity = disk_size(),
                                    .backing_path = config_["base"].text("path"),
                                    .backing_format = config_["base"].text("format", "qcow2")});
        const SshKey host_key = make_ssh_key(name_);
        host_key_ = host_key.public_key;
        create_volume(pool_.get(), {.name = file(kConsole)});
        write_seed(host_key);
        files_.insert({file(kOverlay), file(kSeed), file(kConsole)});
        define(true);
    }

    /// Whether the guest on the disk has responded before, so that its host key is recorded.
    bool was_complete() {
        const Value& key = change_.before["connection"]["host_key"];
        if (change_.kind != Change::Kind::update || !has(kOverlay) || has(kSeed) ||
            !key.is_string() || key.as_string().empty())
            return false;
        host_key_ = key.as_string();
        return true;
    }

    /// Restores a missing definition over the existing disk.
    void define_again() {
        refuse_foreign();
        reserve_memory();
        session_.progress("defining the machine again");
        if (!has(kConsole)) {
            create_volume(pool_.get(), {.name = file(kConsole)});
            files_.insert(file(kConsole));
        }
        define(false);
    }

    void refuse_foreign() {
        if (domain_) return;
        const DomainHandle other(
            call(fmt::format("look up the domain '{}'", name_), {VIR_ERR_NO_DOMAIN},
                 [&] { return virDomainLookupByName(session_.connection.get(), name_.c_str()); }));
        if (other) throw foreign_error("domain", name_, uuid_of(other.get()));
    }

    std::int64_t disk_size() {
        if (config_["disk"].is_integer()) return config_["disk"].as_integer();
        const std::string path = config_["base"].text("path");
        const VolumeHandle base(call(fmt::format("find the base image {}", path), [&] {
            return virStorageVolLookupByPath(session_.connection.get(), path.c_str());
        }));
        virStorageVolInfo info = {};
        call(fmt::format("read the base image {}", path),
             [&] { return virStorageVolGetInfo(base.get(), &info); });
        return static_cast<std::int64_t>(info.capacity);
    }

    void write_seed(const SshKey& host_key) {
        // A unique instance ID: cloud-init must not take the new disk for a configured instance.
        const std::string image =
            seed_image({.instance_id = fmt::format("{}-{}", name_, change_.identity),
                        .host_name = name_,
                        .user = config_.text("user"),
                        .authorized_key = config_["ssh_key"].text("public_key"),
                        .host_key_private = host_key.private_key,
                        .host_key_public = host_key.public_key});
        const auto size = static_cast<std::int64_t>(image.size());
        const VolumeHandle volume =
            create_volume(pool_.get(), {.name = file(kSeed), .capacity = size});
        std::istringstream source(image);
        upload(session_, volume.get(), source, size, "writing the seed");
    }

    std::string path_in_pool(const char* suffix) const {
        const VolumeHandle volume = find_volume(pool_.get(), file(suffix));
        return volume ? path_of(volume.get()) : "";
    }

    std::string type() const {
        if (session_.connection.mock()) return "test";
        const Connection& c = session_.connection;
        const std::string wanted = config_.text("accelerator", "auto");
        if (wanted == "kvm" && !c.offers_kvm())
            throw Error(ErrorKind::failed, "`accelerator` is kvm, but libvirt has no KVM on its "
                                           "host")
                .with_hint(
                    std::string("load kvm_intel or kvm_amd and let libvirt open /dev/kvm, or "
                                "use `accelerator: auto`, which falls back to emulation")
                        .append(kSeeDoctor));
        const std::string cpuinfo = c.local() ? proc_text("/proc/cpuinfo") : "";
        return use_kvm(wanted, c.offers_kvm(), c.local(), cpuinfo) ? "kvm" : "qemu";
    }

    DomainShape shape(bool with_seed) const {
        const Connection& c = session_.connection;
        const Value& base = config_["base"];
        const std::int64_t memory = config_.integer("memory");
        const std::int64_t vcpus = config_.integer("vcpus", 1);
        DomainShape out{.name = name_,
                        .uuid = change_.identity,
                        .type = type(),
                        .arch = c.arch(),
                        .memory_kib = memory_kib(memory),
                        .max_memory_kib =
                            memory_kib(std::max(memory, config_.integer("max_memory", memory))),
                        .vcpus = vcpus,
                        .max_vcpus = std::max(vcpus, config_.integer("max_vcpus", vcpus)),
                        .network = config_.text("network"),
                        .mac = lease_of(config_).mac,
                        .disk = path_in_pool(kOverlay),
                        .seed = with_seed ? path_in_pool(kSeed) : "",
                        .console = path_in_pool(kConsole),
                        .project = session_.context.project,
                        .address = change_.address,
                        .host_key = host_key_};
        const std::string boot = config_.text("boot", "auto");
        if (boot == "disk" || (boot == "auto" && base.text("kernel").empty())) return out;
        if (base.text("kernel").empty())
            throw Error(ErrorKind::failed,
                        "`boot` is kernel, but the base image has no separate kernel")
                .with_hint("use `boot: disk`, or a base created with `bootstrap`");
        out.kernel = base.text("kernel");
        out.initrd = base.text("initrd");
        out.cmdline = kernel_command_line(out.arch, out.type == "qemu", config_.text("cmdline"));
        return out;
    }

    void define(bool with_seed) {
        const std::string xml = domain_xml(shape(with_seed));
        domain_.reset(call(fmt::format("define the domain '{}'", name_), [&] {
            return virDomainDefineXML(session_.connection.get(), xml.c_str());
        }));
    }

    // --- an existing domain ---

    bool changed(std::string_view name) const {
        return std::find(change_.changed.begin(), change_.changed.end(), name) !=
               change_.changed.end();
    }
    bool redefines() const {
        return changed("memory") || changed("max_memory") || changed("vcpus") ||
               changed("max_vcpus") || changed("cmdline") || changed("accelerator") ||
               changed("boot");
    }

    void reshape(bool runs) {
        define(wants_seed_);
        if (!runs) return;
        if (config_.flag("running", true) && change_live()) return;
        session_.progress("the change needs a restart");
        shut_down(session_, domain_.get(), duration(config_, "shutdown_timeout"));
    }

    /// Applies the changes to the running guest; false if that is not possible for all of them.
    bool change_live() {
        if (changed("max_memory") || changed("max_vcpus") || changed("cmdline") ||
            changed("accelerator") || changed("boot"))
            return false;
        return (!changed("memory") || balloon()) && (!changed("vcpus") || plug_processors());
    }

    bool balloon() {
        const auto wanted = static_cast<unsigned long>(memory_kib(config_.integer("memory")));
        virDomainInfo info = {};
        const auto look = [&] {
            call(fmt::format("read the domain '{}'", name_),
                 [&] { return virDomainGetInfo(domain_.get(), &info); });
            return info.memory == wanted;
        };
        if (look()) return true;
        if (wanted > info.maxMem) return false;
        session_.progress("changing the memory");
        if (virDomainSetMemoryFlags(domain_.get(), wanted, VIR_DOMAIN_AFFECT_LIVE) < 0)
            return false;
        for (int i = 0; i < 100; ++i) { // the guest's balloon driver returns pages gradually
            if (look()) return true;
            session_.check_stop();
            std::this_thread::sleep_for(100ms);
        }
        return false;
    }

    bool plug_processors() {
        const int wanted = static_cast<int>(config_.integer("vcpus", 1));
        constexpr unsigned kLiveMost =
            static_cast<unsigned>(VIR_DOMAIN_AFFECT_LIVE) | VIR_DOMAIN_VCPU_MAXIMUM;
        const int most = virDomainGetVcpusFlags(domain_.get(), kLiveMost);
        if (wanted > most) return false;
        session_.progress("changing the number of processors");
        return virDomainSetVcpusFlags(domain_.get(), static_cast<unsigned>(wanted),
                                      VIR_DOMAIN_AFFECT_LIVE) == 0;
    }

    void reserve_memory() {
        if (hold_ || session_.connection.mock() || !session_.connection.local()) return;
        hold_ = session_.memory.take(memory_kib(config_.integer("memory")) * 1024,
                                     available_memory(proc_text("/proc/meminfo")));
    }

    void run() {
        const int state = state_of(domain_.get());
        const bool was_running = state == VIR_DOMAIN_RUNNING || state == VIR_DOMAIN_BLOCKED;
        if (state == VIR_DOMAIN_PAUSED) {
            call(fmt::format("resume '{}'", name_), [&] { return virDomainResume(domain_.get()); });
        } else if (state == VIR_DOMAIN_PMSUSPENDED) {
            call(fmt::format("wake up '{}'", name_),
                 [&] { return virDomainPMWakeup(domain_.get(), 0); });
        } else if (!is_active(state)) {
            reserve_memory();
            session_.progress("starting");
            call(fmt::format("start '{}'", name_), [&] { return virDomainCreate(domain_.get()); });
        }
        if (was_running && !has(kSeed) && change_.kind != Change::Kind::create) return;
        wait_for_ssh(session_, {.domain = domain_.get(),
                                .name = name_,
                                .address = config_.text("address"),
                                .timeout = duration(config_, "boot_timeout"),
                                .pool = open_pool(session_.connection, pool_name_),
                                .console = file(kConsole)});
        if (has(kSeed)) drop_seed();
    }

    /// Removes the seed, which contains the private host key. Detaching may fail or take time in
    /// the running guest; that does not matter.
    void drop_seed() {
        counters().calls.fetch_add(1, std::memory_order_relaxed);
        virDomainDetachDeviceAlias(domain_.get(), kSeedAlias, VIR_DOMAIN_AFFECT_LIVE);
        define(false);
        delete_volume(pool_.get(), file(kSeed));
    }

    Value attributes() const {
        return config_.with("mac", lease_of(config_).mac)
            .with("uuid", change_.identity)
            .with("console", path_in_pool(kConsole))
            .with("complete", true)
            .with("connection", connection_of(config_, host_key_));
    }

    Session& session_;
    const Change& change_;
    const Value& config_;
    const std::string name_, pool_name_;
    PoolHandle pool_;
    DomainHandle domain_;
    std::string host_key_;
    bool wants_seed_ = false;
    std::set<std::string> files_;
    std::unique_ptr<Reservations::Hold> hold_;
};

void undefine(virDomainPtr domain, const std::string& name) {
    const unsigned all = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
                         VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | VIR_DOMAIN_UNDEFINE_NVRAM;
    const std::string doing = fmt::format("undefine '{}'", name);
    const int result = call(doing, {VIR_ERR_NO_DOMAIN, VIR_ERR_INVALID_ARG, VIR_ERR_NO_SUPPORT},
                            [&] { return virDomainUndefineFlags(domain, all); });
    if (result < 0 &&
        virGetLastErrorCode() != VIR_ERR_NO_DOMAIN) // the driver does not support all flags
        call(doing, {VIR_ERR_NO_DOMAIN}, [&] { return virDomainUndefine(domain); });
}

} // namespace

Value make_machine(Session& session, const Change& change) {
    return Machine(session, change).make();
}

void remove_machine(Session& session, const Change& change) {
    const DomainHandle domain(call("look up the domain", {VIR_ERR_NO_DOMAIN}, [&] {
        return virDomainLookupByUUIDString(session.connection.get(), change.identity.c_str());
    }));
    std::string name = change.before.text("name");
    std::string network = change.before.text("network");
    Lease lease = lease_of(change.before);
    if (domain) {
        name = virDomainGetName(domain.get());
        // No orderly shutdown: the disk is deleted anyway.
        session.progress("switching off");
        power_off(domain.get());
        const pugi::xml_document document =
            parse_xml(taken(call(fmt::format("read the domain '{}'", name), [&] {
                return virDomainGetXMLDesc(domain.get(), VIR_DOMAIN_XML_INACTIVE);
            })));
        const pugi::xml_node nic = document.child("domain").child("devices").child("interface");
        network = nic.child("source").attribute("network").value();
        lease.mac = nic.child("mac").attribute("address").value();
        lease.name = name;
    }
    delete_own_files(session, change.before["base"].text("pool"), name, change.identity);
    if (!network.empty() && !lease.address.empty())
        remove_lease(session.connection, network, lease);
    if (domain) undefine(domain.get(), name);
}

} // namespace hadeploy::libvirt
