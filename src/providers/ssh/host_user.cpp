#include "embedded/scripts.h"
#include "providers/ssh/host.h"

#include "core/secrecy.h"
#include "providers/ssh/public_key.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
// Lines of the notes: "created" (the user), "group G" and "key K" (added by us), "made NAME" (a
// file or directory for the keys that we created), "shell S" (the original shell).

// Sets $home of the user $u.
constexpr std::string_view kFindHome =
    "line=$(getent passwd \"$u\"); home=${line%:*}; home=${home##*:}\n";

std::vector<std::string> names_without(const std::vector<std::string>& all,
                                       const std::vector<std::string>& some) {
    std::vector<std::string> rest;
    for (const std::string& text : all)
        if (std::find(some.begin(), some.end(), text) == some.end()) rest.push_back(text);
    return rest;
}

/// A command that prints the groups of $u by name, and also by number if the spec uses numbers.
std::string print_groups(const std::vector<std::string>& wanted) {
    const bool by_number = std::any_of(wanted.begin(), wanted.end(), [](const std::string& group) {
        return group.find_first_not_of("0123456789") == std::string::npos;
    });
    return by_number ? "id -Gn -- \"$u\"; id -G -- \"$u\"" : "id -Gn -- \"$u\"";
}

std::vector<std::string> remembered(const Answer& answer, std::string_view kind) {
    std::vector<std::string> found;
    const std::string prefix = std::string(kind) + ' ';
    for (const std::string& line : answer.all("memory"))
        if (line.starts_with(prefix)) found.push_back(line.substr(prefix.size()));
    return found;
}

/// Whether hadeploy created the user.
bool is_ours(const Answer& answer) {
    const std::vector<std::string> lines = answer.all("memory");
    return std::find(lines.begin(), lines.end(), "created") != lines.end();
}

class HostUser final : public SshType {
  public:
    HostUser() {
        name = "host.user";
        summary = "A user on a host, with group memberships and authorized keys.";
        doc = "An existing user is adopted. `groups` and `authorized_keys` are added to those "
              "that the user already has; others are left alone. Missing memberships and keys are "
              "drift and are added again. A new group membership takes effect at the next login, "
              "so hadeploy and new SSH sessions have it immediately. `~/.ssh` and "
              "`authorized_keys` must not be symbolic links, because the user could point them "
              "anywhere.\n\n"
              "Destroy removes a user that hadeploy created, together with its home directory if "
              "that belongs to the user and contains no home directory of another user. From any "
              "other user it removes the groups and keys that hadeploy added. A user with running "
              "processes is removed only with `force`, which kills them.";
        example = "operator_user:\n"
                  "  type: host.user\n"
                  "  host: ${node[\"node1\"].connection}\n"
                  "  name: ops\n"
                  "  groups: [docker]\n"
                  "  authorized_keys: [\"${operator.public_key}\"]\n";
        schema = {host_attribute(),
                  {.name = "name",
                   .type = TypeKind::account,
                   .doc = "Name of the user.",
                   .required = true,
                   .replaces = true},
                  {.name = "groups",
                   .type = list_of(TypeKind::account),
                   .doc = "Groups to add the user to. Other memberships are kept.",
                   .default_value = Value::list({})},
                  {.name = "shell",
                   .type = TypeKind::path,
                   .doc = "The login shell. Default for a new user: /bin/bash."},
                  {.name = "home",
                   .type = TypeKind::path,
                   .doc = "The home directory. If the path changes, the directory is moved if it "
                          "belongs to the user."},
                  {.name = "system",
                   .type = TypeKind::boolean,
                   .doc = "Whether to choose a UID from the range for system users.",
                   .operational = true,
                   .default_value = Value(false)},
                  {.name = "authorized_keys",
                   .type = list_of(TypeKind::line),
                   .doc = "Public keys that may log in as this user.",
                   .default_value = Value::list({})},
                  {.name = "force",
                   .type = TypeKind::boolean,
                   .doc = "Whether destroy kills the processes of the user before it removes the "
                          "user.",
                   .operational = true,
                   .default_value = Value(false)},
                  {.name = "uid",
                   .type = TypeKind::integer,
                   .doc = "The UID.",
                   .computed = true,
                   .open = true},
                  {.name = "created",
                   .type = TypeKind::boolean,
                   .doc = "Whether hadeploy created the user. If so, destroy removes the user and "
                          "its home directory.",
                   .computed = true}};
        adopts = true;
        remove_may_leave = true;
    }

    void check(const Value& config, Diagnostics& diagnostics) const override {
        // getent would find the user with this UID, under a different name
        const Value& user = config["name"];
        if (user.is_string() &&
            user.as_string().find_first_not_of("0123456789") == std::string::npos)
            diagnostics
                .add(fmt::format("name: {} is a number, not the name of a user", quoted(user)),
                     user.loc())
                .with_hint("`getent passwd NUMBER` prints the name");
        const Value& keys = config["authorized_keys"];
        if (!keys.is_list()) return;
        for (const Value& key : keys.as_list())
            if (key.is_string())
                if (auto wrong = wrong_public_key(key.as_string(), false, key.loc()))
                    diagnostics.add(std::move(*wrong));
    }

    std::vector<std::string> claims(const Value& config) const override {
        return claim(config, "user " + config.text("name"), {"name"});
    }

