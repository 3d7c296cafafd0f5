#include "providers/ssh/host.h"
#include "providers/ssh/login.h"

#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
class SshHost final : public SshType {
  public:
    SshHost() {
        name = "ssh.host";
        summary = "A machine that already exists, and how to log in to it.";
        doc = "Whatever hadeploy shall set up on a machine that it did not make takes its "
              "`connection`. The host key is verified at every contact. Without one, "
              "`trust_on_first_use` takes the key that the host shows first, and insists on it "
              "from then on.\n\n"
              "Nothing is changed on the machine, neither when this resource is made nor when it "
              "is destroyed.";
        example = "node1:\n"
                  "  type: ssh.host\n"
                  "  address: 192.0.2.11\n"
                  "  user: ops\n"
                  "  private_key_file: keys/id_ed25519\n"
                  "  host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI...\n";
        schema = {{.name = "address",
                   .type = TypeKind::string,
                   .doc = "Host name or IP address to log in at.",
                   .required = true,
                   .replaces = true},
                  {.name = "port",
                   .type = TypeKind::port,
                   .doc = "Port of the SSH server.",
                   .replaces = true,
                   .fallback = Value(22)},
                  {.name = "user",
                   .type = TypeKind::name,
                   .doc = "Who logs in: root, or someone who may use sudo without a password.",
                   .fallback = Value("root")},
                  {.name = "private_key_file",
                   .type = TypeKind::local_path,
                   .doc = "The private key to log in with (ed25519 or ecdsa). Without it the keys "
                          "of the SSH agent are tried."},
                  {.name = "host_key",
                   .type = TypeKind::string,
                   .doc = "The public key that the host must show: \"ssh-ed25519 AAAA...\"."},
                  {.name = "trust_on_first_use",
                   .type = TypeKind::boolean,
                   .doc = "Without `host_key`: accept the key that the host shows first.",
                   .steering = true,
                   .fallback = Value(false)},
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
    }

    void check(const Value& config, Problems& problems) const override {
        const Value& key = config["host_key"];
        if (key.is_null() && !config.flag("trust_on_first_use"))
            problems.add("an ssh.host needs `host_key`", config.loc())
                .with_hint(fmt::format("`ssh-keyscan -t ed25519 {}` shows it (compare it with the "
                                       "machine's console); or set `trust_on_first_use: true`",
                                       config.text("address", "ADDRESS")));
        if (!key.is_string()) return;
        const PublicKey parsed = parse_public_key(key.as_string());
        if (parsed.type == "ssh-rsa")
            problems.add("an RSA host key cannot be used", key.loc())
                .with_hint("give the host's ed25519 key: `ssh-keyscan -t ed25519`");
        else if (parsed.base64.empty())
            problems.add("this is not a host key", key.loc())
                .with_hint("it looks like \"ssh-ed25519 AAAA...\"");
    }

    Value derive(const Value& config) const override {
        Value derived = Value::map({{"running", true}});
        if (config["host_key"].is_null()) return derived; // the host will tell
        return derived.with("connection", connection(config, config["host_key"]));
    }

    std::vector<std::string> claims(const Value& config) const override {
        if (config["address"].is_unknown() || config["port"].is_unknown()) return {};
        return {fmt::format("host {}:{}", config.text("address"), config.integer("port", 22))};
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
        const std::string known =
            request.recorded ? request.recorded->attributes["connection"].text("host_key") : "";
        if (request.config["host_key"].is_null() && !known.empty() && !key.empty() &&
            parse_public_key(known) != parse_public_key(key))
            return Observation::failed(
                Error(ErrorKind::unreachable,
                      fmt::format("the host key of {} has changed: {}, known as {}",
                                  request.config.text("address"),
                                  fingerprint(parse_public_key(key)),
                                  fingerprint(parse_public_key(known))))
                    .with_hint("if the machine was set up anew, give its new key as `host_key`; "
                               "otherwise somebody answers in its place"));
        const Value& given = request.config["host_key"];
        const Value host_key = given.is_null() ? Value(key) : given;
        return Observation::present(
            Value::map({{"connection", connection(request.config, host_key)},
                        {"running", true},
                        {"hostname", answer.first("hostname")},
                        {"os", answer.first("os")}}));
    }

    std::vector<Command> commands(const Change&) const override { return {}; }

  private:
    static Value connection(const Value& config, const Value& host_key) {
        Value made = Value::map({{"host_key", host_key}});
        for (const char* field : {"address", "port", "user", "private_key_file"})
            if (!config[field].is_null()) made = made.with(field, config[field]);
        return made;
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
                   .fallback = Value("operator")},
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
