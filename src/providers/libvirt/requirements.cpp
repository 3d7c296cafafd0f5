#include "providers/libvirt/requirements.h"

#include "core/archive.h"
#include "core/secrecy.h"
#include "providers/libvirt/connection.h"
#include "providers/libvirt/domain_xml.h"
#include "providers/libvirt/image.h"
#include "providers/libvirt/inventory.h"
#include "providers/libvirt/machine.h"
#include "providers/libvirt/power.h"
#include "providers/libvirt/xml.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <optional>
#include <set>
#include <sys/utsname.h>
#include <unistd.h>

namespace hadeploy::libvirt {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kGibibyte = std::int64_t{1} << 30;
/// A base image is a gigabyte, and its unpacked packages are twice as large while it is built.
constexpr std::int64_t kSpaceForImage = 3 * kGibibyte;
/// Disks grow as their machines write.
constexpr std::int64_t kSpaceForDisk = 2 * kGibibyte;

struct Tool {
    const char* program;
    const char* package;
};
constexpr std::array kImageTools{Tool{"bash", "bash"},        Tool{"mmdebstrap", "mmdebstrap"},
                                 Tool{"mke2fs", "e2fsprogs"}, Tool{"qemu-img", "qemu-utils"},
                                 Tool{"cpio", "cpio"},        Tool{"xz", "xz-utils"},
                                 Tool{"zstd", "zstd"}};

/// The machine that runs the virtual machines.
struct Host {
    std::string arch;
    bool emulator = false;
    bool kvm = false;
    std::int64_t memory = 0; ///< bytes
    /// Bytes for more machines; nullopt if unknown, as on a remote host.
    std::optional<std::int64_t> available = {};
    std::map<std::string, std::int64_t> running = {}; ///< bytes of the project's machines, by name
};

/// The memory of the project's running machines, by their names.
std::map<std::string, std::int64_t> running_machines(Inventory& inventory) {
    std::map<std::string, std::int64_t> out;
    for (const Inventory::Domain& domain : inventory.domains()) {
        if (!is_active(domain.state)) continue;
        const pugi::xml_document document =
            parse_xml(taken(call(fmt::format("read the domain '{}'", domain.name),
                                 [&] { return virDomainGetXMLDesc(domain.handle.get(), 0); })));
        if (metadata(document.child("domain"), "project") == inventory.project())
            out[domain.name] = domain.memory_kib * 1024;
    }
    return out;
}

/// What can be known of this machine while libvirt does not respond.
Host this_machine(const ProviderContext& context) {
    utsname names{};
    ::uname(&names);
    std::error_code ignored;
    const std::string arch = names.machine;
    return {.arch = arch,
            .emulator = !find_program("qemu-system-" + arch, context).empty(),
            .kvm = fs::exists("/dev/kvm", ignored),
            .memory = std::int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE)};
}

class Checkup {
  public:
    Checkup(const ProviderUse& use, const ProviderContext& context)
        : use_(use), context_(context), uri_(use.settings["uri"]),
          local_(!uri_.is_string() || host_of(uri_.as_string()).empty()) {}

    std::vector<Prerequisite> run() && {
        const std::shared_ptr<Connection> connection = connect();
        const bool real = connection == nullptr || !connection->mock();
        if (use_.has("libvirt.domain") && (connection != nullptr || local_)) {
            const Host host = connection == nullptr ? this_machine(context_) : host_at(*connection);
            if (real) {
                check_emulator(host);
                // without an emulator, libvirt does not know about KVM
                check_kvm(host.emulator || !local_ ? host.kvm : this_machine(context_).kvm);
            }
            check_memory(host);
        }
        if (local_ && real) {
            check_network();
            check_pools();
        }
        check_images();
        if (use_.has("libvirt.domain"))
            if (const auto error = loading_error(libarchive, "archive_write_new"))
                out_.push_back(Prerequisite::missing("libarchive", *error));
        return std::move(out_);
    }

  private:
    std::shared_ptr<Connection> connect() {
        if (uri_.is_unknown()) return nullptr;
        const std::string uri = use_.settings.text("uri", "qemu:///system");
        try {
            auto connection = Connection::open(uri);
            out_.push_back(Prerequisite::met("libvirt", "connected to " + redacted(uri_, uri)));
            return connection;
        } catch (const Error& error) {
            out_.push_back(refused(error));
            return nullptr;
        }
    }

