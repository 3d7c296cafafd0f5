#include "support.h"

#include "pack/image.h"

#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>

using namespace hadeploy::svc;
using namespace hadeploy::svc::test;
using hadeploy::pack::build_image;
using hadeploy::pack::Image;

namespace {

struct Entry {
    std::string content;
    unsigned mode;
    std::int64_t mtime;
    std::int64_t owner;
    bool is_directory;
};

std::map<std::string, Entry> untar(const std::string& bytes) {
    std::map<std::string, Entry> entries;
    archive* reader = archive_read_new();
    archive_read_support_format_tar(reader);
    REQUIRE(archive_read_open_memory(reader, bytes.data(), bytes.size()) == ARCHIVE_OK);
    archive_entry* entry = nullptr;
    while (archive_read_next_header(reader, &entry) == ARCHIVE_OK) {
        std::string content(static_cast<std::size_t>(archive_entry_size(entry)), '\0');
        archive_read_data(reader, content.data(), content.size());
        entries[archive_entry_pathname(entry)] = {
            content, archive_entry_perm(entry), archive_entry_mtime(entry),
            archive_entry_uid(entry) + archive_entry_gid(entry),
            archive_entry_filetype(entry) == AE_IFDIR};
    }
    archive_read_free(reader);
    return entries;
}

std::string sha256(const std::string& bytes) {
    std::array<unsigned char, 32> digest{};
    EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
    std::string hex;
    for (const unsigned char byte : digest) {
        std::array<char, 3> two{};
        std::snprintf(two.data(), two.size(), "%02x", byte);
        hex += two.data();
    }
    return hex;
}

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

Image image_of(const std::string& program) {
    return build_image({"demo", program, 5000, 10000, "x86_64"});
}

/// The only layer of a service's built image.
std::map<std::string, Entry> layer_of(const std::string& service) {
    const auto archive = untar(read_file(std::string(HADEPLOY_IMAGES_DIR "/") + service + ".tar"));
    const Json manifest = Json::parse(archive.at("manifest.json").content);
    return untar(archive.at(manifest[0]["Layers"][0]).content);
}

/// Unpacks a layer like Docker.
void unpack(const std::map<std::string, Entry>& layer, const std::string& root) {
    for (const auto& [name, entry] : layer) {
        const std::string path = root + "/" + name;
        if (entry.is_directory)
            std::filesystem::create_directories(path);
        else
            std::ofstream(path, std::ios::binary) << entry.content;
        ::chmod(path.c_str(), entry.mode);
    }
}

/// Answers every A query for `database` with 127.0.0.1, as Docker's server on 127.0.0.11 does for a
/// service's name, and all others with "no such name".
class FakeDns {
  public:
    FakeDns() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(53);
        address.sin_addr.s_addr = htonl(0x7F00000B);
        REQUIRE(::bind(socket_.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
                0);
        const timeval wait{0, 50'000};
        ::setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
        thread_ = std::thread([this] { serve(); });
    }
    ~FakeDns() {
        stopping_ = true;
        thread_.join();
    }

  private:
    void serve() {
        const std::string question("\x08"
                                   "database\0\0\1\0\1",
                                   14);
        while (!stopping_) {
            std::array<char, 512> buffer{};
            sockaddr_in peer{};
            socklen_t length = sizeof peer;
            const ssize_t got = ::recvfrom(socket_.fd(), buffer.data(), buffer.size(), 0,
                                           reinterpret_cast<sockaddr*>(&peer), &length);
            if (got < 12) continue;
            const std::string asked(buffer.data() + 12, static_cast<std::size_t>(got - 12));
            const bool known = asked.starts_with(question);
            std::string answer(buffer.data(), 2);
            answer += known ? std::string("\x81\x80\0\1\0\1\0\0\0\0", 10)
                            : std::string("\x81\x83\0\1\0\0\0\0\0\0", 10);
            answer += known ? question : asked;
            if (known) answer += std::string("\xc0\x0c\0\1\0\1\0\0\0\1\0\4\x7f\0\0\1", 16);
            ::sendto(socket_.fd(), answer.data(), answer.size(), 0,
                     reinterpret_cast<const sockaddr*>(&peer), length);
        }
    }

    Socket socket_;
    std::atomic<bool> stopping_ = false;
    std::thread thread_;
};

/// Moves the calling thread to a new network namespace with only its loopback interface.
bool set_loopback(bool up) {
    const Socket socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    request.ifr_name[0] = 'l';
    request.ifr_name[1] = 'o';
    request.ifr_flags = up ? IFF_UP : 0;
    return ::ioctl(socket.fd(), SIOCSIFFLAGS, &request) == 0;
}

bool enter_own_network() {
    return ::unshare(CLONE_NEWNET) == 0 && set_loopback(true);
}

bool own_network_possible() {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(::geteuid() == 0 && enter_own_network() ? 0 : 1);
    int status = 1;
    return ::waitpid(child, &status, 0) == child && status == 0;
}

} // namespace

TEST_CASE("the same program gives the same image, another program another image") {
    const TempDir directory;
    const std::string program = directory.path() + "/program";
    std::ofstream(program) << "one";
    const Image first = image_of(program);
    std::filesystem::last_write_time(program, std::filesystem::file_time_type::clock::now() -
                                                  std::chrono::hours(5));
    const Image again = image_of(program);
    CHECK(first.archive == again.archive);
    std::ofstream(program) << "two";
    CHECK(image_of(program).id != first.id);
    CHECK(build_image({"demo", program, 5001, 10000, "x86_64"}).id != image_of(program).id);
    CHECK_THROWS(image_of(directory.path() + "/nothing"));
    CHECK_THROWS(build_image({"demo", program, 5000, 10000, "mips"}));
}

TEST_CASE("the archive is valid for docker load, and its digests are correct") {
    const TempDir directory;
    const std::string program = directory.path() + "/program";
    std::ofstream(program) << "a program";
    const Image image = image_of(program);
    const auto archive = untar(image.archive);
    const Json manifest = Json::parse(archive.at("manifest.json").content);
    REQUIRE(manifest.size() == 1);
    const std::string config = archive.at(manifest[0]["Config"]).content;
    CHECK(image.id == "sha256:" + sha256(config));
    CHECK(manifest[0]["Config"] == sha256(config) + ".json");
    CHECK(manifest[0]["RepoTags"] ==
          Json::array({"hadeploy/demo:" + sha256(config).substr(0, 12)}));
    CHECK(image.tag == manifest[0]["RepoTags"][0]);
    const std::string layer = archive.at(manifest[0]["Layers"][0]).content;
    const Json described = Json::parse(config);
    CHECK(described["rootfs"]["diff_ids"] == Json::array({"sha256:" + sha256(layer)}));
    CHECK(described["config"]["Entrypoint"] == Json::array({"/demo"}));
    CHECK(described["config"]["User"] == "10000:10000");
    CHECK(described["architecture"] == "amd64");
    const auto files = untar(layer);
    CHECK(files.at("demo").content == "a program");
    CHECK(files.at("demo").mode == 0755);
    CHECK(files.at("tmp/").mode == 01777);
    CHECK(files.at("etc/passwd").content.find("service:x:10000:10000:") != std::string::npos);
    for (const auto& entries : {archive, files})
        for (const auto& entry : entries) {
            CAPTURE(entry.first);
            CHECK(entry.second.mtime == 0);
            CHECK(entry.second.owner == 0);
        }
}

TEST_CASE("the built images contain the built programs and stay small") {
    for (const char* name : {"web", "database", "logger", "visualizer", "docker-reader", "hello"}) {
        const auto layer = layer_of(name);
        CHECK_MESSAGE(layer.at(name).content ==
                          read_file(std::string(HADEPLOY_SERVICES_DIR "/") + name),
                      name);
        CHECK_MESSAGE(layer.at(name).content.size() < 4'000'000, name);
    }
}

TEST_SUITE("own network" * doctest::skip(!own_network_possible())) {

    TEST_CASE(
        "inside its image, without a loader, a program finds its peer by name and runs as nobody "
        "special") {
        std::thread inside([] {
            REQUIRE(enter_own_network());
            const TempDir root;
            unpack(layer_of("web"), root.path());
            ::chmod(root.path().c_str(), 0755);
            std::ofstream(root.path() + "/etc/resolv.conf")
                << "nameserver 127.0.0.11\noptions ndots:0\n";
            std::ofstream(root.path() + "/etc/hosts") << "127.0.0.1 localhost\n";
            const FakeDns dns;
            const TempDir data;
            Service database("database", {{"DATA_DIR", data.path()}, {"LOGGER", "127.0.0.1:1"}});
            const std::string port = std::to_string(database.port());
            Service web("web", {{"DATABASE", "database:" + port}, {"LINGER_MS", "1"}}, root.path());
            CHECK(eventually([&] { return get_json(web.port(), "/readyz").status == 200; }));
            Service lost(
                "web",
                {{"DATABASE", "nobody:" + port}, {"REQUEST_TIMEOUT_MS", "500"}, {"LINGER_MS", "1"}},
                root.path());
            const Reply reply = get_json(lost.port(), "/readyz");
            CHECK(reply.status == 503);
            CHECK(reply.body.at("error").at("message").get<std::string>().find("not known") !=
                  std::string::npos);
        });
        inside.join();
    }

    TEST_CASE("a service that does not answer its own requests ends") {
        std::thread inside([] {
            REQUIRE(enter_own_network());
            const TempDir data;
            Service database("database", {{"DATA_DIR", data.path()},
                                          {"LOGGER", "127.0.0.1:1"},
                                          {"PORT", "7000"},
                                          {"WATCHDOG_MS", "20"}});
            REQUIRE(
                eventually([&] { return database.log().find("healthy") != std::string::npos; }));
            CHECK(database.log().find("hangs") == std::string::npos);
            REQUIRE(set_loopback(false));
            CHECK(database.wait() == 1);
            CHECK(database.log().find("hangs") != std::string::npos);
        });
        inside.join();
    }

} // TEST_SUITE
