#include "providers/ssh/compose_texts.h"

#include "providers/ssh/compose_scalar.h"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

namespace hadeploy::ssh::docker {

namespace {
class Texts {
  public:
    explicit Texts(const ComposeReport& report) : report_(report) {}

    /// @param used  whether the node is part of the stack; parts that are used only through anchors
    /// may have variables without a value
    void look_at(const YAML::Node& node, bool used) {
        if (node.IsMap()) {
            look_at_keys(node);
            for (const auto& item : node) look_at(item.second, used);
        }
        if (node.IsSequence())
            for (const auto& one : node) look_at(one, used);
        if (node.IsScalar() && node.Scalar().find('$') != std::string::npos) substitute(node, used);
    }

    void look_at_keys(const YAML::Node& map) {
        std::vector<std::string> seen;
        for (const auto& item : map) {
            const YAML::Node& key = item.first;
            if (!key.IsScalar()) {
                report_.problem(key, "a key must be a string");
                continue;
            }
            const std::string& name = key.Scalar();
            if (name == "<<") {
                check_merge(item.second);
                continue;
            }
            if (std::find(seen.begin(), seen.end(), name) != seen.end())
                report_.problem(key, fmt::format("the key `{}` appears twice", name))
                    .with_hint("remove one of them; Docker does not define which one takes effect");
            seen.push_back(name);
            if (const Reading read = read_scalar(key); read.type != Scalar::text)
                report_.problem(key, fmt::format("the key {} is not a string", name))
                    .with_hint(fmt::format("write it in quotes: \"{}\"{}", name, without(read)));
        }
    }

  private:
    /// A hint on how Docker reads a key without quotes.
    static std::string without(const Reading& read) {
        if (read.type == Scalar::flag) return "; without them YAML reads true or false";
        if (read.type == Scalar::word)
            return fmt::format("; without them Docker before 28 reads {}", read.text);
        return "";
    }

    void check_merge(const YAML::Node& merged) {
        bool maps = merged.IsMap() || merged.IsSequence();
        if (merged.IsSequence())
            for (const auto& one : merged) maps = maps && one.IsMap();
        if (!maps)
            report_.problem(merged, "`<<` must be a map or a list of maps")
                .with_hint("refer to a map with an anchor: <<: *common");
    }

    void substitute(const YAML::Node& node, bool used) {
        try {
            substituted(node.Scalar(), report_.variables,
                        [&](const std::string& name, const std::string& message) {
                            if (used || !message.empty()) no_value(node, name, message);
                        });
        } catch (Error& error) {
            Error& added = report_.problem(node, error.message);
            added.hint = error.hint;
        }
    }

    void no_value(const YAML::Node& node, const std::string& name, const std::string& message) {
        if (std::find(missing_.begin(), missing_.end(), name) != missing_.end()) return;
        missing_.push_back(name);
        report_
            .problem(node, message.empty()
                               ? fmt::format("the variable {} has no value", name)
                               : fmt::format("the variable {} has no value: {}", name, message))
            .with_hint(
                message.empty()
                    ? fmt::format("set it in `variables`, or give a default: ${{{}:-value}}", name)
                    : "set it in `variables`");
    }

    const ComposeReport& report_;
    std::vector<std::string> missing_; ///< variables that were reported
};
} // namespace

void check_texts(const ComposeReport& report) {
    Texts texts(report);
    texts.look_at_keys(report.compose.root);
    for (const auto& item : report.compose.root)
        texts.look_at(item.second,
                      !item.first.IsScalar() || !item.first.Scalar().starts_with("x-"));
}

} // namespace hadeploy::ssh::docker
