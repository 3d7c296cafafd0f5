// Creates and removes one real machine on qemu:///system. It takes minutes and needs root, so it
// runs with the ctest label "machines", or by hand where the machines can be reached:
//   scripts/lab up && scripts/lab exec libvirt_test --no-skip -tc='real machine'
// HADEPLOY_TEST_IMAGE names a directory with root.qcow2, vmlinuz and initrd.img, which saves the
// bootstrap.
#include "core/process.h"
#include "core/ssh_key.h"
#include "harness.h"
#include "providers/libvirt/image.h"

#include <chrono>
#include <cstdlib>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <thread>

using namespace hadeploy;
using namespace hadeploy::libvirt;
using namespace hadeploy::libvirt::test;

namespace {

const std::string kPrefix = "hdtest";

ProcessResult run(std::vector<std::string> argv) {
    return run_process({.argv = std::move(argv), .timeout = std::chrono::minutes(2)});
}
std::string virsh(std::vector<std::string> args) {
    args.insert(args.begin(), {"virsh", "-c", "qemu:///system"});
    return run(std::move(args)).out;
}

struct Lab : Harness {
    Lab() : Lab(std::make_shared<TempDir>()) {}
    explicit Lab(std::shared_ptr<TempDir> d)
        : Harness("qemu:///system", cache().path()), dir(std::move(d)) {
        key = make_ssh_key("test");
        key_file = dir->write("id", key.private_key);
        std::filesystem::permissions(key_file, std::filesystem::perms::owner_read);
        if (const char* image = std::getenv("HADEPLOY_TEST_IMAGE")) {
            const auto cached = cache().path() / "images" / recipe_key(volume()["bootstrap"]);
            if (std::filesystem::exists(cached)) return;
            std::filesystem::create_directories(cached.parent_path());
            std::filesystem::create_directory_symlink(image, cached);
        }
    }
    ~Lab() { remove_all(); }
    /// Shared, so that the base image is created only once.
    static const TempDir& cache() {
        static const TempDir directory;
        return directory;
    }
    Lab(const Lab&) = delete;
    Lab& operator=(const Lab&) = delete;

    Value network() const {
        return config("libvirt.network", Value::map({{"name", kPrefix}, {"cidr", "10.91.0.0/24"}}));
    }
    Value pool() const { return config("libvirt.pool", Value::map({{"name", kPrefix}})); }
    Value volume() const {
        return config(
            "libvirt.volume",
            Value::map({{"pool", kPrefix}, {"bootstrap", Value::map({{"suite", "bookworm"}})}}));
    }
    Value domain() const {
        return config("libvirt.domain",
                      Value::map({{"name", "virt1"},
                                  {"memory", "1 GiB"},
                                  {"vcpus", 2},
                                  {"network", kPrefix},
                                  {"address", "10.91.0.11"},
                                  {"base", base},
                                  {"ssh_key", Value::map({{"private_key_file", key_file.string()},
                                                          {"public_key", key.public_key}})}}));
    }

    Value made(const char* type, const Value& wanted, const char* address) {
        const auto begun = std::chrono::steady_clock::now();
        const Outcome out = create(type, wanted, address);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
        MESSAGE(fmt::format("{} {:.1f} s: {}", address, took.count(), fmt::join(out.steps, "; ")));
        REQUIRE_MESSAGE(out.attributes, described(out));
        return *out.attributes;
    }
    static std::string described(const Outcome& out) {
        if (!out.error) return {};
        std::string text = out.error->message + "\n" + out.error->hint;
        for (const Note& n : out.error->notes) text += "\n" + n.text;
        return text;
    }

    /// Runs a command in the guest, and verifies the host key in the connection.
    ProcessResult ssh(const Value& connection, const std::string& command) const {
        const auto known = dir->write("known_hosts", connection.text("address") + " " +
                                                         connection.text("host_key") + "\n");
        return run({"ssh", "-F", "none", "-i", key_file.string(), "-o", "StrictHostKeyChecking=yes",
                    "-o", "UserKnownHostsFile=" + known.string(), "-o", "BatchMode=yes", "-o",
                    "ConnectTimeout=20", connection.text("user") + "@" + connection.text("address"),
                    command});
    }

