#include "providers/ssh/connection.h"

#include "core/error.h"
#include "core/file.h"
#include "core/secrecy.h"
#include "core/text.h"
#include "providers/ssh/host.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fmt/format.h>
#include <glob.h>
#include <libssh2.h>
#include <pwd.h>
#include <unistd.h>

namespace hadeploy::ssh {

namespace fs = std::filesystem;

namespace {
/// The maximum number of chained jump hosts; more indicate a loop.
constexpr int kMostHops = 8;
constexpr const char* kDefaultUser = "root";

/// "" if the file does not exist. /dev/null is the usual way to disable a configuration file.
std::string read_if_there(const std::string& file) {
    std::error_code error;
    if (!fs::exists(file, error) || fs::is_character_file(file, error)) return "";
    return read_file(file, 64u << 20, ErrorKind::spec);
}

/// A jump host: "[user@]host[:port]", optionally with "ssh://".
struct Destination {
    std::string user, host;
    std::optional<int> port;
};

Destination parse_destination(std::string_view text) {
    const std::string whole(text);
    constexpr std::string_view scheme = "ssh://";
    if (text.starts_with(scheme)) text.remove_prefix(scheme.size());
    Destination out;
    if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
        out.user = text.substr(0, at);
        text.remove_prefix(at + 1);
    }
    std::size_t colon = text.rfind(':');
    const bool bare_v6 = !text.starts_with('[') && text.find(':') != colon;
    if (text.ends_with(']') || bare_v6) colon = std::string_view::npos;
    if (colon != std::string_view::npos) {
        const std::string_view digits = text.substr(colon + 1);
        int port = 0;
        const auto [end, wrong] =
            std::from_chars(digits.data(), digits.data() + digits.size(), port);
        if (wrong != std::errc() || end != digits.data() + digits.size() || port < 1 ||
            port > 65535)
            throw Error(ErrorKind::spec, fmt::format("{} is not a jump host", in_quotes(whole)))
                .with_hint("write it as \"user@host:port\"");
        out.port = port;
        text = text.substr(0, colon);
    }
    out.host = without_brackets(std::string(text));
    if (out.host.empty())
        throw Error(ErrorKind::spec, fmt::format("{} is not a jump host", in_quotes(whole)))
            .with_hint("write it as \"user@host:port\"");
    return out;
}

/// hadeploy authenticates only with keys, so it cannot log in with `PubkeyAuthentication no`.
void check_keys_allowed(const HostConfig& found, const std::string& host) {
    if (found.public_key_authentication.value_or(true)) return;
    throw Error(ErrorKind::spec, fmt::format("the SSH configuration has `PubkeyAuthentication no` "
                                             "for {}, but hadeploy can log in only with keys",
                                             host))
        .with_hint("remove this setting for the host; or set `private_key_file` or `public_key`; "
                   "or set a different `config_file` on the ssh.host (`/dev/null`: none)");
}

class Resolver {
  public:
    Resolver(const LocalUser& local, const Value& config);
    Resolved host(const Value& config);

  private:
    [[nodiscard]] HostConfig ask(const std::string& host, const std::string& user,
                                 const std::string& default_user) const;
    [[nodiscard]] std::vector<ConfigFile> included(const std::string& pattern) const;
    [[nodiscard]] HostKeys known(const HostConfig& found, const std::string& host, int port) const;
    [[nodiscard]] Value jump(std::string_view list, int depth) const;
    [[nodiscard]] Value hop(const Destination& to, std::string_view before, int depth) const;
    static void add_identities(const HostConfig& found, Value& connection);
    static void add_family(const HostConfig& found, Value& connection);

