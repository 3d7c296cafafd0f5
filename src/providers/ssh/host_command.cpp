#include "providers/ssh/host.h"

#include "core/secrecy.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
constexpr std::size_t kMostCommandOutput = 64 * 1024;

bool is_variable_name(std::string_view name) {
    return !name.empty() && !std::isdigit(static_cast<unsigned char>(name.front())) &&
           name.find_first_not_of(
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
               std::string_view::npos;
}

class HostCommand final : public SshType {
  public:
    HostCommand() {
        name = "host.command";
        summary = "A shell script that runs once on a host.";
        doc = "Use it for tasks that no other type covers. The script runs as root with `sh` (or "
              "`shell: bash`), in `/`, and stops at the first command that fails. It runs again "
              "when `run`, `shell`, `environment` or a value of `triggers` changes.\n\n"
              "The script counts as done when the path in `creates` exists, or when the script in "
              "`unless` succeeds. Every plan runs `unless`, so it must not change anything. "
              "Without either, hadeploy records the run in a file on the host. If a run was "
              "interrupted, the script runs again, so it must be safe to repeat.\n\n"
              "Destroy runs `undo`, if it is set.";
        example = "swap:\n"
                  "  type: host.command\n"
                  "  host: ${node[\"node1\"].connection}\n"
                  "  creates: /swapfile\n"
                  "  run: |\n"
                  "    fallocate -l 1G /swapfile\n"
                  "    chmod 600 /swapfile\n"
                  "    mkswap /swapfile\n"
                  "    swapon /swapfile\n"
                  "  undo: swapoff /swapfile; rm /swapfile\n";
        schema = {host_attribute(),
                  {.name = "run",
                   .type = TypeKind::string,
                   .doc = "The script.",
                   .required = true,
                   .verb = "run again"},
                  {.name = "creates",
                   .type = TypeKind::path,
                   .doc = "If this path exists, the script has already run."},
                  {.name = "unless",
                   .type = TypeKind::string,
                   .doc = "If this script succeeds, `run` is skipped."},
                  {.name = "undo",
                   .type = TypeKind::string,
                   .doc = "The script that destroy runs.",
                   .operational = true},
                  {.name = "triggers",
                   .type = map_of(TypeKind::any),
                   .doc = "The script runs again when one of these values changes.",
                   .default_value = Value::map({}),
                   .verb = "run again"},
                  {.name = "shell",
                   .type = TypeKind::string,
                   .doc = "The shell for `run`, `unless` and `undo`. Default: sh.",
                   .one_of = {"sh", "bash"},
                   .verb = "run again"},
                  {.name = "environment",
                   .type = map_of(TypeKind::string),
                   .doc = "Variables for `run`, `unless` and `undo`.",
                   .default_value = Value::map({}),
                   .verb = "run again"},
                  {.name = "timeout",
                   .type = TypeKind::duration,
                   .doc = "How long `run` or `undo` may take. After that the script and all "
                          "processes that it started are killed.",
                   .operational = true,
                   .default_value = Value(3'600'000),
                   .min = 1'000},
                  {.name = "stdout",
                   .type = TypeKind::string,
                   .doc = "The output of the script, at most 64 KiB, without the trailing newline.",
                   .computed = true,
                   .changes_on_update = true}};
        adopts = true;
        remove_may_leave = true;
    }

    void check(const Value& config, Diagnostics& diagnostics) const override {
        if (!config["creates"].is_null() && !config["unless"].is_null())
            diagnostics.add("set either `creates` or `unless`, not both", config["unless"].loc());
        const Value& environment = config["environment"];
        if (!environment.is_map()) return;
        for (const Entry& e : environment.as_map())
            if (!is_variable_name(e.key))
                diagnostics
                    .add(fmt::format("{} is not a variable name", quoted(environment, e.key)),
                         e.loc)
                    .with_hint("use letters, digits and '_'; the first must not be a digit");
    }

    std::string probe(const ReadRequest& request) const override {
        const Value& config = request.config;
        const std::string memory = shell_quote(memory_file(request.identity));
        std::string done = fmt::format("[ -e {} ]", memory);
        if (config["creates"].is_string())
            done = fmt::format("[ -e {} ]", shell_quote(config.text("creates")));
        if (config["unless"].is_string())
            done = fmt::format("( {} ) >/dev/null 2>&1", script(config, "unless"));
        return fmt::format("if {0}; then echo done; [ ! -r {1} ] || head -c {2} -- {1}; fi\n", done,
                           memory, kMostCommandOutput);
    }

    Observation parse(const ReadRequest&, const ProbeResult& result) const override {
        if (result.status != 0) return cannot_look("whether the command has run", result);
        if (!result.out.starts_with("done\n")) return Observation::absent();
        std::string out = result.out.substr(5);
        while (out.ends_with('\n')) out.pop_back();
        return Observation::present(Value::map({{"stdout", std::move(out)}}));
    }

    std::vector<Command> commands(const Change& change) const override {
        if (change.kind == Change::Kind::remove) {
            std::vector<Command> all;
            if (change.before["undo"].is_string())
                all.push_back({.script = limited(change.before, "undo"),
                               .step = "undoing",
                               .limit = limit_of(change.before)});
            all.push_back({.script = forget_memory(change.identity)});
            return all;
        }
        return {{.script = open_memory(change.identity) +
                           "trap 'rm -f -- \"$memory.new\"; rmdir /var/lib/hadeploy 2>/dev/null || "
                           ":' EXIT\n"
                           "( umask 077; exec >\"$memory.new\"; umask 022\n" +
                           limited(change.after, "run") +
                           " )\nmv -f -- \"$memory.new\" \"$memory\"\n",
                 .step = "running",
                 .limit = limit_of(change.after)}};
    }

  private:
    static std::chrono::milliseconds limit_of(const Value& config) {
        return std::chrono::milliseconds(config.integer("timeout", 3'600'000));
    }

    /// Runs the script in its own shell, so that `timeout` also kills the processes that it starts.
    /// The script arrives through a pipe: on a command line any user could read its variables.
    static std::string limited(const Value& config, std::string_view which) {
        const std::int64_t seconds = limit_of(config).count() / 1000;
        return fmt::format("status=0\nprintf %s {} | timeout -k 10 {} sh -c 'set -e; eval "
                           "\"$(cat)\"' || status=$?\n"
                           "case $status in 0) ;; 124|137) echo \"it took longer than {} s\" >&2; "
                           "exit 124 ;; *) exit $status ;; esac\n",
                           shell_quote(script(config, which)), seconds, seconds);
    }

    /// The user's script with its variables. It is quoted, so that a syntax error in it cannot
    /// affect the surrounding script. Like it, bash reads its script from a pipe.
    static std::string script(const Value& config, std::string_view which) {
        std::string text = "set +u\n";
        if (config["environment"].is_map())
            for (const Entry& e : config["environment"].as_map())
                if (e.value.is_string())
                    text += fmt::format("export {}={}\n", e.key, shell_quote(e.value.as_string()));
        const std::string given = shell_quote(config.text(which));
        return config.text("shell") == "bash"
                   ? fmt::format("{}printf %s {} | bash -e -c 'eval \"$(cat)\"'", text, given)
                   : fmt::format("{}eval {}", text, given);
    }
};
} // namespace

std::unique_ptr<ResourceType> make_host_command() {
    return std::make_unique<HostCommand>();
}

} // namespace hadeploy::ssh