    Prerequisite refused(const Error& error) const {
        const bool installed = !find_program("libvirtd", context_).empty() ||
                               !find_program("virtqemud", context_).empty();
        if (local_ && !installed && !uri_.secret())
            return Prerequisite::missing(
                "libvirt", error.message,
                how_to_install({"libvirt-daemon-system", "libvirt-clients", "qemu-system-x86",
                                "qemu-utils", "dnsmasq-base"},
                               context_));
        Prerequisite out = Prerequisite::missing("libvirt", error);
        // the message contains the host and other parts of the URI
        if (uri_.secret()) out.message = "cannot connect to libvirt: its `uri` is secret";
        return out;
    }

    void check_emulator(const Host& host) {
        if (host.emulator)
            out_.push_back(
                Prerequisite::met("QEMU", fmt::format("there is an emulator for {}", host.arch)));
        else
            out_.push_back(Prerequisite::missing(
                "QEMU", fmt::format("there is no emulator for {}", host.arch),
                how_to_install({host.arch == "x86_64" ? "qemu-system-x86" : "qemu-system-arm"},
                               context_)));
    }

    void check_kvm(bool offered) {
        const std::string cpuinfo = local_ ? proc_text("/proc/cpuinfo") : "";
        if (use_kvm("auto", offered, local_, cpuinfo)) {
            out_.push_back(Prerequisite::met("KVM", "machines run with hardware acceleration"));
            return;
        }
        const bool required = std::any_of(use_.resources.begin(), use_.resources.end(),
                                          [](const ProviderUse::Resource& used) {
                                              return used.type->name == "libvirt.domain" &&
                                                     used.config.text("accelerator") == "kvm";
                                          });
        auto [message, fix] = lack_of_kvm(offered);
        out_.push_back(required ? Prerequisite::missing("KVM", message, fix)
                                : Prerequisite::limited("KVM", message, fix));
    }

    /// Why there is no KVM, and what to do.
    std::pair<std::string, std::string> lack_of_kvm(bool offered) const {
        const std::string slow = ", so machines are emulated, which is slow";
        std::error_code ignored;
        if (!local_) return {"libvirt does not offer KVM" + slow, "enable KVM on the libvirt host"};
        if (offered)
            return {"the processor does not report virtualization (vmx or svm)" + slow,
                    "enable virtualization in the firmware; within a virtual machine, nested "
                    "virtualization on its host"};
        if (!fs::exists("/dev/kvm", ignored))
            return {"there is no /dev/kvm" + slow,
                    as_root("modprobe -a kvm_intel kvm_amd") +
                        "; if that fails, enable virtualization in the firmware, or nested "
                        "virtualization on the host of this virtual machine"};
        return {"/dev/kvm exists, but libvirt does not offer KVM" + slow,
                "let the user that runs QEMU open it (`ls -l /dev/kvm`), then restart libvirtd"};
    }

    Host host_at(const Connection& connection) const {
        Host out{connection.arch(), connection.has_emulator(), connection.offers_kvm(),
                 connection.memory()};
        if (local_ && !connection.mock())
            out.available = available_memory(proc_text("/proc/meminfo"));
        Inventory inventory(connection, context_.project);
        if (!use_.no_spec) out.running = running_machines(inventory);
        return out;
    }

    void check_memory(const Host& host) {
        MemoryNeed need{.total = host.memory, .available = host.available};
        std::size_t machines = 0;
        for (const ProviderUse::Resource& used : use_.resources) {
            if (used.type->name != "libvirt.domain") continue;
            ++machines;
            need.needed += used.config.integer("memory");
            if (const auto found = host.running.find(used.config.text("name"));
                found != host.running.end())
                need.in_use += found->second;
        }
        std::string message = fmt::format("the host has {}", rounded_bytes(need.total));
        if (need.available)
            message += fmt::format(", {} available", rounded_bytes(*need.available));
        if (machines > 0)
            message += fmt::format("; {} machine{} of the spec need{} {}", machines,
                                   machines == 1 ? "" : "s", machines == 1 ? "s" : "",
                                   rounded_bytes(need.needed));
        if (need.in_use > 0)
            message += fmt::format(", of which those that run have {}", rounded_bytes(need.in_use));
        out_.push_back(is_met(need)
                           ? Prerequisite::met("memory", message)
                           : Prerequisite::missing("memory", message,
                                                   "reduce `memory` of the machines, use fewer, or "
                                                   "free memory on the host"));
    }

