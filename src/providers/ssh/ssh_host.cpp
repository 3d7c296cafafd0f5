#include "providers/ssh/connection.h"

#include "core/secrecy.h"
#include "providers/ssh/host.h"
#include "providers/ssh/public_key.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
class SshHost final : public SshType {
  public:
    SshHost() {
        name = "ssh.host";
        summary = "An existing machine and how to log in to it.";
        doc =
            "Other resources use its `connection` to manage a machine that hadeploy did not "
            "create. Neither creating nor destroying this resource changes the machine.\n\n"
            "If `ssh ADDRESS` works, this resource works too: settings that the spec omits are "
            "read from `~/.ssh/config` and `/etc/ssh/ssh_config`. Supported are HostName (so "
            "`address` may be an alias), Port, User, IdentityFile, IdentitiesOnly, IdentityAgent, "
            "ProxyJump, AddressFamily, HostKeyAlgorithms, HostKeyAlias, UserKnownHostsFile and "
            "GlobalKnownHostsFile, in `Host` blocks, in `Match` blocks with host, originalhost, "
            "user, localuser and all, and in files that they `Include`. The spec takes "
            "precedence. An unsupported setting that would change how the host is reached, such "
            "as ProxyCommand, is an error. With `config_file: /dev/null` a spec does not depend "
            "on the configuration of the user who applies it. Unlike with `ssh`, the default user "
            "is root.\n\n"
            "The host key is verified on every connection, against `host_key` or else against "
            "known_hosts. If neither has a key, `trust_on_first_use` accepts the key that the "
            "host presents on the first connection and requires it from then on: until the end of "
            "the command and, once apply has recorded the host, in all later commands. A plan "
            "logs in too, so it sends the data that it needs for reading, including a sudo "
            "password, to an unchecked host. It reports the key that it accepted, but records "
            "nothing. So compare the fingerprint in the plan with the machine's console before "
            "apply, or set `host_key`. Until the host is recorded, each later command, including "
            "apply with a saved plan, again accepts any key. A reinstalled machine presents a "
            "different key: correct `host_key`, or run `ssh-keygen -R ADDRESS` and log in once "
            "with `ssh`. For a host trusted on first use, `hadeploy state trust-host-key` accepts "
            "the new key.\n\n"
            "Authentication uses `private_key_file`, or the key in the SSH agent that "
            "`public_key` names. Without both it tries all keys of the agent, then those of "
            "IdentityFile or `~/.ssh/id_ed25519`, `id_ecdsa` and `id_rsa`.";
        example = "node1:\n"
                  "  type: ssh.host\n"
                  "  address: 192.0.2.11\n"
                  "  user: ops\n"
                  "  private_key_file: keys/id_ed25519\n"
                  "  host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI...\n";
        schema = {
            {.name = "address",
             .type = TypeKind::address,
             .doc = "Host name or IP address to connect to.",
             .required = true,
             .replaces = true},
            {.name = "port",
             .type = TypeKind::port,
             .doc = "Port of the SSH server. Default: from the SSH configuration, or 22.",
             .replaces = true},
            {.name = "user",
             .type = TypeKind::account,
             .doc = "The login user: root, or a user who may use sudo. Default: from the SSH "
                    "configuration, or root."},
            {.name = "become_password",
             .type = TypeKind::line,
             .doc = "The sudo password of this user. It is sent on standard input and encrypted in "
                    "the state. Default: `become_password` of the provider, which is not stored.",
             .secret = true},
            {.name = "private_key_file",
             .type = TypeKind::local_path,
             .doc = "The private key for authentication. A key with a passphrase must be in the "
                    "SSH agent."},
            {.name = "public_key",
             .type = TypeKind::line,
             .doc = "Selects a key of the SSH agent: the public key, `${file(\"id_ed25519.pub\")}` "
                    "or \"ssh-ed25519 AAAA...\", or its fingerprint, \"SHA256:...\"."},
            {.name = "host_key",
             .type = TypeKind::string,
             .doc = "The public key that the host must present: \"ssh-ed25519 AAAA...\", or lines "
                    "in the format of `ssh-keyscan`, any of which is accepted. Default: from "
                    "known_hosts."},
            {.name = "known_hosts_file",
             .type = TypeKind::local_path,
             .doc = "The known_hosts file to use instead of the default ones, for example one in "
                    "this project."},
            {.name = "config_file",
             .type = TypeKind::local_path,
             .doc = "The SSH configuration to use instead of `~/.ssh/config` and "
                    "`/etc/ssh/ssh_config`; `/dev/null` for none."},
            {.name = "jump_host",
             .type = TypeKind::connection,
             .doc = "The host through which to reach this one: the `connection` of another "
                    "ssh.host. Default: ProxyJump of the SSH configuration."},
            {.name = "trust_on_first_use",
             .type = TypeKind::boolean,
             .doc = "Whether to accept, if no host key is known, the key that the host presents "
                    "on the first connection.",
             .operational = true,
             .default_value = Value(false)},
            {.name = "connection",
             .type = TypeKind::connection,
             .doc = "Connection settings for the `host` attribute of other resources.",
             .computed = true},
            {.name = "running",
             .type = TypeKind::boolean,
             .doc = "Whether hadeploy can log in.",
             .computed = true},
            {.name = "hostname",
             .type = TypeKind::string,
             .doc = "The host name that the machine reports.",
             .computed = true},
            {.name = "os",
             .type = TypeKind::string,
             .doc = "Operating system and version, e.g. \"debian 12\".",
             .computed = true}};
        machine = true;
        adopts = true;
        remove_may_leave = true;
        derives_from_files = true;
    }

