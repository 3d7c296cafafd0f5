#include "providers/ssh/requirements.h"

#include "providers/ssh/agent.h"
#include "providers/ssh/authenticate.h"
#include "providers/ssh/connection.h"
#include "providers/ssh/key_file.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <unistd.h>

namespace hadeploy::ssh {

namespace {

struct FreeSession {
    void operator()(LIBSSH2_SESSION* session) const { libssh2_session_free(session); }
};

/// Looks for keys as a login does.
class KeySearch {
  public:
    explicit KeySearch(std::stop_token stop)
        : stop_(std::move(stop)), session_(libssh2_session_init()) {}

    /// The key that a login would offer first, or why there is none.
    Prerequisite find(const std::string& name, const Login& login) {
        try {
            if (!login.private_key_file.empty()) return file(name, login);
            if (!login.public_key.empty()) return named(name, login);
            return any(name, login);
        } catch (const Error& error) {
            return Prerequisite::missing(name, error);
        }
    }

  private:
    Prerequisite file(const std::string& name, const Login& login) {
        const KeyFile key = check_private_key(login.private_key_file);
        if (key.kind == KeyFile::Kind::usable) return Prerequisite::met(name, key.path);
        if (!is_in_agent(key.half, login)) throw locked_key(key.path);
        return Prerequisite::met(name, key.path + ", in the SSH agent");
    }

    Prerequisite named(const std::string& name, const Login& login) {
        const bool by_print = login.public_key.starts_with("SHA256:");
        const std::string print =
            by_print ? login.public_key : fingerprint(parse_public_key(login.public_key));
        const Agent& agent = agent_of(login);
        for (const AgentKey& key : agent.keys)
            if (fingerprint(key.half) == print)
                return Prerequisite::met(name, key.comment + ", in the SSH agent");
        return Prerequisite::missing(
            name,
            agent.handle ? fmt::format("the SSH agent does not have the key {}", print)
                         : "no SSH agent answers, and `public_key` names one of its keys",
            "ssh-add KEY");
    }

    Prerequisite any(const std::string& name, const Login& login) {
        const Agent& agent = agent_of(login);
        if (!agent.keys.empty() && !login.identities_only)
            return Prerequisite::met(name,
                                     fmt::format("{} key{} in the SSH agent", agent.keys.size(),
                                                 agent.keys.size() == 1 ? "" : "s"));
        std::string locked;
        for (const std::string& path : candidates(login)) {
            const KeyFile key = KeyFile::inspect(path);
            if (key.kind == KeyFile::Kind::usable && (!key.rsa || can_use_rsa()))
                return Prerequisite::met(name, path);
            if (key.kind != KeyFile::Kind::unusable && is_in_agent(key.half, login))
                return Prerequisite::met(name, path + ", in the SSH agent");
            if (key.kind == KeyFile::Kind::locked && locked.empty()) locked = path;
        }
        if (!locked.empty()) return Prerequisite::missing(name, locked_key(locked));
        return Prerequisite::missing(
            name,
            fmt::format("{}, and there is no usable key in {}",
                        agent.handle ? "the SSH agent has no key" : "no SSH agent answers",
                        login.identity_files.empty() ? "~/.ssh" : "IdentityFile"),
            "ssh-keygen -t ed25519; then add the public key to ~/.ssh/authorized_keys on the "
            "hosts");
    }

    bool is_in_agent(const PublicKey& half, const Login& login) {
        const Agent& agent = agent_of(login);
        return std::any_of(agent.keys.begin(), agent.keys.end(),
                           [&](const AgentKey& key) { return key.half == half; });
    }

    const Agent& agent_of(const Login& login) {
        const auto [found, is_new] = agents_.try_emplace(login.agent);
        if (is_new && session_) found->second = Agent::open(session_.get(), login.agent, stop_);
        return found->second;
    }

    std::stop_token stop_;
    std::unique_ptr<LIBSSH2_SESSION, FreeSession> session_;
    std::map<std::string, Agent> agents_; ///< by Login::agent
};

/// Whether this machine can build images from packages.
std::optional<Prerequisite> image_builder(const ProviderUse& use, const ProviderContext& context) {
    const bool builds = use.no_spec || std::any_of(use.resources.begin(), use.resources.end(),
                                                   [](const ProviderUse::Resource& used) {
                                                       return used.type->name == "docker.image" &&
                                                              !used.config["packages"].is_null();
                                                   });
    if (!builds) return std::nullopt;
    const std::string what = "images from packages";
    if (find_program("apt-get", context).empty())
        return Prerequisite::missing(what,
                                     "they are built with apt, which this machine does not have",
                                     "run hadeploy on Debian or Ubuntu, or use an `archive`");
    if (find_program("mmdebstrap", context).empty())
        return Prerequisite::missing(what, "to build them, mmdebstrap is missing",
                                     how_to_install({"mmdebstrap"}, context));
    if (::geteuid() != 0)
        return Prerequisite::missing(what, "only root can build them",
                                     "run apply as root, or use an `archive`");
    return Prerequisite::met(what, "the tools to build them are installed");
}

/// Whether this machine can build images from Dockerfiles.
std::optional<Prerequisite> docker_here(const ProviderUse& use, const ProviderContext& context) {
    const bool builds = std::any_of(
        use.resources.begin(), use.resources.end(), [](const ProviderUse::Resource& used) {
            return used.type->name == "docker.image" && used.config["build"].text("on") == "here";
        });
    if (!builds) return std::nullopt;
    const std::string what = "images from Dockerfiles";
    if (find_program("docker", context).empty())
        return Prerequisite::missing(what, "`on: here` needs Docker, which this machine lacks",
                                     how_to_install({"docker.io"}, context));
    return Prerequisite::met(what, "docker is installed");
}

} // namespace

std::vector<Prerequisite> requirements(const ProviderUse& use, const ProviderContext& context) {
    KeySearch search(context.stop);
    std::vector<Prerequisite> out;
    if (std::optional<Prerequisite> builder = image_builder(use, context))
        out.push_back(std::move(*builder));
    if (std::optional<Prerequisite> docker = docker_here(use, context))
        out.push_back(std::move(*docker));
    if (use.no_spec) out.push_back(search.find("key", Login{}));
    // hosts with the same result are one prerequisite
    std::map<std::tuple<Prerequisite::Status, std::string, std::string>, std::size_t> known;
    std::map<std::size_t, std::size_t> more;
    for (const ProviderUse::Resource& used : use.resources) {
        if (used.type->name != "ssh.host" || used.config.without("connection").contains_unknown())
            continue;
        Prerequisite found;
        try {
            const Login login =
                login_from(resolve_connection(used.config, LocalUser::current()).connection);
            found = search.find("key for " + login.name(), login);
        } catch (const Error& error) {
            found = Prerequisite::missing("SSH configuration", error);
        }
        const auto [place, is_new] =
            known.try_emplace(std::tuple(found.status, found.message, found.fix), out.size());
        if (is_new)
            out.push_back(std::move(found));
        else
            ++more[place->second];
    }
    for (const auto& [index, count] : more) out[index].name += fmt::format(" and {} more", count);
    return out;
}

} // namespace hadeploy::ssh