    void remove_all() {
        for (const auto& [type, config, address] :
             std::vector<std::tuple<const char*, Value, const char*>>{
                 {"libvirt.domain", domain(), "node"},
                 {"libvirt.volume", volume(), "base"},
                 {"libvirt.pool", pool(), "pool"},
                 {"libvirt.network", network(), "lab"}}) {
            const Outcome out = remove(type, config, address);
            CHECK_MESSAGE(out.attributes, described(out));
        }
    }

    std::shared_ptr<TempDir> dir;
    SshKey key;
    std::filesystem::path key_file;
    Value base = Value::map({{"pool", kPrefix}, {"path", "/none"}});
};

} // namespace

TEST_CASE("real machine" * doctest::skip()) {
    Lab lab;
    lab.made("libvirt.network", lab.network(), "lab");
    lab.made("libvirt.pool", lab.pool(), "pool");
    lab.base = lab.made("libvirt.volume", lab.volume(), "base");
    CHECK(lab.read("libvirt.volume", lab.volume(), "base").attributes.flag("complete"));

    const Value domain = lab.domain();
    const Value node = lab.made("libvirt.domain", domain, "node");
    const Value connection = node["connection"];
    const ProcessResult first =
        lab.ssh(connection, "hostname; sudo id -u; cat /proc/sys/kernel/random/boot_id");
    CHECK_MESSAGE(first.out.starts_with("virt1\n0\n"), (first.out + first.err));
    CHECK(virsh({"vol-list", kPrefix}).find("seed") == std::string::npos);
    // As an attribute: the three letters alone may also occur in the host key in the metadata.
    CHECK(virsh({"dumpxml", "--inactive", "virt1"}).find("dev='vdb'") == std::string::npos);

    SUBCASE("a run that changes nothing") {
        const RecordedResource known = recorded(domain, node);
        const std::int64_t before = counters().calls;
        const Observation seen = lab.read("libvirt.domain", domain, "node", &known);
        MESSAGE("libvirt calls to read one machine: " << counters().calls - before);
        CHECK(counters().calls - before <= 12);
        for (const char* name : {"running", "memory", "vcpus", "autostart", "complete"}) {
            CAPTURE(name);
            CHECK(seen.attributes[name] == node[name]);
        }
    }
    SUBCASE("switched off by hand: started again, with the same disk and host key") {
        virsh({"destroy", "virt1"});
        CHECK_FALSE(lab.read("libvirt.domain", domain, "node").attributes.flag("running", true));
        const Outcome out =
            lab.apply(Change::Kind::update, "libvirt.domain", "node", node, domain, {"running"});
        REQUIRE_MESSAGE(out.attributes, Lab::described(out));
        const ProcessResult second =
            lab.ssh(connection, "hostname; sudo id -u; cat /proc/sys/kernel/random/boot_id");
        CHECK_MESSAGE(second.out.starts_with("virt1\n0\n"), (second.out + second.err));
        CHECK(second.out != first.out);
    }
    SUBCASE("less memory at once, more processors by a graceful restart") {
        const Value smaller = domain.with("memory", std::int64_t{768} << 20);
        const Outcome out =
            lab.apply(Change::Kind::update, "libvirt.domain", "node", node, smaller, {"memory"});
        REQUIRE_MESSAGE(out.attributes, Lab::described(out));
        MESSAGE(fmt::format("memory: {}", fmt::join(out.steps, "; ")));
        CHECK(lab.read("libvirt.domain", smaller, "node").attributes["memory"] ==
              smaller["memory"]);
        const Value more = smaller.with("vcpus", 3);
        const Outcome restarted =
            lab.apply(Change::Kind::update, "libvirt.domain", "node", smaller, more, {"vcpus"});
        REQUIRE_MESSAGE(restarted.attributes, Lab::described(restarted));
        MESSAGE(fmt::format("vcpus: {}", fmt::join(restarted.steps, "; ")));
        CHECK(lab.ssh(connection, "nproc").out == "3\n");
    }
    lab.remove_all();
    CHECK(virsh({"list", "--all", "--name"}).find("virt1") == std::string::npos);
    CHECK(virsh({"net-list", "--all", "--name"}).find(kPrefix) == std::string::npos);
    CHECK_FALSE(std::filesystem::exists("/var/lib/libvirt/images/" + kPrefix));
}

