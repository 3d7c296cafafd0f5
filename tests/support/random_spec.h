#pragma once

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace hadeploy {

/// The seed of the first round. Set HADEPLOY_SEED to repeat a failed round.
inline unsigned first_seed() {
    const char* given = std::getenv("HADEPLOY_SEED");
    return given == nullptr ? 20'240 : static_cast<unsigned>(std::strtoul(given, nullptr, 10));
}

/// A random spec of things (single, with `count` or `for_each`), machines, modules, notes that
/// exist only in the state, and data sources. All refer only to earlier ones, so that there are no
/// cycles. The same seed with another `version` gives the same spec after some changes.
class RandomSpec {
  public:
    RandomSpec(unsigned seed, unsigned version) : shape_(seed), change_(seed * 31 + version) {
        const std::size_t count = 3 + shape_() % 8;
        for (std::size_t i = 0; i < count; ++i) add(i);
    }

    /// The spec as text, optionally with the entries of each section shuffled.
    std::string text(std::mt19937* shuffled = nullptr) {
        std::string out = "name: test\n";
        for (auto& [section, entries] : sections_) {
            if (shuffled != nullptr) std::shuffle(entries.begin(), entries.end(), *shuffled);
            out += section + ":\n";
            for (const std::string& e : entries) out += e;
        }
        return out;
    }

    static constexpr const char* kModule = R"(
variables: {key: {type: string}, size: {type: integer}, from: {type: string}}
resources:
  one: {type: fake.thing, name: "${var.key}-one-s${var.size}", size: "${var.size}", value: "${var.from}"}
  two: {type: fake.thing, for_each: [p, q], name: "${var.key}-two-${each.key}", value: "${one.token}"}
outputs: {token: "${one.token}", all: "${join(',', values(two[*].token))}"}
)";

  private:
    void add(std::size_t i) {
        const unsigned kind = shape_() % 10;
        const bool gone = change_() % 9 == 0 && i > 0; // absent in this version
        const std::string name = fmt::format("r{}", i);
        if (kind == 0) return add_machine(name);
        if (kind == 1) return add_module(name, gone);
        if (kind == 2 || kind == 3) return add_note(name, gone);
        const unsigned size = 1 + change_() % 2;
        const unsigned instances = shape_() % 3;
        std::string more, suffix;
        if (instances == 1) {
            more = fmt::format(", count: {}", 1 + change_() % 3);
            suffix = "-${count.index}";
        } else if (instances == 2) {
            more = change_() % 2 == 0 ? ", for_each: [a, b]" : ", for_each: [c, a]";
            suffix = "-${each.key}";
        }
        if (shape_() % 4 == 0) more += ", lifecycle: {create_before_destroy: true}";
        if (!machines_.empty() && shape_() % 3 == 0)
            more += fmt::format(", host: \"${{{}.connection}}\"", pick(machines_));
        if (shape_() % 5 == 0 && !names_.empty())
            more += fmt::format(", depends_on: [{}]", pick(names_));
        const char* type = shape_() % 5 == 0 ? "fake.adoptable" : "fake.thing";
        const std::string value = from_before();
        if (gone) return;
        sections_["resources"].push_back(fmt::format(
            "  {0}: {{type: {1}, name: \"{0}{2}-s{3}\", size: {3}, value: \"{4}\"{5}}}\n", name,
            type, suffix, size, value, more));
        names_.push_back(name);
        if (looks_ && instances == 0) add_look(name);
        if (instances == 0) references_.push_back(name + ".token");
        if (instances == 0) references_.push_back(name + ".shout");
        if (instances == 1) references_.push_back(fmt::format("join(',', {}[*].token)", name));
        if (instances == 1) references_.push_back(name + "[0].token");
        if (instances == 2) references_.push_back(name + "['a'].token");
        if (instances == 2)
            references_.push_back(fmt::format("join(',', values({}[*].shout))", name));
    }

    void add_machine(const std::string& name) {
        sections_["resources"].push_back(
            fmt::format("  {0}: {{type: fake.machine, name: {0}}}\n", name));
        machines_.push_back(name);
    }

    /// Others refer to its text, as its token differs between states.
    void add_note(const std::string& name, bool gone) {
        std::string lifecycle;
        if (shape_() % 2 == 0) lifecycle = "create_before_destroy: true";
        if (shape_() % 2 == 0 && !names_.empty())
            lifecycle += fmt::format("{}replace_triggered_by: [{}]", lifecycle.empty() ? "" : ", ",
                                     pick(names_));
        const unsigned paper = change_() % 3;
        const std::string text = from_before();
        if (gone) return;
        sections_["resources"].push_back(
            fmt::format("  {}: {{type: fake.note, text: \"{}\", paper: p{}, lifecycle: {{{}}}}}\n",
                        name, text, paper, lifecycle));
        names_.push_back(name);
        references_.push_back(name + ".text");
    }

    /// Adds a data source that reads the thing after apply.
    void add_look(const std::string& name) {
        sections_["data"].push_back(fmt::format(
            "  {0}: {{type: fake.look, name: \"${{{0}.name}}\", depends_on: [{0}]}}\n", name));
        references_.push_back("data." + name + ".value");
    }

    void add_module(const std::string& name, bool gone) {
        const unsigned instances = shape_() % 3;
        const char* more = instances == 0   ? ""
                           : instances == 1 ? ", count: 2"
                           : change_() % 2  ? ", for_each: [x, y]"
                                            : ", for_each: [x]";
        const char* key = instances == 0 ? "" : instances == 1 ? "-${count.index}" : "-${each.key}";
        const std::string from = from_before();
        if (gone) return;
        sections_["modules"].push_back(fmt::format(
            "  {0}: {{source: m{1}, with: {{key: \"{0}{2}\", size: {3}, from: \"{4}\"}}}}\n", name,
            more, key, 1 + change_() % 2, from));
        const std::string one = "module." + name +
                                (instances == 0   ? ""
                                 : instances == 1 ? "[1]"
                                                  : "['x']");
        references_.push_back(one + ".token");
        if (instances == 2)
            references_.push_back(fmt::format("join(',', values(module.{}[*].all))", name));
    }

    std::string from_before() {
        const unsigned which = shape_();
        if (references_.empty() || which % 4 == 0) return fmt::format("v{}", change_() % 3);
        const std::string& reference = references_[which % references_.size()];
        if (which % 3 != 0) return "${" + reference + "}";
        const std::string local = fmt::format("l{}", sections_["locals"].size());
        sections_["locals"].push_back(fmt::format("  {}: \"${{{}}}\"\n", local, reference));
        return "${local." + local + "}";
    }

    const std::string& pick(const std::vector<std::string>& from) {
        return from[shape_() % from.size()];
    }

    std::mt19937 shape_, change_;
    bool looks_ = shape_() % 3 == 0; ///< whether this spec has data sources
    std::map<std::string, std::vector<std::string>> sections_;
    std::vector<std::string> references_, machines_, names_;
};

} // namespace hadeploy