    const LocalUser& local_;
    std::vector<ConfigFile> files_;
    std::string known_hosts_; ///< the file named in the spec
};

Resolver::Resolver(const LocalUser& local, const Value& config)
    : local_(local), known_hosts_(config.text("known_hosts_file")) {
    if (!known_hosts_.empty() && !fs::exists(known_hosts_))
        throw Error(ErrorKind::spec, fmt::format("there is no file {}", known_hosts_),
                    config["known_hosts_file"].loc())
            .with_hint("the path is relative to the directory of this file; to write a "
                       "known_hosts file, run `ssh-keyscan ADDRESS >FILE` and compare its keys "
                       "with the machine's console");
    const std::string named = config.text("config_file");
    if (!named.empty() && !fs::exists(named))
        throw Error(ErrorKind::spec, fmt::format("there is no file {}", named),
                    config["config_file"].loc())
            .with_hint("the path is relative to the directory of this file; /dev/null means no "
                       "configuration");
    std::vector<std::string> paths{named};
    if (named.empty()) paths = {local.home + "/.ssh/config", "/etc/ssh/ssh_config"};
    for (const std::string& path : paths) files_.push_back({path, read_if_there(path)});
}

HostConfig Resolver::ask(const std::string& host, const std::string& user,
                         const std::string& default_user) const {
    return read_ssh_config(files_,
                           {.host = host,
                            .user = user,
                            .default_user = default_user,
                            .local_user = local_.name,
                            .home = local_.home},
                           [this](const std::string& pattern) { return included(pattern); });
}

/// A relative name is relative to ~/.ssh. (In the system configuration it is relative to /etc/ssh,
/// but that has absolute names.)
std::vector<ConfigFile> Resolver::included(const std::string& pattern) const {
    const std::string path =
        pattern.starts_with('/') ? pattern : fmt::format("{}/.ssh/{}", local_.home, pattern);
    std::vector<ConfigFile> out;
    glob_t found{};
    if (::glob(path.c_str(), 0, nullptr, &found) == 0)
        for (std::size_t i = 0; i < found.gl_pathc; ++i)
            if (!fs::is_directory(found.gl_pathv[i]))
                out.push_back({found.gl_pathv[i], read_if_there(found.gl_pathv[i])});
    ::globfree(&found);
    return out;
}

HostKeys Resolver::known(const HostConfig& found, const std::string& host, int port) const {
    std::vector<std::string> files{known_hosts_};
    if (known_hosts_.empty()) {
        const std::string own = local_.home + "/.ssh/known_hosts";
        files = found.user_known_hosts.empty() ? std::vector<std::string>{own, own + "2"}
                                               : found.user_known_hosts;
        const std::vector<std::string> all =
            found.global_known_hosts.empty()
                ? std::vector<std::string>{"/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"}
                : found.global_known_hosts;
        files.insert(files.end(), all.begin(), all.end());
    }
    HostKeys keys;
    for (const std::string& file : files)
        if (found.host_key_alias.empty())
            look_up_host(read_if_there(file), host, port, keys);
        else
            look_up_host(read_if_there(file), found.host_key_alias, 22, keys);
    if (!found.host_key_algorithms.empty()) order_host_keys(found.host_key_algorithms, keys);
    return keys;
}

void Resolver::add_identities(const HostConfig& found, Value& connection) {
    Value::List files;
    for (const std::string& file : found.identity_files)
        if (file != "none") files.emplace_back(file);
    if (!files.empty()) connection = connection.with("identity_files", Value::list(files));
    if (found.identities_only.value_or(false))
        connection = connection.with("identities_only", true);
    if (!found.identity_agent.empty()) connection = connection.with("agent", found.identity_agent);
}

void Resolver::add_family(const HostConfig& found, Value& connection) {
    if (found.address_family == "inet" || found.address_family == "inet6")
        connection = connection.with("address_family", found.address_family);
}

/// Resolves ProxyJump: jump hosts, the nearest first. Null: none.
Value Resolver::jump(std::string_view list, int depth) const {
    if (list.empty() || list == "none") return {};
    if (depth == kMostHops)
        throw Error(ErrorKind::spec, fmt::format("more than {} chained jump hosts", kMostHops))
            .with_hint("check ProxyJump in the SSH configuration for a loop");
    const std::size_t comma = list.rfind(',');
    const bool last = comma == std::string_view::npos;
    return hop(parse_destination(last ? list : list.substr(comma + 1)),
               last ? std::string_view() : list.substr(0, comma), depth);
}

/// @param before  the hops before this one; if empty, ProxyJump of this hop is used
Value Resolver::hop(const Destination& to, std::string_view before, int depth) const {
    const HostConfig found = ask(to.host, to.user, local_.name);
    check_keys_allowed(found, to.host);
    const std::string address = found.host_name.empty() ? to.host : found.host_name;
    const int port = to.port.value_or(found.port.value_or(22));
    const HostKeys keys = known(found, address, port);
    if (keys.empty())
        throw Error(ErrorKind::spec,
                    fmt::format("the host key of the jump host {} is not known", address))
            .with_hint(fmt::format("log in once with `ssh -p {} {}`, which adds it to known_hosts; "
                                   "or declare it as an ssh.host and set `jump_host`",
                                   port, address));
    const std::string& user = to.user.empty() ? found.user : to.user;
    Value connection = Value::map({{"address", without_brackets(address)},
                                   {"port", port},
                                   {"user", user.empty() ? local_.name : user},
                                   {"host_key", keys.text()}});
    add_identities(found, connection);
    add_family(found, connection);
    const Value next =
        jump(before.empty() ? std::string_view(found.proxy_jump) : before, depth + 1);
    return next.is_null() ? connection : connection.with("jump_host", next);
}

Resolved Resolver::host(const Value& config) {
    const std::string written = without_brackets(config.text("address"));
    const HostConfig found = ask(written, config.text("user"), kDefaultUser);
    if (config["private_key_file"].is_null() && config["public_key"].is_null())
        check_keys_allowed(found, written);
    const std::string address =
        without_brackets(found.host_name.empty() ? written : found.host_name);
    const int port = static_cast<int>(config.integer("port", found.port.value_or(22)));
    const std::string user = config.text("user", found.user.empty() ? kDefaultUser : found.user);
    Resolved out;
    out.connection = Value::map({{"address", as_secret_as(Value(address), config["address"])},
                                 {"port", as_secret_as(Value(std::int64_t{port}), config["port"])},
                                 {"user", as_secret_as(Value(user), config["user"])}});
    for (const char* field : {"private_key_file", "public_key", "become_password"})
        if (!config[field].is_null()) out.connection = out.connection.with(field, config[field]);
    if (config["private_key_file"].is_null()) add_identities(found, out.connection);
    add_family(found, out.connection);
    const Value next =
        config["jump_host"].is_null() ? jump(found.proxy_jump, 0) : config["jump_host"];
    if (!next.is_null()) out.connection = out.connection.with("jump_host", next);
    const Value& key = config["host_key"];
    if (!key.is_null()) {
        out.connection = out.connection.with("host_key", key);
        if (key.is_string()) out.known = parse_host_keys(key.as_string(), key.loc());
    } else {
        out.known = known(found, address, port);
        if (!out.known.empty()) out.connection = out.connection.with("host_key", out.known.text());
    }
    out.names = {written, address};
    if (!found.host_key_alias.empty()) out.names.push_back(found.host_key_alias);
    out.place = place_of(out.connection);
    return out;
}
} // namespace

LocalUser LocalUser::current() {
    LocalUser out;
    if (const passwd* entry = ::getpwuid(::geteuid())) out = {entry->pw_name, entry->pw_dir};
    if (const char* home = std::getenv("HOME"); home && *home) out.home = home;
    return out;
}

Resolved resolve_connection(const Value& config, const LocalUser& local) {
    return Resolver(local, config).host(config);
}

std::string without_brackets(const std::string& address) {
    const bool in_brackets =
        address.size() > 2 && address.starts_with('[') && address.ends_with(']');
    return in_brackets ? address.substr(1, address.size() - 2) : address;
}

bool can_use_rsa() {
    constexpr int since = 0x010b00;
    return libssh2_version(since) != nullptr;
}

std::string rsa_hint(std::string_view way_out) {
    return fmt::format("libssh2 {} supports RSA keys only with SHA-1, which servers reject; "
                       "libssh2 1.11 (Debian 13) also supports SHA-2. Or {}",
                       libssh2_version(0), way_out);
}

} // namespace hadeploy::ssh
