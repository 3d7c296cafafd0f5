// The types of a host by data: each tests/ssh/types/TYPE/*.yaml has configs, raw outputs of probes
// and changes, with the observations, commands and problems that the type makes of them.
// CONTRIBUTING.md describes the form. HADEPLOY_ACCEPT=1 writes the results into the files: look at
// the diff then.
#include "core/file.h"
#include "core/value_json.h"
#include "golden.h"
#include "planner/yaml/yaml.h"
#include "providers/ssh/host.h"
#include "providers/ssh/provider.h"
#include "ssh/host_case.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::test;
namespace fs = std::filesystem;

namespace {
/// A map whose entries keep their order.
using Entries = std::vector<std::pair<std::string, Value>>;

const fs::path kTypes = fs::path(HADEPLOY_SOURCE_DIR) / "tests/ssh/types";

bool is_plain(const std::string& text) {
    return !text.empty() &&
           (std::isalpha(static_cast<unsigned char>(text.front())) || text.front() == '/') &&
           text.back() != ' ' && text != "true" && text != "false" && text != "null" &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  " /._-,();'") == std::string::npos;
}

/// The value of a key, as YAML. Texts of several lines are blocks, so that scripts can be read.
std::string yaml(const Value& value, std::size_t indent) {
    const std::string margin(indent, ' ');
    if (value.is_map() && !value.as_map().empty()) {
        std::string out;
        for (const Entry& e : value.as_map())
            out += fmt::format("\n{}{}:{}", margin, is_plain(e.key) ? e.key : to_json(Value(e.key)),
                               yaml(e.value, indent + 2));
        return out;
    }
    if (value.is_list() && !value.as_list().empty()) {
        std::string out;
        for (const Value& item : value.as_list()) {
            std::string text = yaml(item, indent + 2);
            if (text.front() == '\n') text.replace(0, indent + 3, " "); // a map's first key
            out += fmt::format("\n{}-{}", margin, text);
        }
        return out;
    }
    if (!value.is_string()) return " " + to_json(value);
    const std::string& text = value.as_string();
    if (is_plain(text)) return " " + text;
    const bool block = text.find('\n') != std::string::npos && text.front() != ' ' &&
                       text.front() != '\n' && text.find_first_of("\t\r") == std::string::npos &&
                       !text.ends_with("\n\n");
    if (!block) return " " + to_json(value);
    std::string out = text.ends_with('\n') ? " |" : " |-";
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        out += line.empty() ? "\n" : fmt::format("\n{}{}", margin, line);
    return out;
}

std::string yaml(const Entries& entries, std::string_view first, std::size_t indent) {
    std::string out;
    for (const auto& [key, value] : entries) {
        const std::string margin = out.empty() ? std::string(first) : std::string(indent, ' ');
        out += fmt::format("{}{}:{}\n", margin, key, yaml(value, indent + 2));
    }
    return out;
}

/// One file of cases, and their results.
class Cases {
  public:
    Cases(const fs::path& file, std::string type) : type_(std::move(type)) {
        const std::string text = read_file(file);
        Diagnostics diagnostics;
        Sources sources;
        written_ = read_yaml(sources, sources.add(file, text), diagnostics);
        diagnostics.throw_if_any();
        while (text.compare(comments_.size(), 1, "#") == 0)
            comments_ = text.substr(0, text.find('\n', comments_.size()) + 1);
    }

    /// The file as it should be.
    std::string run() const {
        std::string out = comments_ + yaml({{"config", written_["config"]}}, "", 0);
        if (written_.has("probe")) {
            const std::string script = type().probe(request(config({})));
            out += yaml({{"probe", Value(script)}}, "", 0);
        }
        out += section("reads", [&](const Value& one) { return read(one); });
        out += section("changes", [&](const Value& one) { return change(one); });
        out += section("invalid", [&](const Value& one) { return invalid(one); });
        return out;
    }

  private:
    const ssh::SshType& type() const { return type_named(type_); }