    /// libvirt starts dnsmasq for DHCP and DNS.
    void check_network() {
        if (!use_.has("libvirt.network")) return;
        if (const std::string found = find_program("dnsmasq", context_); !found.empty())
            out_.push_back(Prerequisite::met("dnsmasq", found));
        else
            out_.push_back(Prerequisite::missing(
                "dnsmasq", "libvirt needs it for DHCP and DNS of a libvirt.network",
                how_to_install({"dnsmasq-base"}, context_)));
    }

    void check_pools() {
        std::set<std::string> paths;
        for (const ProviderUse::Resource& used : use_.resources)
            if (used.type->name == "libvirt.pool" && used.config["path"].is_string())
                paths.insert(used.config.text("path"));
        if (use_.no_spec) paths.insert("/var/lib/libvirt/images");
        for (const std::string& path : paths)
            check_space(paths.size() == 1 ? "disk space" : "disk space of " + path, path,
                        kSpaceForDisk, "free some space, or set `path` of the libvirt.pool");
    }

    void check_space(std::string name, const fs::path& path, std::int64_t least, std::string fix) {
        const std::optional<std::int64_t> free = free_space(path);
        if (!free) return;
        std::string message = fmt::format("{} free for {}", rounded_bytes(*free), path.string());
        if (*free >= least)
            out_.push_back(Prerequisite::met(std::move(name), std::move(message)));
        else
            out_.push_back(
                Prerequisite::limited(std::move(name),
                                      fmt::format("{}, which may be too little (less than {})",
                                                  message, rounded_bytes(least)),
                                      std::move(fix)));
    }

    /// Whether apply has to build an image: none of the spec's images is in the cache.
    [[nodiscard]] bool builds_images() const {
        return std::any_of(
            use_.resources.begin(), use_.resources.end(), [&](const ProviderUse::Resource& used) {
                const Value& recipe = used.config["bootstrap"];
                if (used.type->name != "libvirt.volume" || recipe.is_null()) return false;
                std::error_code ignored;
                return recipe.contains_unknown() ||
                       !fs::exists(cached_image(context_.cache_dir, recipe).disk, ignored);
            });
    }

    [[nodiscard]] bool has_images() const {
        return use_.no_spec || std::any_of(use_.resources.begin(), use_.resources.end(),
                                           [](const ProviderUse::Resource& used) {
                                               return used.type->name == "libvirt.volume" &&
                                                      !used.config["bootstrap"].is_null();
                                           });
    }

    void check_images() {
        if (!has_images()) return;
        if (!use_.no_spec && !builds_images()) {
            out_.push_back(Prerequisite::met("base image", "already built, in the cache"));
            return;
        }
        std::vector<std::string> programs, packages;
        for (const Tool& tool : kImageTools)
            if (find_program(tool.program, context_).empty()) {
                programs.emplace_back(tool.program);
                packages.emplace_back(tool.package);
            }
        const std::string otherwise =
            ", or use an existing image (`url` with `checksum`, or `file`)";
        if (find_program("apt-get", context_).empty())
            out_.push_back(Prerequisite::missing(
                "base image", "it is built with apt, which this machine does not have",
                "use an existing image (`url` with `checksum`, or `file`)"));
        else if (!programs.empty())
            out_.push_back(Prerequisite::missing(
                "base image", fmt::format("to build it, {} is missing", fmt::join(programs, ", ")),
                how_to_install(packages, context_)));
        else if (::geteuid() != 0)
            out_.push_back(Prerequisite::missing("base image", "only root can build it",
                                                 "run apply as root" + otherwise));
        else
            out_.push_back(Prerequisite::met("base image", "the tools to build it are installed"));
        check_space("image cache", context_.cache_dir, kSpaceForImage,
                    "free some space, or set XDG_CACHE_HOME to another directory");
    }

    const ProviderUse& use_;
    const ProviderContext& context_;
    const Value uri_;
    const bool local_;
    std::vector<Prerequisite> out_;
};

} // namespace

bool is_met(const MemoryNeed& need) {
    return need.needed <= need.total &&
           (!need.available || need.needed - need.in_use <= *need.available);
}

std::vector<Prerequisite> requirements(const ProviderUse& use, const ProviderContext& context) {
    return Checkup(use, context).run();
}

} // namespace hadeploy::libvirt
