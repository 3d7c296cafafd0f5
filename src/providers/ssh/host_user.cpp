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

// The home belongs to the user, whose links must not redirect writes by root. Reads the keys from
// standard input.
constexpr std::string_view kAddKeys = R"sh(hadeploy_need "$home"
if [ ! -e ./.ssh ] && [ ! -L ./.ssh ]; then
    hadeploy_note "made .ssh"
    hadeploy_directory "${home%/}/.ssh" "$u:$(id -g "$u")" 0700
fi
hadeploy_edit "${home%/}/.ssh" authorized_keys "$id"
: >"$hadeploy_new"
if [ ! -e "$hadeploy_old" ]; then
    hadeploy_note "made authorized_keys"
else
    cat "$hadeploy_old" >"$hadeploy_new"
    # Without a newline at the end, the next key would be appended to the last line.
    [ -z "$(tail -c 1 "$hadeploy_old")" ] || echo >>"$hadeploy_new"
fi
while IFS= read -r key; do
    grep -qxF -e "$key" "$hadeploy_new" || { hadeploy_note "key $key"; printf '%s\n' "$key" >>"$hadeploy_new"; }
done
hadeploy_edited authorized_keys "$u:$(id -g "$u")" 600
)sh";

// Reads the keys from standard input. $made: files and directories that are removed too if they are
// empty.
constexpr std::string_view kRemoveKeys = R"sh(hadeploy_enter "${home%/}/.ssh" || exit 0
hadeploy_edit "$hadeploy_at" authorized_keys "$id"
[ -e "$hadeploy_old" ] || exit 0
grep -vxF -f - "$hadeploy_old" >"$hadeploy_new" || :
case " ${made-} " in *" authorized_keys "*) [ -s "$hadeploy_new" ] || {
    rm -f -- "$hadeploy_new" "$hadeploy_old" "$hadeploy_to/authorized_keys"
    hadeploy_public
    case " $made " in *" .ssh "*) hadeploy_enter "$home" && rmdir -- ./.ssh 2>/dev/null || : ;; esac
    exit 0
} ;; esac
hadeploy_edited authorized_keys
)sh";

// Kills the processes of $u and repeats, because a process may start another one meanwhile.
constexpr std::string_view kEndProcesses = R"sh(uid=$(id -u "$u")
for round in 1 2 3 4 5 6 7 8 9 10; do
    found=
    for process in /proc/[0-9]*; do
        while read -r key real rest; do
            [ "$key" = Uid: ] || continue
            if [ "$real" = "$uid" ]; then found=1; kill -KILL "${process#/proc/}" || :; fi
            break
        done <"$process/status" || :
    done 2>/dev/null
    [ -n "$found" ] || break
    sleep 0.2
done
)sh";

// Variables: force ("1": kill the processes of the user).
constexpr std::string_view kTakeBack =
    R"sh(trap 'rm -f "$memory.keys" "$memory.err"' EXIT
if [ -r "$memory" ] && getent passwd "$u" >/dev/null; then
    created=; shell=; made=; umask 077; : >"$memory.keys"
    while IFS= read -r line; do case $line in
        created) created=1 ;;
        "shell "*) [ -n "$shell" ] || shell=${line#shell } ;;
        "made "*) made="$made ${line#made }" ;;
        "key "*) printf '%s\n' "${line#key }" >>"$memory.keys" ;;
        "group "*) ! entry=$(getent group "${line#group }") || gpasswd -d "$u" "${entry%%:*}" >/dev/null 2>&1 || : ;;
    esac; done <"$memory"
    : >"$memory.err"; umask 022
    if [ -n "$created" ]; then
        [ -z "$force" ] || end_processes
        userdel -r "$u" 2>"$memory.err" || { cat "$memory.err" >&2; exit 1; }
    else
        [ -z "$shell" ] || usermod -s "$shell" "$u"
        [ ! -s "$memory.keys" ] || (remove_keys) <"$memory.keys"
    fi
