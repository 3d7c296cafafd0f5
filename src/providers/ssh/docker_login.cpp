// docker.registry_login: the login of root's docker to a registry, and the certificate to trust.
#include "core/hash.h"
#include "core/secrecy.h"
#include "embedded/scripts.h"
#include "providers/ssh/docker_script.h"
#include "providers/ssh/docker_types.h"
#include "providers/ssh/host.h"
#include "providers/ssh/image_reference.h"
#include "providers/ssh/place.h"

#include <fmt/format.h>

namespace hadeploy::ssh::docker {

namespace {

/// The key of Docker Hub in Docker's config.json.
constexpr std::string_view kHubKey = "https://index.docker.io/v1/";

/// The digest of what config.json contains for a login.
std::string login_digest(std::string_view user, std::string_view password) {
    return sha256_hex(base64_encode(fmt::format("{}:{}", user, password)));
}

/// Where Docker looks for the certificate of the CA; "" while the server is not known.
std::string ca_path(const Value& config) {
    const std::string server = config.text("server");
    return server.empty() ? "" : fmt::format("/etc/docker/certs.d/{}/ca.crt", server);
}

class DockerLogin final : public SshType {
  public:
    DockerLogin();
    void check(const Value& config, Diagnostics& problems) const override;
    Value derive(const Value& /*config*/) const override { return Value::map({{"private", true}}); }
    std::vector<std::string> claims(const Value& config) const override;
    std::vector<std::string> needs(const Value& config) const override {
        return claim_of_host(config, "Docker on");
    }
    std::string probe(const ReadRequest& request) const override;
    Observation parse(const ReadRequest& request, const ProbeResult& result) const override;
    std::vector<Command> commands(const Change& change) const override;
};

DockerLogin::DockerLogin() {
    name = "docker.registry_login";
    summary = "The login of a host's Docker to a registry, and the CA of the registry.";
    doc = "Docker images of a registry that requires a login can be pulled on the host after it: "
          "by a docker.image with `pull`, a docker.container, or a docker.compose (list this "
          "resource in their `depends_on`). Apply logs in with `docker login`, so a wrong password "
          "is an error at once. The password is sent on standard input; it is never on a command "
          "line. Docker keeps it in /root/.docker/config.json, unencrypted, in a file that only "
          "root can read.\n\n"
          "`ca` is for a registry whose certificate is signed by a CA of your own: it is written "
          "to /etc/docker/certs.d/SERVER/ca.crt, and Docker trusts it for this registry only.\n\n"
          "Drift that is repaired: a login that was removed or changed, a config.json that others "
          "can read, a changed certificate. An existing login is adopted. A host whose Docker "
          "keeps its passwords in a credential store (`credsStore`) is an error.\n\n"
          "Destroy logs out, and removes the certificate if `ca` is set.";
    example = "registry:\n"
              "  type: docker.registry_login\n"
              "  for_each: ${var.hosts}\n"
              "  host: ${each.value}\n"
              "  server: registry.example.com:5000\n"
              "  username: deploy\n"
              "  password: ${secret.registry.password}\n"
              "  ca: ${file(\"registry-ca.crt\")}\n";
    adopts = true;
    schema = {
        host_attribute(),
        {.name = "server",
         .type = TypeKind::line,
         .doc = "The registry: HOST or HOST:PORT, as in the names of its images; `docker.io` for "
                "Docker Hub.",
         .required = true,
         .replaces = true},
        {.name = "username", .type = TypeKind::line, .doc = "The user.", .required = true},
        {.name = "password",
         .type = TypeKind::string,
         .doc = "The password, or an access token.",
         .required = true,
         .secret = true},
        {.name = "ca",
         .type = TypeKind::string,
         .doc = "The certificate of the CA that has signed the certificate of the registry, in PEM "
                "form. Without it, Docker trusts the CAs of the host."},
        {.name = "private",
         .type = TypeKind::boolean,
         .doc = "Whether only root can read the file with the password.",
         .computed = true,
         .tracked = true,
         .open = true,
         .verb = "protect"},
    };
    verified = {"username", "password", "ca", "private"};
    bound_steps(std::chrono::minutes(5));
}

void check_ca(const Value& ca, Diagnostics& problems) {
    if (!ca.is_string()) return;
    const std::string& text = ca.as_string();
    if (text.find("PRIVATE KEY-----") != text.npos)
        problems.add("`ca` contains a private key, which stays with the CA", ca.loc())
            .with_hint("set `ca` to the certificate only");
    else if (text.find("-----BEGIN CERTIFICATE-----") == text.npos)
        problems.add("`ca` is not a certificate in PEM form", ca.loc())
            .with_hint("ca: ${file(\"ca.crt\")}, or `cert_pem` of a tls.self_signed_cert");
}

void DockerLogin::check(const Value& config, Diagnostics& problems) const {
    const Value &server = config["server"], &user = config["username"],
                &password = config["password"];
    if (server.is_string() && !is_registry(server.as_string()))
        problems
            .add(fmt::format("{} is not the address of a registry", quoted(server)), server.loc())
            .with_hint("HOST or HOST:PORT, without https:// and without a path: "
                       "registry.example.com:5000");
    if (user.is_string() &&
        (user.as_string().empty() || user.as_string().find(':') != std::string::npos))
        problems.add(fmt::format("{} is not a user of a registry", quoted(user)), user.loc())
            .with_hint("the name is not empty and has no ':'");
    if (password.is_string() && (password.as_string().empty() ||
                                 password.as_string().find_first_of("\r\n") != std::string::npos))
        problems.add("the password of a registry is one line and not empty", password.loc())
            .with_hint("a password from a file: trim(file(\"password\"))");
    check_ca(config["ca"], problems);
}

std::vector<std::string> DockerLogin::claims(const Value& config) const {
    const std::string place = place_of(config["host"]), server = config.text("server");
    if (place.empty() || server.empty()) return {};
    std::vector<std::string> out{claim_of_login(server, place)};
    if (config["ca"].is_string()) out.push_back(fmt::format("{}:{}", place, ca_path(config)));
    return out;
}

/// Whether there can be a certificate of the resource: the config has one, or the record has.
bool has_ca(const ReadRequest& request) {
    return !request.config["ca"].is_null() ||
           (request.recorded != nullptr && !request.recorded->attributes["ca"].is_null());
}

std::string DockerLogin::probe(const ReadRequest& request) const {
    const std::string server = request.config.text("server");
    return fmt::format("key={}\nca={}\n", shell_quote(server == kDockerHub ? kHubKey : server),
                       has_ca(request) ? shell_quote(ca_path(request.config)) : "''") +
           std::string(scripts::docker_login_probe);
}

Observation DockerLogin::parse(const ReadRequest& request, const ProbeResult& result) const {
    const Value& config = request.config;
    const std::string what = fmt::format("the login to {}", named(config, "server"));
    if (result.status != 0) return cannot_look(what, result);
    const Answer answer(result.out);
    if (answer.has("store"))
        return Observation::failed(
            Error(ErrorKind::conflict,
                  fmt::format("{} cannot be managed: root's docker keeps its passwords in the "
                              "credential store \"{}\"",
                              what, answer.first("store")))
                .with_hint("remove `credsStore` and `credHelpers` from /root/.docker/config.json "
                           "on the host"));
    const bool is_in = answer.has("sha256");
    if (!is_in && !answer.has("ca")) return Observation::absent();
    const std::string user = answer.first("user"), digest = answer.first("sha256").substr(0, 64);
    Value seen = Value::map({{"server", config["server"]},
                             {"username", is_in ? Value(user) : Value()},
                             {"private", answer.first("stat").ends_with(" 600") || !is_in}});
    const Value& password = config["password"];
    if (password.is_string() && login_digest(user, password.as_string()) == digest)
        seen = seen.with("password", password);
    else if (!answer.has("token")) // a token that the registry gave in exchange for the password
        seen = seen.with("password",
                         Value(is_in ? "(a different password)" : "(no password)").as_secret());
    const Value& ca = config["ca"];
    if (ca.is_null()) return Observation::present(seen); // compared with the record
    const std::string ca_digest = answer.first("ca").substr(0, 64);
    Value there = ca_digest.empty() ? Value() : Value("(a different certificate)");
    if (ca.is_string() && sha256_hex(ca.as_string()) == ca_digest) there = ca;
    return Observation::present(seen.with("ca", there));
}

/// Removes the certificate and its directory.
std::string remove_ca(const Value& config, const std::string& identity) {
    const std::string path = ca_path(config);
    return fmt::format("({})\nrmdir {} 2>/dev/null || :\n", remove_file(path, identity),
                       shell_quote(directory_of(path)));
}

std::vector<Command> DockerLogin::commands(const Change& change) const {
    const bool remove = change.kind == Change::Kind::remove;
    const Value& config = remove ? change.before : change.after;
    const std::string server = config.text("server");
    const std::string word = server == kDockerHub ? "''" : shell_quote(server);
    if (remove)
        return {{.script = fmt::format("{}docker logout {} >/dev/null\n", functions(),
                                       server == kDockerHub ? "" : word) +
                           (config["ca"].is_null() ? "" : remove_ca(config, change.identity)),
                 .step = "logging out of " + named(config, "server")}};
    std::vector<Command> out;
    const std::string path = ca_path(config);
    if (const Value& ca = config["ca"]; ca.is_string())
        out.push_back({.script = make_directory(directory_of(path), "root:root", "0755") +
                                 put_file(path, change.identity, "root:root", "0644"),
                       .input = ca.as_string(),
                       .step = "writing the CA of " + named(config, "server")});
    else if (!change.before["ca"].is_null())
        out.push_back({.script = remove_ca(config, change.identity),
                       .step = "removing the CA of " + named(config, "server")});
    out.push_back(
        {.script = functions() + std::string(scripts::docker_registry_functions) +
                   fmt::format("server={}\nshown={}\nuser={}\n", word, shell_quote(server),
                               shell_quote(config.text("username"))) +
                   std::string(scripts::docker_login),
         .input = config.text("password"),
         .step = "logging in to " + named(config, "server")});
    return out;
}

} // namespace

std::unique_ptr<SshType> docker_login_type() {
    return std::make_unique<DockerLogin>();
}

} // namespace hadeploy::ssh::docker