    void check(const Value& config, Diagnostics& diagnostics) const override {
        const Value& key = config["public_key"];
        if (key.is_string())
            if (auto wrong = wrong_public_key(key.as_string(), true, key.loc()))
                diagnostics.add(std::move(*wrong));
        if (!is_decided(config)) return;
        try {
            const Resolved host = resolve(config);
            check_host_key(config, host, diagnostics);
        } catch (Error& error) {
            if (!error.loc.known()) error.loc = config["address"].loc();
            diagnostics.add(std::move(error));
        }
    }

    Value derive(const Value& config) const override {
        Value derived = Value::map({{"running", true}});
        if (!is_decided(config)) return derived.with("connection", Value::unknown());
        try {
            const Value connection = resolve(config).connection;
            if (!connection.has("host_key")) return derived; // known after the first login
            return derived.with("connection", connection);
        } catch (const Error&) { // reported by check()
            return derived.with("connection", Value::unknown());
        }
    }

    std::vector<std::string> claims(const Value& config) const override {
        if (!is_decided(config)) return {};
        try {
            return {"host " + resolve(config).place};
        } catch (const Error&) { // a record, and the SSH configuration has changed since
            return {fmt::format("host {}:{}", config.text("address"), config.integer("port", 22))};
        }
    }

    // $hadeploy_host_key is the key that the session has verified, not a key that the host claims.
    std::string probe(const ReadRequest&) const override {
        return "echo \"key $hadeploy_host_key\"\n"
               "read -r h </proc/sys/kernel/hostname; echo \"hostname $h\"\n"
               "if [ -r /etc/os-release ]; then . /etc/os-release; echo \"os $ID ${VERSION_ID-}\"; "
               "fi\n";
    }

    Observation parse(const ReadRequest& request, const ProbeResult& result) const override {
        const Answer answer(result.out);
        const std::string key = answer.first("key");
        const Value& config = request.config;
        Resolved host = resolve(config);
        const std::string known =
            request.recorded ? request.recorded->attributes["connection"].text("host_key") : "";
        if (!host.connection.has("host_key")) { // trusted on first use
            if (!known.empty() && !key.empty() && parse_public_key(known) != parse_public_key(key))
                return Observation::failed(changed_key(request, key, known));
            host.connection = host.connection.with("host_key", key);
        }
        Value seen = Value::map({{"connection", host.connection},
                                 {"running", true},
                                 {"hostname", answer.first("hostname")},
                                 {"os", answer.first("os")}});
        // A value that was removed from the spec but equals the default has not changed.
        for (const char* field : {"port", "user"}) {
            const Value& was = config[field].is_null() && request.recorded
                                   ? request.recorded->config[field]
                                   : config[field];
            if (was.is_null()) continue;
            const Value default_value = resolve(config.without(field)).connection[field];
            if (was == default_value) seen = seen.with(field, default_value);
        }
        return Observation::present(std::move(seen));
    }

    std::string remark(const Value& config, const Value& observed) const override {
        if (!config.flag("trust_on_first_use") || !is_decided(config)) return "";
        try {
            if (resolve(config).connection.has("host_key")) return "";
        } catch (const Error&) { // reported by check()
            return "";
        }
        const std::string key = observed["connection"].text("host_key");
        if (key.empty())
            return "apply will accept any host key that the host presents "
                   "(trust_on_first_use)";
        return fmt::format("the host key {} is accepted without a check (trust_on_first_use): "
                           "compare it with the machine's console",
                           fingerprint(parse_public_key(key)));
    }

    std::vector<Command> commands(const Change&) const override { return {}; }

  private:
    static Resolved resolve(const Value& config) {
        return resolve_connection(config, LocalUser::current());
    }

    /// Whether all attributes that determine the endpoint are known.
    static bool is_decided(const Value& config) {
        for (const char* field :
             {"address", "port", "user", "known_hosts_file", "config_file", "jump_host"})
            if (config[field].contains_unknown()) return false;
        return true;
    }