    /// The home directory is removed with a user that hadeploy created. (Records of older versions
    /// have no `created`.)
    std::optional<DataLoss> held_data(const Value& user) const override {
        if (!user.flag("created", true)) return {};
        return DataLoss{fmt::format("the home directory {} of the user {} on {}",
                                    user["home"].is_string() ? named(user, "home")
                                                             : "/home/" + named(user, "name"),
                                    named(user, "name"), named(user["host"], "address"))};
    }

    std::string probe(const ReadRequest& request) const override {
        const std::string start = fmt::format("u={}\n", shell_quote(request.config.text("name")));
        std::vector<std::string> asked = strings(request.config["groups"]);
        if (request.recorded)
            for (std::string& group : strings(request.recorded->attributes["groups"]))
                asked.push_back(std::move(group));
        std::string script = start +
                             "line=$(getent passwd \"$u\") || exit\n"
                             "echo \"passwd $line\"\n"
                             "echo \"groups \"$(" +
                             print_groups(asked) + ")\n" + print_memory(request.identity);
        if (!strings(request.config["authorized_keys"]).empty())
            script += "home=${line%:*}; home=${home##*:}\n"
                      "if hadeploy_enter \"${home%/}/.ssh\" && [ -f ./authorized_keys ] && "
                      "[ ! -L ./authorized_keys ]; then\n"
                      "    ( hadeploy_read_text authorized_keys sed 's/^/key /' ) || exit 1\n"
                      "fi\n";
        return script;
    }

    Observation parse(const ReadRequest& request, const ProbeResult& result) const override {
        const Value& config = request.config;
        if (result.status == 2) return Observation::absent(); // getent: no such entry
        if (result.status != 0) return cannot_look("user " + config.text("name"), result);
        const Answer answer(result.out);
        // name:password:uid:gid:comment:home:shell
        std::vector<std::string> fields{""};
        for (const char c : answer.first("passwd")) {
            if (c == ':')
                fields.emplace_back();
            else
                fields.back() += c;
        }
        if (fields.size() != 7) return cannot_look("user " + config.text("name"), result);
        return Observation::present(Value::map(
            {{"name", config["name"]},
             {"groups", managed(strings(config["groups"]), words(answer.first("groups")),
                                remembered(answer, "group"))},
             {"authorized_keys", managed(strings(config["authorized_keys"]), answer.all("key"),
                                         remembered(answer, "key"))},
             {"home", fields[5]},
             {"shell", fields[6]},
             {"uid", static_cast<std::int64_t>(std::strtoll(fields[2].c_str(), nullptr, 10))},
             {"created", is_ours(answer)}}));
    }

    std::vector<Command> commands(const Change& change) const override {
        const bool remove = change.kind == Change::Kind::remove;
        const Value& config = remove ? change.before : change.after;
        const std::string start = fmt::format("u={}\nid={}\n", shell_quote(config.text("name")),
                                              shell_quote(change.identity)) +
                                  open_memory(change.identity);
        if (remove)
            return {{.script = start + "if getent passwd \"$u\" >/dev/null; then " +
                               std::string(kFindHome) + "fi\nremove_keys() {\n" +
                               std::string(scripts::host_user_remove_keys) + "}\n" +
                               fmt::format("force={}\nend_processes() {{\n{}}}\n",
                                           config.flag("force") ? "1" : "''",
                                           scripts::host_user_end_processes) +
                               std::string(scripts::host_user_take_back) +
                               forget_memory(change.identity),
                     .step = "reverting user " + named(config, "name")}};
        std::vector<Command> all{{.script = start + make(config) + groups(change),
                                  .step = "setting up user " + named(config, "name")}};
        const std::vector<std::string> keys = strings(config["authorized_keys"]);
        if (!keys.empty())
            all.push_back({.script = start + std::string(kFindHome) +
                                     std::string(scripts::host_user_add_keys),
                           .input = fmt::format("{}\n", fmt::join(keys, "\n")),
                           .step = "adding keys of " + named(config, "name")});
        const std::vector<std::string> gone =
            names_without(strings(change.before["authorized_keys"]), keys);
        if (!gone.empty())
            all.push_back({.script = start + std::string(kFindHome) +
                                     std::string(scripts::host_user_remove_keys),
                           .input = fmt::format("{}\n", fmt::join(gone, "\n")),
                           .step = "removing keys of " + named(config, "name")});
        return all;
    }

  private:
    static std::string make(const Value& user) {
        return fmt::format("shell={} home={} system={}\n{}", shell_quote(user.text("shell")),
                           shell_quote(user.text("home")), user.flag("system") ? "1" : "",
                           scripts::host_user_make);
    }

    static std::string groups(const Change& change) {
        const std::vector<std::string> wanted = strings(change.after["groups"]);
        std::string script;
        if (!wanted.empty())
            script +=
                fmt::format("has=\" \"$(echo $({}))\" \"\n"
                            "for g in {}; do\n"
                            "    case $has in *\" $g \"*) ;;\n"
                            "    *) usermod -a -G \"$g\" \"$u\"; hadeploy_note \"group $g\" ;; "
                            "esac\n"
                            "done\n",
                            print_groups(wanted), quoted(wanted));
        for (const std::string& group : names_without(strings(change.before["groups"]), wanted))
            script += fmt::format("entry=$(getent group {})\n"
                                  "gpasswd -d \"$u\" \"${{entry%%:*}}\" >/dev/null\n",
                                  shell_quote(group));
        return script;
    }
};
} // namespace

std::unique_ptr<ResourceType> make_host_user() {
    return std::make_unique<HostUser>();
}

} // namespace hadeploy::ssh
