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
        summary = "A machine that already exists, and how to log in to it.";
        doc = "Whatever hadeploy shall set up on a machine that it did not make takes its "
              "`connection`. Nothing is changed on the machine, neither when this resource is made "
              "nor when it is destroyed.\n\n"
              "What works with `ssh ADDRESS` works here: what is not written in the spec is taken "
              "from `~/.ssh/config` and `/etc/ssh/ssh_config`: HostName (so `address` may be an "
              "alias), Port, User, IdentityFile, IdentitiesOnly, IdentityAgent, ProxyJump, "
              "AddressFamily, HostKeyAlgorithms, HostKeyAlias, UserKnownHostsFile, "
              "GlobalKnownHostsFile, in `Host` blocks, in `Match` "
              "blocks by host, originalhost, user, localuser and all, and in files that they "
              "`Include`. What the spec says wins. A setting of the host that "
              "matters and is not supported, such as ProxyCommand, is an error. `config_file: "
              "/dev/null` makes a spec independent of whose machine it is applied from. Unlike "
              "with `ssh`, the user is root where nothing says otherwise.\n\n"
              "The host key is verified at every contact: it is `host_key`, or else what "
              "known_hosts has for the host. Without either, `trust_on_first_use` takes the key "
              "that the host shows first, and insists on it from then on. A machine that was "
              "installed again shows another key: correct `host_key`, or `ssh-keygen -R ADDRESS` "
              "and log in once with `ssh`; of one trusted on first use, "
              "`hadeploy state trust-host-key` takes the new key.\n\n"
              "To log in, `private_key_file` is used, or the key of the SSH agent that "
              "`public_key` names; without both the agent's keys, and then those in "
              "IdentityFile or `~/.ssh/id_ed25519`, `id_ecdsa` and `id_rsa`.";
        example = "node1:\n"
                  "  type: ssh.host\n"
                  "  address: 192.0.2.11\n"
                  "  user: ops\n"
                  "  private_key_file: keys/id_ed25519\n"
                  "  host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI...\n";
        schema = {{.name = "address",
                   .type = TypeKind::address,
                   .doc = "Host name or IP address to log in at.",
                   .required = true,
                   .replaces = true},
                  {.name = "port",
                   .type = TypeKind::port,
                   .doc = "Port of the SSH server. Default: that of the SSH configuration, or 22.",
                   .replaces = true},
                  {.name = "user",
                   .type = TypeKind::account,
                   .doc = "Who logs in: root, or someone who may use sudo. Default: that of the "
                          "SSH configuration, or root."},
                  {.name = "become_password",
                   .type = TypeKind::string,
                   .doc = "What sudo asks this user for. Sent on standard input, and sealed in the "
                          "state. Default: `become_password` of the provider, which is not kept.",
                   .secret = true},
                  {.name = "private_key_file",
                   .type = TypeKind::local_path,
                   .doc = "The private key to log in with. One with a passphrase has to be in the "
                          "SSH agent."},
                  {.name = "public_key",
                   .type = TypeKind::line,
                   .doc = "Which of the SSH agent's keys to log in with: its public half, "
                          "`${file(\"id_ed25519.pub\")}` or \"ssh-ed25519 AAAA...\", or its "
                          "fingerprint, \"SHA256:...\"."},
                  {.name = "host_key",
                   .type = TypeKind::string,
                   .doc = "The public key that the host must show: \"ssh-ed25519 AAAA...\", or "
                          "lines as `ssh-keyscan` prints them, of which any may be shown. Default: "
                          "what known_hosts has for the host."},
                  {.name = "known_hosts_file",
                   .type = TypeKind::local_path,
                   .doc = "Where to look for the host's key instead: a known_hosts file, of this "
                          "project for example."},
                  {.name = "config_file",
                   .type = TypeKind::local_path,
                   .doc = "The SSH configuration instead of `~/.ssh/config` and "
                          "`/etc/ssh/ssh_config`; `/dev/null` for none."},
                  {.name = "jump_host",
                   .type = TypeKind::connection,
                   .doc = "A host to log in to first, and to reach this one through: the "
                          "`connection` of another ssh.host. Default: ProxyJump of the SSH "
                          "configuration."},
                  {.name = "trust_on_first_use",
                   .type = TypeKind::boolean,
                   .doc = "Where no host key is known: accept the key that the host shows first.",
                   .operational = true,
                   .default_value = Value(false)},
                  {.name = "connection",
                   .type = TypeKind::connection,
                   .doc = "How to log in, for the `host` of other resources.",
                   .computed = true},
                  {.name = "running",
                   .type = TypeKind::boolean,
                   .doc = "It can be logged in to.",
                   .computed = true},
                  {.name = "hostname",
                   .type = TypeKind::string,
                   .doc = "What it calls itself.",
                   .computed = true},
                  {.name = "os",
                   .type = TypeKind::string,
                   .doc = "Its system and version: \"debian 12\".",
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
            if (!connection.has("host_key")) return derived; // the host will tell
            return derived.with("connection", connection);
        } catch (const Error&) { // check() has told
            return derived.with("connection", Value::unknown());
        }
    }

    std::vector<std::string> claims(const Value& config) const override {
        if (!is_decided(config)) return {};
        try {
            return {"host " + resolve(config).place};
        } catch (const Error&) { // of a record, and the SSH configuration is another one by now
            return {fmt::format("host {}:{}", config.text("address"), config.integer("port", 22))};
        }
    }

    // $hadeploy_host_key is what the session has verified, not what the host says of itself.
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
        // What is written no more, and is by default what it was, has not changed.
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

    std::vector<Command> commands(const Change&) const override { return {}; }

  private:
    static Resolved resolve(const Value& config) {
        return resolve_connection(config, LocalUser::current());
    }

    /// All is known that decides where the host is.
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
                    .with_hint(fmt::format("`{}` shows the right one; if it is the same machine "
                                           "under another name, write the key without the name",
                                           scan));
        const auto& keys = host.known.accepted;
        if (!keys.empty()) {
            const bool rsa = std::all_of(keys.begin(), keys.end(), [](const PublicKey& key) {
                return key.type == "ssh-rsa" || key.type == "ssh-dss";
            });
            if (rsa && !can_use_rsa())
                diagnostics
                    .add(fmt::format("the only host key that is known of {} is an RSA key, "
                                     "which cannot be used",
                                     address),
                         loc)
                    .with_hint(rsa_hint(fmt::format(
                        "give the host's ed25519 key (`{}`); its sshd_config has to name it: "
                        "HostKey /etc/ssh/ssh_host_ed25519_key",
                        scan)));
        } else if (!host.known.revoked.empty()) {
            diagnostics.add(fmt::format("all that is known of {} are revoked keys", address), loc)
                .with_hint("give the new one as `host_key`");
        } else if (!given.is_null()) {
            diagnostics.add("there is no host key in this", loc)
                .with_hint("it looks like \"ssh-ed25519 AAAA...\", or like what `ssh-keyscan` "
                           "prints");
        } else if (!config.flag("trust_on_first_use")) {
            Error& problem = diagnostics.add(
                fmt::format("the host key of {} is not known: there is no `host_key`, and "
                            "known_hosts does not have it",
                            address),
                loc);
            problem.with_hint(fmt::format("`{}` shows it (compare it with the machine's console); "
                                          "or log in once with `ssh`, which adds it to "
                                          "known_hosts; or set `trust_on_first_use: true`",
                                          scan));
            if (host.known.authority)
                problem.with_note("known_hosts has a @cert-authority for it; certificates of hosts "
                                  "are not supported");
        }
    }

    static Error changed_key(const ReadRequest& request, const std::string& key,
                             const std::string& known) {
        return Error(ErrorKind::unreachable,
                     fmt::format("the host key of {} has changed: {}, known as {}",
                                 named(request.config, "address"),
                                 fingerprint(parse_public_key(key)),
                                 fingerprint(parse_public_key(known))))
            .with_hint(
                fmt::format("if the machine was installed again, `hadeploy state trust-host-key "
                            "{}` takes its new key; otherwise "
                            "somebody answers in its place",
                            request.address));
    }
};

class SshKey final : public ResourceType {
  public:
    SshKey() {
        name = "ssh.key";
        provider = "ssh";
        summary = "An ed25519 key pair of this project, to log in with.";
        doc = "Kept under `.hadeploy/keys` beside the spec, the private half readable by its owner "
              "only. A pair that is already there is used.\n\n"
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
                   .doc = "The public half, as a line of authorized_keys.",
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
    return std::make_unique<SshKey>();
}

} // namespace hadeploy::ssh
