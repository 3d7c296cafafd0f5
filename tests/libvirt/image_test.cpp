#include "core/hash.h"
#include "harness.h"
#include "providers/libvirt/download.h"
#include "providers/libvirt/image.h"

#include <httplib.h>
#include <thread>

using namespace hadeploy;
using namespace hadeploy::libvirt;
using namespace hadeploy::libvirt::test;

namespace {

std::string qcow2(std::uint64_t size) {
    std::string head("QFI\xfb\0\0\0\3", 8);
    head.resize(64);
    for (int i = 0; i < 8; ++i)
        head[static_cast<std::size_t>(24 + i)] = static_cast<char>(size >> (56 - 8 * i));
    return head;
}

/// A web server on loopback that serves one image and counts the requests.
class Web {
  public:
    explicit Web(std::string image) {
        server_.Get("/image", [this, image](const httplib::Request&, httplib::Response& r) {
            ++asked;
            r.set_content(image, "application/octet-stream");
        });
        server_.Get("/short", [](const httplib::Request&, httplib::Response& r) {
            r.set_content_provider(
                1000, "application/octet-stream",
                [](std::size_t, std::size_t, httplib::DataSink&) { return false; });
        });
        port_ = server_.bind_to_any_port("127.0.0.1");
        thread_ = std::thread([this] { server_.listen_after_bind(); });
    }
    Web(const Web&) = delete;
    Web& operator=(const Web&) = delete;
    ~Web() {
        server_.stop();
        thread_.join();
    }
    [[nodiscard]] std::string url(const std::string& path) const {
        return "http://127.0.0.1:" + std::to_string(port_) + path;
    }
    std::atomic<int> asked = 0;

  private:
    httplib::Server server_;
    int port_ = 0;
    std::thread thread_;
};

/// A session without libvirt, for the steps before an upload.
struct Local {
    TempDir cache;
    ProviderContext context{.project_dir = {},
                            .data_dir = {},
                            .cache_dir = cache.path(),
                            .project = "demo",
                            .lineage = {},
                            .stop = {}};
    Connection connection;
    Reservations memory;
    std::vector<std::string> steps;
    Session session{connection, context, memory,
                    [this](std::string_view s) { steps.emplace_back(s); }};

    [[nodiscard]] std::size_t files() const {
        std::size_t n = 0;
        for (const auto& e : std::filesystem::recursive_directory_iterator(cache.path()))
            n += e.is_regular_file();
        return n;
    }
};

} // namespace

TEST_CASE("format and size of a disk image") {
    const TempDir dir;
    const DiskFormat q = inspect_disk(dir.write("a", qcow2(8ull << 30)));
    CHECK(q.format == "qcow2");
    CHECK(q.size == std::int64_t{8} << 30);
    const DiskFormat raw = inspect_disk(dir.write("b", std::string(4096, '\0')));
    CHECK(raw.format == "raw");
    CHECK(raw.size == 4096);
    CHECK_THROWS_WITH_AS(inspect_disk(dir.write("c", "")), doctest::Contains("is empty"), Error);
    CHECK_THROWS_WITH_AS(inspect_disk(dir.write("d", "\xfd"
                                                     "7zXZ....")),
                         doctest::Contains("xz-compressed"), Error);
    CHECK_THROWS_WITH_AS(inspect_disk(dir.write("e", "<!DOCTYPE html>")),
                         doctest::Contains("web page"), Error);
    CHECK_THROWS_AS(inspect_disk(dir.path() / "none"), Error);
}

TEST_CASE("a download is verified, and taken from the cache the second time") {
    const std::string content = qcow2(1 << 20) + std::string(100'000, 'x');
    Web web(content);
    Local local;
    const std::string checksum = "sha256:" + sha256_hex(content);
    const Image image = download_image(local.session, web.url("/image"), checksum);
    CHECK(sha256_file(image.disk) == sha256_hex(content));
    CHECK(image.kernel.empty());
    CHECK(download_image(local.session, web.url("/image"), checksum).disk == image.disk);
    CHECK(web.asked == 1);
    CHECK(local.files() == 1);
}

TEST_CASE("a wrong checksum is reported with both values, and no file is left") {
    Web web("some image");
    Local local;
    const std::string wanted(64, 'a');
    try {
        download_image(local.session, web.url("/image"), "sha256:" + wanted);
        FAIL("accepted");
    } catch (const Error& e) {
        CHECK(e.message == "the checksum of " + web.url("/image") + " is wrong");
        REQUIRE(e.notes.size() == 2);
        CHECK(e.notes[0].text == "expected: sha256:" + wanted);
        CHECK(e.notes[1].text == "actual:   sha256:" + sha256_hex("some image"));
        CHECK(e.hint == "if the image was updated on purpose, use the new checksum; otherwise "
                        "do not trust it");
    }
    CHECK(local.files() == 0);
}

TEST_CASE("a failed download is reported with its cause, and no file is left") {
    Local local;
    std::string dead;
    {
        Web web("x");
        dead = web.url("/image");
        const std::string gone = web.url("/gone");
        CHECK_THROWS_WITH_AS(download_image(local.session, gone, "sha256:" + std::string(64, 'a')),
                             ("cannot download " + gone + ": the server answers 404").c_str(),
                             Error);
        try {
            download_image(local.session, web.url("/short"), "sha256:" + std::string(64, 'a'));
            FAIL("accepted");
        } catch (const Error& e) {
            CHECK(e.transient);
        }
    }
    try {
        download_image(local.session, dead, "sha256:" + std::string(64, 'a'));
        FAIL("accepted");
    } catch (const Error& e) {
        CHECK(e.transient);
        CHECK(e.message.find(dead) != std::string::npos);
    }
    CHECK(local.files() == 0);
}

TEST_CASE("a bootstrapped image is cached by its recipe") {
    const Value recipe = Value::map({{"suite", "bookworm"}, {"size", 8}});
    const std::string key = recipe_key(recipe);
    CHECK(key == recipe_key(recipe));
    CHECK(key != recipe_key(recipe.with("size", 9)));
    CHECK(key != recipe_key(recipe.with("packages", Value::list({"nginx"}))));

    Local local;
    const auto dir = local.cache.path() / "images" / key;
    std::filesystem::create_directories(dir);
    std::ofstream(dir / "root.qcow2") << qcow2(8);
    const Image image = bootstrap_image(local.session, recipe);
    CHECK(image.disk == dir / "root.qcow2");
    CHECK(image.kernel == dir / "vmlinuz");
    REQUIRE(local.steps.size() == 1);
    CHECK(local.steps[0].find("cache") != std::string::npos);
}