fi
)sh";

std::vector<std::string> without(const std::vector<std::string>& all,
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
        doc =
            "An existing user is adopted. `groups` and `authorized_keys` are added to those that "
            "the user already has; others are left alone. Missing memberships and keys are drift "
            "and are added again. A new group membership takes effect at the next login, which for "
            "hadeploy and for every new SSH session is immediate. `~/.ssh` and `authorized_keys` "
            "must not be symbolic links, because the user could point them anywhere.\n\n"
            "Destroy removes a user that hadeploy created, together with its home directory. From "
            "any other user it removes the groups and keys that hadeploy added. A user with "
            "running processes is removed only with `force`, which kills them.";
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
                   .doc = "The home directory. A change moves its contents."},
                  {.name = "system",
                   .type = TypeKind::boolean,
                   .doc = "Choose a number from the range for system users.",
                   .operational = true,
                   .default_value = Value(false)},
                  {.name = "authorized_keys",
                   .type = list_of(TypeKind::line),
                   .doc = "Public keys that may log in as this user.",
                   .default_value = Value::list({})},
                  {.name = "force",
                   .type = TypeKind::boolean,
                   .doc = "Destroy kills the processes of the user before it removes the user.",
                   .operational = true,
                   .default_value = Value(false)},
                  {.name = "uid",
                   .type = TypeKind::integer,
                   .doc = "The user number.",
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
                               std::string(kRemoveKeys) + "}\n" +
                               fmt::format("force={}\nend_processes() {{\n{}}}\n",
                                           config.flag("force") ? "1" : "''", kEndProcesses) +
                               std::string(kTakeBack) + forget_memory(change.identity),
                     .step = "reverting user " + named(config, "name")}};
        std::vector<Command> all{{.script = start + make(config) + groups(change),
                                  .step = "setting up user " + named(config, "name")}};
        const std::vector<std::string> keys = strings(config["authorized_keys"]);
        if (!keys.empty())
            all.push_back({.script = start + std::string(kFindHome) + std::string(kAddKeys),
                           .input = fmt::format("{}\n", fmt::join(keys, "\n")),
                           .step = "adding keys of " + named(config, "name")});
        const std::vector<std::string> gone =
            without(strings(change.before["authorized_keys"]), keys);
        if (!gone.empty())
            all.push_back({.script = start + std::string(kFindHome) + std::string(kRemoveKeys),
                           .input = fmt::format("{}\n", fmt::join(gone, "\n")),
                           .step = "removing keys of " + named(config, "name")});
        return all;
    }

  private:
    static std::string make(const Value& user) {
        const std::string shell = user.text("shell"), home = user.text("home");
        std::string script = fmt::format(
            "if ! getent passwd \"$u\" >/dev/null; then\n"
            "    hadeploy_note created; useradd -m -s {}{}{} -- \"$u\"\nfi\n",
            shell_quote(shell.empty() ? "/bin/bash" : shell),
            home.empty() ? "" : " -d " + shell_quote(home), user.flag("system") ? " -r" : "");
        if (!shell.empty())
            script +=
                fmt::format("line=$(getent passwd \"$u\"); old=${{line##*:}}\n"
                            "if [ \"$old\" != {0} ]; then hadeploy_note \"shell $old\"; usermod "
                            "-s {0} \"$u\"; fi\n",
                            shell_quote(shell));
        if (!home.empty())
            script +=
                fmt::format("line=$(getent passwd \"$u\"); old=${{line%:*}}; old=${{old##*:}}\n"
                            "if [ \"$old\" = {0} ]; then :\n"
                            // nothing to move, or moved already: only change the entry
                            "elif [ -d {0} ] || [ ! -d \"$old\" ]; then usermod -d {0} \"$u\"\n"
                            "else usermod -m -d {0} \"$u\"; fi\n",
                            shell_quote(home));
        return script;
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
        for (const std::string& group : without(strings(change.before["groups"]), wanted))
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