    static void check_host_key(const Value& config, const Resolved& host,
                               Diagnostics& diagnostics) {
        const Value& given = config["host_key"];
        if (given.is_unknown()) return;
        const Loc loc = given.is_null() ? config["address"].loc() : given.loc();
        const std::string address = named(host.connection, "address");
        const std::string scan =
            fmt::format("ssh-keyscan -p {} -t ed25519 {}", named(host.connection, "port"), address);
        if (given.is_string())
            for (const std::string& names :
                 names_of_others(given.as_string(), host.names,
                                 static_cast<int>(host.connection.integer("port"))))
                diagnostics
                    .add(fmt::format("this is a host key of {}, not of {}", redacted(given, names),
                                     address),
                         loc)
                    .with_hint(fmt::format("`{}` prints the right key; if it is the same machine "
                                           "under a different name, write the key without the name",
                                           scan));
        const auto& keys = host.known.accepted;
        if (!keys.empty()) {
            const bool rsa = std::all_of(keys.begin(), keys.end(), [](const PublicKey& key) {
                return key.type == "ssh-rsa" || key.type == "ssh-dss";
            });
            if (rsa && !can_use_rsa())
                diagnostics
                    .add(fmt::format(
                             "the only known host key of {} is an RSA key, which is not supported",
                             address),
                         loc)
                    .with_hint(
                        rsa_hint(fmt::format("set `host_key` to the host's ed25519 key (`{}`); "
                                             "the host's sshd_config must contain: HostKey "
                                             "/etc/ssh/ssh_host_ed25519_key",
                                             scan)));
        } else if (!host.known.revoked.empty()) {
            diagnostics.add(fmt::format("all known host keys of {} are revoked", address), loc)
                .with_hint("set `host_key` to the new key");
        } else if (!given.is_null()) {
            diagnostics.add("no host key found in this string", loc)
                .with_hint("write it as \"ssh-ed25519 AAAA...\", or as `ssh-keyscan` prints it");
        } else if (!config.flag("trust_on_first_use")) {
            Error& problem =
                diagnostics.add(fmt::format("the host key of {} is not known: `host_key` is not "
                                            "set, and known_hosts has no entry",
                                            address),
                                loc);
            problem.with_hint(fmt::format(
                "`{}` prints the key (compare it with the machine's console); or log in once with "
                "`ssh`, which adds the key to known_hosts; or set `trust_on_first_use: true`",
                scan));
            if (host.known.authority)
                problem.with_note("known_hosts has a @cert-authority line for this host; host "
                                  "certificates are not supported");
        }
    }

    static Error changed_key(const ReadRequest& request, const std::string& key,
                             const std::string& known) {
        return Error(ErrorKind::unreachable,
                     fmt::format("the host key of {} has changed: {}, previously {}",
                                 named(request.config, "address"),
                                 fingerprint(parse_public_key(key)),
                                 fingerprint(parse_public_key(known))))
            .with_hint(fmt::format("if the machine was reinstalled, `hadeploy state "
                                   "trust-host-key {}` accepts the new key; otherwise this may be "
                                   "an attack",
                                   request.address));
    }
};

class SshKeyData final : public ResourceType {
  public:
    SshKeyData() {
        name = "ssh.key";
        provider = "ssh";
        summary = "An ed25519 key pair of this project, for SSH logins.";
        doc = "The key pair is stored in `.hadeploy/keys` beside the spec; only the owner can read "
              "the private key, and a key that others can read is refused. An existing pair is "
              "adopted. The `.gitignore` of `hadeploy init` excludes the directory; `hadeploy "
              "doctor` reports a repository that does not. Back the key up with the state, because "
              "machines accept only this key.\n\n"
              "Destroy removes both files.";
        example = "operator:\n"
                  "  type: ssh.key\n";
        schema = {{.name = "name",
                   .type = TypeKind::name,
                   .doc = "Name of the key's file.",
                   .replaces = true,
                   .default_value = Value("operator")},
                  {.name = "private_key_file",
                   .type = TypeKind::local_path,
                   .doc = "Path of the private key on this machine.",
                   .computed = true},
                  {.name = "public_key",
                   .type = TypeKind::string,
                   .doc = "The public key, as a line of authorized_keys.",
                   .computed = true,
                   .tracked = true,
                   .open = true}};
        adopts = true;
    }

    std::vector<std::string> claims(const Value& config) const override {
        if (config["name"].is_unknown()) return {};
        return {"ssh key " + config.text("name")};
    }
};
} // namespace

std::unique_ptr<ResourceType> make_ssh_host() {
    return std::make_unique<SshHost>();
}
std::unique_ptr<ResourceType> make_ssh_key() {
    return std::make_unique<SshKeyData>();
}

} // namespace hadeploy::ssh