    template<typename One>
    std::string section(const char* name, One one) const {
        if (!written_.has(name)) return "";
        std::string out = fmt::format("{}:\n", name);
        for (const Value& item : written_[name].as_list()) {
            INFO(item.text("name"));
            out += yaml(one(item), "  - ", 4);
        }
        return out;
    }

    Value written(const Value& more) const {
        Value all = written_["config"].with("host", some_connection());
        if (more.is_map()) all = all.with_all(more);
        return all;
    }
    Value config(const Value& more) const { return config_of(type_, written(more)); }
    ReadRequest request(Value config) const {
        return {.address = "it", .type = &type(), .config = std::move(config), .identity = "0000"};
    }
    /// The keys of a case as they were written, in this order.
    static Entries given(const Value& one, std::initializer_list<const char*> keys) {
        Entries entries;
        for (const char* key : keys)
            if (one.has(key)) entries.emplace_back(key, one[key]);
        return entries;
    }

    Entries read(const Value& one) const {
        Entries entries = given(one, {"name", "config", "output", "status", "errors"});
        const Observation seen = ssh::observation_from(
            request(config(one["config"])),
            {static_cast<int>(one.integer("status")), one.text("output"), one.text("errors")});
        static constexpr const char* kStates[] = {"present", "absent", "failed", "blocked"};
        entries.emplace_back("state", kStates[static_cast<int>(seen.state)]);
        if (seen.state == Observation::State::present)
            entries.emplace_back("attributes", seen.attributes);
        if (!seen.foreign.empty()) entries.emplace_back("foreign", seen.foreign);
        if (!seen.lacks.empty()) entries.emplace_back("lacks", seen.lacks);
        if (seen.error) {
            entries.emplace_back("error", seen.error->message);
            if (!seen.error->hint.empty()) entries.emplace_back("hint", seen.error->hint);
        }
        return entries;
    }

    Entries change(const Value& one) const {
        Entries entries = given(one, {"name", "kind", "before", "config", "changed"});
        const std::string kind = one.text("kind");
        Change change;
        change.type = &type();
        change.identity = "0000";
        change.kind = kind == "create"   ? Change::Kind::create
                      : kind == "update" ? Change::Kind::update
                                         : Change::Kind::remove;
        if (kind != "create") change.before = config(one["before"]);
        if (kind != "remove") change.after = config(one["config"]);
        change.changed = ssh::strings(one["changed"]);
        Value::List commands;
        for (const ssh::Command& command : type().commands(change)) {
            Value shown = Value::map({{"step", command.step}, {"script", command.script}});
            if (!command.input.empty()) shown = shown.with("input", command.input);
            commands.push_back(shown);
        }
        entries.emplace_back("commands", Value::list(std::move(commands)));
        return entries;
    }

    Entries invalid(const Value& one) const {
        Entries entries = given(one, {"name", "config"});
        entries.emplace_back("problems",
                             ssh::list_of_strings(problems_of(type_, written(one["config"]))));
        CHECK(!entries.back().second.as_list().empty());
        return entries;
    }

    std::string type_, comments_;
    Value written_;
};
} // namespace

TEST_CASE("host types: raw output gives the observation, a change gives the commands") {
    std::size_t files = 0;
    for (const auto& folder : fs::directory_iterator(kTypes)) {
        const std::string type = folder.path().filename().string();
        REQUIRE_MESSAGE(registry().type(type) != nullptr, "there is no type ", type);
        for (const auto& file : fs::directory_iterator(folder)) {
            const std::string name = fs::relative(file, HADEPLOY_SOURCE_DIR).string();
            INFO(name);
            check_golden(name, Cases(file, type).run());
            ++files;
        }
    }
    CHECK(files > 0);
}

TEST_CASE("host types: each has cases") {
    for (const auto& type : registry().types()) {
        INFO(type->name);
        if (!type->name.starts_with("host.") && !type->name.starts_with("mysql.") &&
            !type->name.starts_with("haproxy."))
            continue;
        CHECK(fs::is_directory(kTypes / type->name));
        CHECK((type->summary + type->doc).find("TODO") == std::string::npos); // of scripts/new-type
    }
}
