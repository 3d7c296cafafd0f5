#include "providers/libvirt/seed.h"
#include "core/archive.h"

#include "core/error.h"

#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>

namespace hadeploy::libvirt {

// JSON is valid YAML and quotes every string correctly.
using Json = nlohmann::ordered_json;

std::string meta_data(const SeedShape& shape) {
    return Json{{"instance-id", shape.instance_id}, {"local-hostname", shape.host_name}}.dump(2) +
           "\n";
}

std::string user_data(const SeedShape& shape) {
    Json user = {
        {"name", shape.user},
        {"shell", "/bin/bash"},
        {"lock_passwd", true},
        {"sudo", "ALL=(ALL) NOPASSWD:ALL"},
        {"ssh_authorized_keys", {shape.authorized_key}},
    };
    // The seed is removed after the first boot. With these settings, cloud-init does not take the
    // missing seed for a new instance that needs host keys and a host name.
    Json keep = {
        {"path", "/etc/cloud/cloud.cfg.d/99-keep-instance.cfg"},
        {"content", "manual_cache_clean: true\nssh_deletekeys: false\nssh_genkeytypes: []\n"
                    "preserve_hostname: true\n"},
    };
    Json data = {
        {"hostname", shape.host_name},
        {"users", Json::array({std::move(user)})},
        {"ssh_pwauth", false},
        {"ssh_deletekeys", true},
        {"ssh_genkeytypes", Json::array()},
        {"ssh_keys",
         {{"ed25519_private", shape.host_key_private}, {"ed25519_public", shape.host_key_public}}},
        {"write_files", Json::array({std::move(keep)})},
        // without this command, a power failure in the first 30 seconds would leave the files above
        // empty
        {"runcmd", Json::array({Json::array({"sync"})})},
    };
    return "#cloud-config\n" + data.dump(2) + "\n";
}

namespace {
void check(archive* writer, int result) {
    if (result != ARCHIVE_OK) {
        const char* reason = archive_error_string(writer);
        throw Error(ErrorKind::failed,
                    fmt::format("cannot create the cloud-init image: {}",
                                reason != nullptr ? reason : "libarchive gave no reason"));
    }
}

la_ssize_t append(archive*, void* out, const void* data, std::size_t size) {
    static_cast<std::string*>(out)->append(static_cast<const char*>(data), size);
    return static_cast<la_ssize_t>(size);
}
} // namespace

std::string seed_image(const std::vector<std::pair<std::string, std::string>>& files) {
    std::string out;
    const std::unique_ptr<archive, Freed<archive_write_free>> writer(archive_write_new());
    archive* const a = writer.get();
    check(a, archive_write_set_format_iso9660(a));
    check(a, archive_write_set_options(a, "volume-id=cidata,rockridge=useful,joliet,!pad"));
    check(a, archive_write_set_bytes_in_last_block(a, 1));
    check(a, archive_write_open(a, &out, nullptr, append, nullptr));
    for (const auto& [name, content] : files) {
        const std::unique_ptr<archive_entry, Freed<archive_entry_free>> entry(archive_entry_new());
        archive_entry_set_pathname(entry.get(), name.c_str());
        archive_entry_set_size(entry.get(), static_cast<la_int64_t>(content.size()));
        archive_entry_set_filetype(entry.get(), AE_IFREG);
        archive_entry_set_perm(entry.get(), 0600);
        check(a, archive_write_header(a, entry.get()));
        if (archive_write_data(a, content.data(), content.size()) !=
            static_cast<la_ssize_t>(content.size()))
            check(a, ARCHIVE_FATAL);
    }
    check(a, archive_write_close(a));
    return out;
}

std::string seed_image(const SeedShape& shape) {
    return seed_image({{"meta-data", meta_data(shape)}, {"user-data", user_data(shape)}});
}

} // namespace hadeploy::libvirt
