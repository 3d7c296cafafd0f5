#include "core/text.h"
#include "providers/local/local_type.h"
#include "providers/local/shell.h"

#include <filesystem>
#include <fmt/format.h>

namespace hadeploy::local {

namespace {
class Exec final : public LocalType {
  public:
    Exec() {
        name = "local.exec";
        scripted = true;
        summary = "An object that scripts create, update and remove, on this machine.";
        doc =
            "Use it for objects that no other type covers. The scripts run with `sh`, which does "
            "not stop at a failed command unless the script begins with `set -e`. Command lines "
            "are visible to other users: pass secrets in `environment` or `input`. Each script "
            "finds the current outputs as JSON in `$HADEPLOY_OUTPUTS`.\n\n"
            "`create` creates the object. When `create`, `environment`, `input` or `returns` "
            "changes, `update` runs. Without `update`, `create` runs again, so it must be safe to "
            "repeat. When `triggers` changes, `delete` runs and then `create`. A script that was "
            "interrupted runs again; if it still runs because only hadeploy was killed, the next "
            "run waits for it, for up to a minute.\n\n"
            "`read` runs at every plan. With status 0 the object exists, and the script prints "
            "the outputs; with the status `absent_status` the object does not exist or does not "
            "match the configuration, and `create` runs; any other status is an error. An object "
            "that `read` finds and that is not recorded yet is adopted. Without `read` the object "
            "exists once `create` has succeeded.\n\n"
            "Destroy runs `delete`, if there is one.";
        example = "record:\n"
                  "  type: local.exec\n"
                  "  environment: {TOKEN: \"${var.dns_token}\", NAME: www.example.org}\n"
                  "  create: ./dns add \"$NAME\"\n"
                  "  read: ./dns show \"$NAME\"\n"
                  "  delete: ./dns remove \"$NAME\"\n"
                  "  returns: {id: string, ttl: integer}\n";
        schema = joined({{.name = "create",
                          .type = TypeKind::string,
                          .doc = "The script that creates the object.",
                          .required = true,
                          .verb = "run again"},
                         {.name = "read",
                          .type = TypeKind::string,
                          .doc = "The script that checks whether the object exists.",
                          .operational = true},
                         {.name = "update",
                          .type = TypeKind::string,
                          .doc = "The script that updates the object to the new configuration.",
                          .operational = true},
                         {.name = "delete",
                          .type = TypeKind::string,
                          .doc = "The script that removes the object.",
                          .operational = true},
                         {.name = "absent_status",
                          .type = TypeKind::integer,
                          .doc = "The exit status with which `read` reports that there is no "
                                 "object.",
                          .operational = true,
                          .default_value = Value(44),
                          .min = 1,
                          .max = 125},
                         {.name = "triggers",
                          .type = TypeKind::any,
                          .doc = "Any value; the object is replaced when it changes.",
                          .replaces = true}},
                        shell_attributes());
    }

    void check(const Value& config, Diagnostics& diagnostics) const override {
        check_shell(config, diagnostics);
    }

    Value derive(const Value& config) const override {
        return Value::map({{"outputs", unknown_outputs(config)}});
    }

    Observation observe(const ReadRequest& request, const ProviderContext& context) const override {
        const Value outputs =
            request.recorded != nullptr ? request.recorded->attributes["outputs"] : Value();
        const Value* config = &request.config;
        if (!(*config)["read"].is_string()) {
            if ((*config)["read"].is_unknown()) return not_known_yet("read");
            if (request.recorded == nullptr) return Observation::absent();
            if (outputs.contains_unknown() || outputs.is_null())
                return Observation::present(Value::map({})); // incomplete: create runs again
            Observation there = Observation::present(Value::map({{"outputs", outputs}}));
            there.assumed = true;
            return there;
        }
        if (const char* name =
                first_unknown(*config, {"read", "environment", "input", "directory"})) {
            if (request.recorded == nullptr) return not_known_yet(name);
            config = &request.recorded->config; // the object was created with these values
            if (!(*config)["read"].is_string()) return not_known_yet(name);
        }
        if (const std::string directory = config->text("directory");
            !std::filesystem::is_directory(directory))
            return Observation::blocked(
                Error(ErrorKind::failed,
                      fmt::format("there is no directory {}", in_quotes(directory, 4096))));
        const ProcessResult result = run_shell(*config, "read", outputs, context);
        if (result.status == config->integer("absent_status", 44)) return Observation::absent();
        if (result.status != 0) return Observation::failed(shell_failure(*config, "read", result));
        return Observation::present(
            Value::map({{"outputs", outputs_of(*config, "read", result.out)}}));
    }

    Value make(const Change& change, const ProviderContext& context) const override {
        const Value& config = change.after;
        const bool updates = change.kind == Change::Kind::update && config["update"].is_string();
        const char* which = updates ? "update" : "create";
        const ProcessResult result = run_shell(config, which, change.before["outputs"], context);
        if (result.status != 0) throw shell_failure(config, which, result);
        if (!config["read"].is_string())
            return Value::map({{"outputs", outputs_of(config, which, result.out)}});
        // `read` decides the outputs, as the next plan will; it may depend on those printed here
        Value printed = change.before["outputs"];
        try {
            printed = outputs_of(config, which, result.out);
        } catch (const Error&) { // the script printed no outputs of its own
        }
        const ProcessResult seen = run_shell(config, "read", printed, context);
        if (seen.status != 0) throw shell_failure(config, "read", seen);
        return Value::map({{"outputs", outputs_of(config, "read", seen.out)}});
    }

    void remove(const Change& change, const ProviderContext& context) const override {
        const Value& config = change.before;
        if (!config["delete"].is_string()) return;
        const ProcessResult result = run_shell(config, "delete", config["outputs"], context);
        if (result.status != 0) throw shell_failure(config, "delete", result);
    }
};

class Command final : public DataType {
  public:
    Command() {
        name = "local.command";
        summary = "The output of a command.";
        doc = "The script runs with `sh` at every plan, so it must not change anything. Pass "
              "secrets in `environment` or `input`: command lines are visible to other users. A "
              "status other than 0 is an error.";
        example = "commit:\n"
                  "  type: local.command\n"
                  "  run: git rev-parse --short HEAD\n"
                  "  returns: [id]\n";
        schema = joined(
            {{.name = "run", .type = TypeKind::string, .doc = "The script.", .required = true}},
            shell_attributes());
    }

    void check(const Value& config, Diagnostics& diagnostics) const override {
        check_shell(config, diagnostics);
    }
    Value derive(const Value& config) const override {
        return Value::map({{"outputs", unknown_outputs(config)}});
    }
    Observation observe(const ReadRequest& request, const ProviderContext& context) const override {
        const Value& config = request.config;
        const ProcessResult result = run_shell(config, "run", {}, context);
        if (result.status != 0) return Observation::failed(shell_failure(config, "run", result));
        return Observation::present(
            Value::map({{"outputs", outputs_of(config, "run", result.out)}}));
    }
};
} // namespace

std::unique_ptr<ResourceType> exec_type() {
    return std::make_unique<Exec>();
}
std::unique_ptr<ResourceType> command_type() {
    return std::make_unique<Command>();
}

} // namespace hadeploy::local