TEST_CASE("real machine that does not boot shows the end of its console" * doctest::skip()) {
    Lab lab;
    lab.made("libvirt.network", lab.network(), "lab");
    lab.made("libvirt.pool", lab.pool(), "pool");
    lab.base = lab.made("libvirt.volume", lab.volume(), "base");
    // the kernel finds no root file system with this label and gives up
    const Value domain =
        lab.domain().with("cmdline", "root=LABEL=nothing").with("boot_timeout", 300'000);
    const Outcome out = lab.create("libvirt.domain", domain, "node");
    REQUIRE(out.error);
    MESSAGE(Lab::described(out));
    CHECK(out.error->message.find("switched itself off") != std::string::npos);
    REQUIRE(out.error->notes.size() == 1);
    CHECK(out.error->notes[0].text.find("no root file system 'LABEL=nothing'") !=
          std::string::npos);

    // with the mistake corrected, the next apply builds the incomplete machine again
    CHECK_FALSE(lab.read("libvirt.domain", domain, "node").attributes.flag("complete", true));
    const Value node = lab.made("libvirt.domain", lab.domain(), "node");
    CHECK(lab.ssh(node["connection"], "hostname").out == "virt1\n");
}

TEST_CASE("real machine that requires KVM has it, or the error says why not" * doctest::skip()) {
    Lab lab;
    lab.made("libvirt.network", lab.network(), "lab");
    lab.made("libvirt.pool", lab.pool(), "pool");
    lab.base = lab.made("libvirt.volume", lab.volume(), "base");
    const Value domain = lab.domain().with("accelerator", "kvm");
    const bool offered =
        virsh({"domcapabilities", "--virttype", "kvm"}).find("<domain>kvm") != std::string::npos;
    const Outcome out = lab.create("libvirt.domain", domain, "node");
    if (!out.error) {
        CHECK(offered);
        CHECK(lab.ssh((*out.attributes)["connection"], "hostname").out == "virt1\n");
        return;
    }
    MESSAGE(Lab::described(out));
    if (offered) { // but broken, as within virtual machines
        CHECK(out.error->message.find("kvm") != std::string::npos);
        CHECK(out.error->hint.find("accelerator: qemu") != std::string::npos);
        return;
    }
    CHECK(out.error->message.find("no KVM") != std::string::npos);
    CHECK(out.error->hint.find("accelerator: auto") != std::string::npos);
    CHECK(virsh({"list", "--all", "--name"}).find("virt1") == std::string::npos);
    CHECK(virsh({"vol-list", kPrefix}).find("virt1") == std::string::npos);
}

TEST_CASE("real machines created and removed concurrently" * doctest::skip()) {
    Lab lab;
    lab.made("libvirt.network", lab.network(), "lab");
    lab.made("libvirt.pool", lab.pool(), "pool");
    const Value empty =
        lab.config("libvirt.volume", Value::map({{"pool", kPrefix}, {"size", "1 GiB"}}));
    lab.base = lab.made("libvirt.volume", empty, "base");
    const auto all = [&](Change::Kind kind) {
        std::vector<Outcome> out(6);
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < out.size(); ++i)
            threads.emplace_back([&, i] {
                const std::string name = fmt::format("hdtest{}", i);
                const Value node = lab.domain()
                                       .with("name", name)
                                       .with("address", fmt::format("10.91.0.{}", 20 + i))
                                       .with("running", false) // an empty disk does not boot
                                       .without("mac");        // derived from the address
                const bool removes = kind == Change::Kind::remove;
                out[i] = lab.apply(kind, "libvirt.domain", name, removes ? node : Value(),
                                   removes ? Value() : node);
            });
        threads.clear();
        for (const Outcome& o : out) CHECK_MESSAGE(o.attributes, Lab::described(o));
    };
    for (int round = 0; round < 5; ++round) {
        all(Change::Kind::create);
        all(Change::Kind::create); // again, with the objects in place
        CHECK(virsh({"net-dumpxml", kPrefix}).find("ip='10.91.0.25'") != std::string::npos);
        all(Change::Kind::remove);
        CHECK(virsh({"net-dumpxml", kPrefix}).find("<host") == std::string::npos);
    }
}
