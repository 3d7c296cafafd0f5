// Reads any bytes as a user's OpenSSH files. The input is an ssh_config, known_hosts and a
// `host_key`, separated by NULs; the configuration may include itself.
#include "fuzz.h"

#include "core/error.h"
#include "providers/ssh/host_keys.h"
#include "providers/ssh/ssh_config.h"

using namespace hadeploy;
using namespace hadeploy::fuzz;
using namespace hadeploy::ssh;

namespace {
void ask(const std::string& config) {
    const ConfigFile file{"config", config};
    try {
        read_ssh_config({file},
                        {.host = "web", .user = "", .local_user = "ann", .home = "/home/ann"},
                        [&](const std::string&) { return std::vector<ConfigFile>{file}; });
    } catch (const Error& error) {
        require(error.message.starts_with("config:"), "an error has its place");
    }
}

void look_up(const std::string& known_hosts) {
    for (const int port : {22, 2222}) {
        HostKeys keys;
        look_up_host(known_hosts, "web", port, keys);
        for (const PublicKey& key : keys.accepted)
            require(!keys.revokes(key), "what is revoked is not accepted");
        require(parse_host_keys(keys.text()).text() == keys.text(),
                "what known_hosts has is a host_key");
    }
}

void parse(const std::string& host_key) {
    try {
        const HostKeys keys = parse_host_keys(host_key);
        require(parse_host_keys(keys.text()).text() == keys.text(), "keys survive a round trip");
    } catch (const Error& error) {
        require(!error.hint.empty(), "an error says what to do");
    }
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    ask(std::string(input.until('\0')));
    look_up(std::string(input.until('\0')));
    parse(std::string(input.rest()));
    return 0;
}
