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
        summary = "Something that commands make, change and remove, on this machine.";
        doc =
            "For what no other type does. The scripts run with `sh` and stop at nothing by "
            "themselves: begin with `set -e` where they should. None gets a secret on its command "
            "line: give it in `environment` or `input`. Each finds the outputs so far as JSON in "
            "`$HADEPLOY_OUTPUTS`.\n\n"
            "`create` makes it. When `create`, `environment`, `input` or `returns` changes, "
            "`update` runs, or where there is none `create` again: write it so that it can be. "
            "When `triggers` changes, `delete` runs and then `create`. A script that was cut off "
            "is run again; one that still runs, because hadeploy was killed and it was not, is "
            "waited for, for a minute.\n\n"
            "With `read`, every plan looks: status 0 means that it is there, and what it prints "
            "are the outputs; the status `absent_status` means that it is not there, or not as "
            "it should be, and `create` is run; any other one is an error. What `read` finds "
            "before anything is recorded is taken over. Without `read` it is there once "
            "`create` has succeeded.\n\n"
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
                          .doc = "The script that makes it.",
                          .required = true,
                          .verb = "run again"},
                         {.name = "read",
                          .type = TypeKind::string,
                          .doc = "The script that looks whether it is there.",
                          .operational = true},
                         {.name = "update",
                          .type = TypeKind::string,
                          .doc = "The script that brings it to what is now wanted.",
                          .operational = true},
                         {.name = "delete",
                          .type = TypeKind::string,
                          .doc = "The script that removes it.",
                          .operational = true},
                         {.name = "absent_status",
                          .type = TypeKind::integer,
                          .doc = "The exit status with which `read` says that there is nothing.",
                          .operational = true,
                          .default_value = Value(44),
                          .min = 1,
                          .max = 125},
                         {.name = "triggers",
                          .type = TypeKind::any,
                          .doc = "Anything; when it changes, a new one is made.",
                          .replaces = true}},
                        shell_attributes());
    }

    void check(const Value& config, Diagnostics& diagnostics) const override {
        check_shell(config, diagnostics);
    }

    Value derive(const Value& config) const override {
        return Value::map({{"outputs", unknown_outputs(config)}});
    }

    Observation observe(const ReadRequest& request, const ProviderContext& setting) const override {
        const Value outputs =
            request.recorded != nullptr ? request.recorded->attributes["outputs"] : Value();
        const Value* config = &request.config;
        if (!(*config)["read"].is_string()) {
            if ((*config)["read"].is_unknown()) return not_known_yet("read");
            if (request.recorded == nullptr) return Observation::absent();
            if (outputs.contains_unknown() || outputs.is_null())
                return Observation::present(Value::map({})); // half made: create runs again
            Observation there = Observation::present(Value::map({{"outputs", outputs}}));
            there.assumed = true;
            return there;
        }
        if (const char* name =
                first_unknown(*config, {"read", "environment", "input", "directory"})) {
            if (request.recorded == nullptr) return not_known_yet(name);
            config = &request.recorded->config; // what is there was made with these
            if (!(*config)["read"].is_string()) return not_known_yet(name);
        }
        if (const std::string directory = config->text("directory");
            !std::filesystem::is_directory(directory))
            return Observation::blocked(
                Error(ErrorKind::failed,
                      fmt::format("there is no directory {}", in_quotes(directory, 4096))));
        const ProcessResult result = run_shell(*config, "read", outputs, setting);
        if (result.status == config->integer("absent_status", 44)) return Observation::absent();
        if (result.status != 0) return Observation::failed(shell_failure(*config, "read", result));
        return Observation::present(
            Value::map({{"outputs", outputs_of(*config, "read", result.out)}}));
    }

    Value make(const Change& change, const ProviderContext& setting) const override {
        const Value& config = change.after;
        const bool updates = change.kind == Change::Kind::update && config["update"].is_string();
        const char* which = updates ? "update" : "create";
        const ProcessResult result = run_shell(config, which, change.before["outputs"], setting);
        if (result.status != 0) throw shell_failure(config, which, result);
        if (!config["read"].is_string())
            return Value::map({{"outputs", outputs_of(config, which, result.out)}});
        // what the next plan will see counts; what was printed may be what `read` goes by
        Value printed = change.before["outputs"];
        try {
            printed = outputs_of(config, which, result.out);
        } catch (const Error&) { // none of its own
        }
        const ProcessResult seen = run_shell(config, "read", printed, setting);
        if (seen.status != 0) throw shell_failure(config, "read", seen);
        return Value::map({{"outputs", outputs_of(config, "read", seen.out)}});
    }

    void remove(const Change& change, const ProviderContext& setting) const override {
        const Value& config = change.before;
        if (!config["delete"].is_string()) return;
        const ProcessResult result = run_shell(config, "delete", config["outputs"], setting);
        if (result.status != 0) throw shell_failure(config, "delete", result);
    }
};

class Command final : public DataType {
  public:
    Command() {
        name = "local.command";
        summary = "What a command prints.";
        doc = "The script runs with `sh` whenever a plan is made, so it must only look. It gets "
              "secrets in `environment` or `input`, never on its command line. A status other than "
              "0 is an error.";
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
    Observation observe(const ReadRequest& request, const ProviderContext& setting) const override {
        const Value& config = request.config;
        const ProcessResult result = run_shell(config, "run", {}, setting);
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
