#include "providers/libvirt/machine.h"
#include "providers/libvirt/power.h"
#include "providers/libvirt/seed.h"

#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>
#include <map>
#include <nlohmann/json.hpp>

using namespace hadeploy;
using namespace hadeploy::libvirt;
using Json = nlohmann::json;

namespace {
const SeedShape kShape{.instance_id = "node1-42",
                       .host_name = "node1",
                       .user = "ops",
                       .authorized_key = "ssh-ed25519 AAAAuser operator",
                       .host_key_private =
                           "-----BEGIN OPENSSH PRIVATE KEY-----\n\"quoted\": {x}\n-----END\n",
                       .host_key_public = "ssh-ed25519 AAAAhost node1"};

std::map<std::string, std::string> files_in(const std::string& image) {
    std::map<std::string, std::string> out;
    archive* a = archive_read_new();
    archive_read_support_format_iso9660(a);
    REQUIRE(archive_read_open_memory(a, image.data(), image.size()) == ARCHIVE_OK);
    archive_entry* entry = nullptr;
    while (archive_read_next_header(a, &entry) == ARCHIVE_OK) {
        if (archive_entry_filetype(entry) != AE_IFREG) continue;
        std::string content(static_cast<std::size_t>(archive_entry_size(entry)), '\0');
        archive_read_data(a, content.data(), content.size());
        out[archive_entry_pathname(entry)] = content;
    }
    archive_read_free(a);
    return out;
}
} // namespace

TEST_CASE("the seed is an ISO image labelled cidata with two files") {
    const std::string image = seed_image(kShape);
    // the primary volume descriptor, which contains the label
    CHECK(image.substr(0x8001, 5) == "CD001");
    std::string label = image.substr(0x8000 + 40, 32);
    label.erase(label.find_last_not_of(' ') + 1);
    for (char& c : label) c = static_cast<char>(std::tolower(c));
    CHECK(label == "cidata");
    const auto files = files_in(image);
    REQUIRE(files.size() == 2);
    CHECK(files.at("meta-data") == meta_data(kShape));
    CHECK(files.at("user-data") == user_data(kShape));
}

TEST_CASE("user-data creates the user and sets the host key") {
    const std::string text = user_data(kShape);
    const std::string head = "#cloud-config\n";
    REQUIRE(text.starts_with(head));
    const Json data = Json::parse(text.substr(head.size()));
    CHECK(data["ssh_keys"]["ed25519_private"] == kShape.host_key_private);
    CHECK(data["ssh_keys"]["ed25519_public"] == kShape.host_key_public);
    CHECK(data["ssh_genkeytypes"] == Json::array());
    CHECK(data["ssh_deletekeys"] == true);
    REQUIRE(data["users"].size() == 1);
    CHECK(data["users"][0]["name"] == "ops");
    CHECK(data["users"][0]["lock_passwd"] == true);
    CHECK(data["users"][0]["ssh_authorized_keys"] == Json::array({kShape.authorized_key}));
    CHECK(data["hostname"] == "node1");
    const Json meta = Json::parse(meta_data(kShape));
    CHECK(meta["instance-id"] == "node1-42");
    CHECK(meta["local-hostname"] == "node1");
}

TEST_CASE("a later boot without the seed is not a new instance") {
    const Json data = Json::parse(user_data(kShape).substr(sizeof("#cloud-config\n") - 1));
    CHECK(data["write_files"][0]["content"].get<std::string>().find("manual_cache_clean: true") !=
          std::string::npos);
}

TEST_CASE("the end of a console is readable") {
    CHECK(last_lines("a\r\nb\r\nc\r\n", 2) == "b\nc");
    CHECK(last_lines("\x1b[0;32mOK\x1b[0m\x07 done\n\n\n", 5) == "OK done");
    CHECK(last_lines("one", 3) == "one");
    CHECK(last_lines("", 3) == "");
    CHECK(last_lines("\xff\xfe tail \x1b[", 3) == " tail ");
}

TEST_CASE("available memory") {
    CHECK(available_memory("MemTotal:  100 kB\nMemFree: 10 kB\nMemAvailable:   2048 kB\n") ==
          2048 * 1024);
    CHECK(available_memory("") == 0);
}

TEST_CASE("machines that start at the same time share the free memory") {
    Reservations memory;
    const std::int64_t gib = std::int64_t{1} << 30;
    auto first = memory.take(2 * gib, 5 * gib);
    const auto second = memory.take(2 * gib, 5 * gib);
    try {
        (void)memory.take(2 * gib, 5 * gib);
        FAIL("reserved twice");
    } catch (const Error& e) {
        CHECK(e.message ==
              "the host does not have enough memory: the machine needs 2 GiB, 5 GiB is free");
        REQUIRE(e.notes.size() == 1);
        CHECK(e.notes[0].text == "machines that are starting will use 4 GiB of it");
        CHECK(e.hint == "reduce the memory of the machines, or free memory on the host");
    }
    first.reset();
    CHECK_NOTHROW(memory.take(2 * gib, 5 * gib));
}
