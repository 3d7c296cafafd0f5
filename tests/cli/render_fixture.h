#pragma once

#include "golden.h"
#include "planner/plan/plan.h"

#include <string>

/// Hand-written types, plans and errors as input of the renderers.
namespace hadeploy::test {

struct MachineType : ResourceType {
    MachineType() {
        name = "test.machine";
        provider = "test";
        summary = "A machine.";
        machine = true;
        removal_ends_machine = true;
        schema = {
            {.name = "name",
             .type = TypeKind::name,
             .doc = "What it is called.",
             .required = true,
             .replaces = true},
            {.name = "memory",
             .type = TypeKind::bytes,
             .doc = "Of the machine.",
             .default_value = Value("1 GiB"),
             .min = 64LL << 20},
            {.name = "timeout",
             .type = TypeKind::duration,
             .doc = "To wait for it.",
             .operational = true,
             .default_value = Value(90'000)},
            {.name = "disk",
             .type = object_of({{.name = "image", .type = TypeKind::string},
                                {.name = "size", .type = TypeKind::bytes}}),
             .doc = "What it boots from.",
             .replaces = true},
            {.name = "running",
             .type = TypeKind::boolean,
             .doc = "Whether it is on.",
             .default_value = Value(true),
             .verb = "start"},
            {.name = "connection",
             .type = TypeKind::connection,
             .doc = "To log in.",
             .computed = true},
        };
    }
};

struct FileType : ResourceType {
    FileType() {
        name = "test.file";
        provider = "test";
        summary = "A file on a machine.";
        doc = "It is read by its hash.\n\nOn destroy it goes.";
        example = "motd:\n  type: test.file\n  host: ${node.connection}\n  path: /etc/motd\n";
        schema = {
            {.name = "host", .type = TypeKind::connection, .doc = "Where.", .required = true},
            {.name = "path",
             .type = TypeKind::path,
             .doc = "Its name.",
             .required = true,
             .replaces = true},
            {.name = "content", .type = TypeKind::string, .doc = "What it holds, a | b."},
            {.name = "mode",
             .type = TypeKind::mode,
             .doc = "Who may do what.",
             .default_value = Value("0644")},
            {.name = "state",
             .type = TypeKind::string,
             .doc = "There or not.",
             .default_value = Value("present"),
             .one_of = {"present", "empty"}},
            {.name = "password", .type = TypeKind::string, .doc = "To seal it.", .secret = true},
            {.name = "labels", .type = map_of(TypeKind::string), .doc = "Remarks."},
            {.name = "users", .type = list_of(TypeKind::string), .doc = "Who reads it.", .min = 1},
            {.name = "sha256",
             .type = TypeKind::string,
             .doc = "Of the content.",
             .computed = true,
             .tracked = true},
        };
    }
};

inline const MachineType kMachine;
inline const FileType kFile;

inline Value mib(std::int64_t n) {
    return Value(n << 20);
}

inline Value connection(const std::string& machine) {
    return Value::map(
        {{"address", "10.0.0.1"}, {"port", 22}, {"user", "root"}, {"machine", machine}});
}

inline Step machine_step(const std::string& name, Action action) {
    Step step{.address = "node[\"" + name + "\"]", .action = action, .type = &kMachine};
    step.after = Value::map({{"name", name},
                             {"memory", mib(1024)},
                             {"timeout", 90'000},
                             {"running", true},
                             {"disk", Value::map({{"image", "base.qcow2"}, {"size", mib(8192)}})}});
    return step;
}

inline Step file_step(const std::string& name, const std::string& machine, Action action) {
    Step step{.address = "module.app.file[\"" + name + "\"]", .action = action, .type = &kFile};
    step.after = Value::map({{"host", connection("node[\"" + machine + "\"]")},
                             {"path", "/srv/" + name},
                             {"mode", "0644"},
                             {"content", "hello\n"}});
    return step;
}

/// A plan with all kinds of steps.
inline Plan mixed_plan() {
    Plan plan;
    plan.steps.push_back(machine_step("a", Action::create));
    Step start = machine_step("b", Action::update);
    start.verb = "start";
    start.changes = {{"running", false, true}};
    plan.steps.push_back(start);
    Step replace = machine_step("c", Action::replace);
    replace.reason = "disk can't be changed in place";
    replace.changes = {{"disk", Value::map({{"image", "old.qcow2"}, {"size", mib(8192)}}),
                        replace.after["disk"], true},
                       {"memory", mib(512), mib(1024)}};
    plan.steps.push_back(replace);

    Step created = file_step("new", "a", Action::create);
    created.after = created.after.with("content", Value::unknown())
                        .with("password", Value("hunter2").as_secret())
                        .with("sha256", Value::unknown())
                        .with("labels", Value::map({{"who", "me"}, {"nr", "7"}}));
    created.after_steps = {0};
    plan.steps.push_back(created);

    Step updated = file_step("conf", "c", Action::update);
    updated.changes = {
        {"content", "a\nb\nc\nd\ne\nf\ng\n", "a\nb\nc\nD\ne\nf\ng\nh\n"},
        {"password", Value("old").as_secret(), Value("hunter2").as_secret()},
        {"labels", Value::map({{"gone", "1"}, {"kept", "2"}, {"other", "3"}}),
         Value::map({{"kept", "2"}, {"new", "4"}, {"other", "5"}})},
        {"users", Value::list({"ann", "bob"}), Value::list({"ann", "cy"})},
        {"mode", "0644", Value::unknown()},
    };
    updated.after_steps = {2};
    plan.steps.push_back(updated);

    for (const char* name : {"one", "two"}) {
        Step read = file_step(name, "b", Action::read);
        read.reason = "read after the machine has started, and repaired if it differs";
        read.read_first = true;
        read.after_steps = {1};
        plan.steps.push_back(read);
    }
    plan.steps.push_back(file_step("old", "c", Action::remove));
    plan.steps.back().reason = "the spec no longer has it";
    plan.steps.push_back(file_step("found", "c", Action::adopt));
    plan.steps.back().reason = "it exists and matches the spec";
    plan.steps.push_back(file_step("lost", "c", Action::forget));
    plan.steps.back().reason = "it is already gone";
    plan.steps.back().before = plan.steps.back().after;
    plan.outputs = Value::map({{"url", Value::unknown()}, {"size", 3}, {"same", "x"}});
    plan.notices = {"the base image is a year old"};
    return plan;
}

} // namespace hadeploy::test
