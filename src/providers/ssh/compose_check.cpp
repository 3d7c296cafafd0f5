#include "providers/ssh/compose_check.h"

#include "core/did_you_mean.h"
#include "provider_api/schema.h"
#include "providers/ssh/compose_ignored.h"
#include "providers/ssh/compose_keys.h"
#include "providers/ssh/compose_report.h"
#include "providers/ssh/compose_rules.h"
#include "providers/ssh/compose_scalar.h"
#include "providers/ssh/compose_texts.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

namespace hadeploy::ssh::docker {

namespace {
constexpr int kAnyVersion = 99;

/// A place in the file: "deploy.replicas" of the service web.
struct At {
    std::string section, name, rest;

    [[nodiscard]] At below(const std::string& key) const {
        At at = *this;
        if (section.empty())
            at.section = key;
        else if (name.empty())
            at.name = key;
        else
            at.rest += (rest.empty() ? "" : ".") + key;
        return at;
    }
    [[nodiscard]] At item(std::size_t index) const {
        At at = *this;
        at.rest += fmt::format("[{}]", index);
        return at;
    }
    [[nodiscard]] std::string shown() const {
        if (section.empty()) return "a compose file";
        if (name.empty()) return fmt::format("`{}`", section);
        std::string kind = section;
        kind.pop_back(); // services: service
        const std::string whose = fmt::format("the {} {}", kind, name);
        return rest.empty() ? whose : fmt::format("`{}` of {}", rest, whose);
    }
};

bool is_number(Scalar type) {
    return type == Scalar::integer || type == Scalar::number;
}

bool is_whole_number(const Reading& read) {
    return is_number(read.type) && read.text.find_first_not_of("+-0123456789") == std::string::npos;
}

/// Whether a scalar is of a kind (see Key::is), given without its "!".
bool is_of(std::string_view kind, const Reading& read) {
    const bool negative = read.text.starts_with('-');
    if (kind == "null") return read.type == Scalar::null;
    if (kind == "flag") return read.type == Scalar::flag;
    if (kind == "whole") return read.type == Scalar::integer;
    if (kind == "integer") return is_whole_number(read);
    if (kind == "count") return is_whole_number(read) && !negative;
    if (kind == "number") return is_number(read.type);
    if (kind == "amount") return is_number(read.type) && !negative;
    if (kind == "target") return is_whole_number(read) && has_form("port", read.text);
    if (kind == "value" || kind == "option")
        return read.type == Scalar::text || read.type == Scalar::date || is_number(read.type) ||
               (kind == "value" && read.type == Scalar::null);
    return read.type == Scalar::text && has_form(kind, read.text);
}

/// For the value of a variable, every Docker version also accepts the YAML 1.1 words for booleans.
bool is_of_variable(std::string_view kind, const Reading& read) {
    return is_of(kind, read) || (kind == "flag" && read.type == Scalar::word);
}

/// The expected value, for messages: "a list", "a map" or the form of a scalar.
std::string wanted(std::string_view kind) {
    if (kind.ends_with('!')) kind.remove_suffix(1);
    if (kind.starts_with('[')) return "a list";
    if (kind.starts_with('{')) return "a map";
    if (kind == "whole" || kind == "integer" || kind == "count") return "a whole number";
    if (kind == "target") return "a port number";
    if (kind == "number" || kind == "amount") return "a number";
    if (kind == "flag") return "true or false";
    if (kind == "value" || kind == "option") return "a string or a number";
    return name_of_form(kind);
}

std::string wanted_of(const std::vector<std::string_view>& kinds) {
    std::vector<std::string> all;
    for (const std::string_view kind : kinds)
        if (kind != "null") all.push_back(wanted(kind));
    const std::string last = all.back();
    all.pop_back();
    return all.empty() ? last : fmt::format("{} or {}", fmt::join(all, ", "), last);
}

class Check {
  public:
    explicit Check(const ComposeReport& report) : report_(report) {
        const YAML::Node version = member(report.compose.root, "version");
        if (version.IsDefined() && version.IsScalar() && has_form("version", version.Scalar()) &&
            version.Scalar().starts_with("3."))
            version_ = std::stoi(version.Scalar().substr(2));
    }

    void run() { check(report_.compose.root, "{file}", {}, "", ""); }

  private:
    /// @param shape, key  the enclosing shape and key, for remedies of common mistakes
    void check(const YAML::Node& node, std::string_view is, const At& at, std::string_view shape,
               std::string_view key) {
        if (is == "any") return;
        const auto kinds = alternatives(is);
        const char bracket = node.IsMap() ? '{' : node.IsSequence() ? '[' : ' ';
        const auto fits = std::find_if(kinds.begin(), kinds.end(), [&](std::string_view kind) {
            return kind.starts_with(bracket);
        });
        if (bracket == ' ') return check_scalar(node, kinds, at);
        if (fits == kinds.end())
            return mismatch(node, bracket == '{' ? "a map" : "a list", kinds, at,
                            std::string(remedy(shape, key)));
        if (bracket == '[') return check_list(node, inside(*fits), at, shape, key);
        const std::string_view of = inside(*fits);
        if (of.starts_with('*') || of.starts_with('+')) return check_named(node, of, at);
        check_shape(node, of, at);
    }

    void check_named(const YAML::Node& map, std::string_view of, const At& at) {
        for (const auto& [key, value] : entries(map)) {
            const std::string& name = key.Scalar();
            const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
                return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
            });
            if (of.starts_with('+') && (!plain || name.empty()))
                report_
                    .problem(key, fmt::format("\"{}\" is not a valid name in {}", name, at.shown()))
                    .with_hint("use letters, digits and . _ -");
            check(value, of.substr(1), at.below(name), "", "");
        }
    }

    void check_shape(const YAML::Node& map, std::string_view shape, const At& at) {
        for (const auto& [key, value] : entries(map)) {
            const std::string& name = key.Scalar();
            const Key* known = find_key(shape, name);
            const bool open = known != nullptr && known->name == "*";
            const auto close =
                known == nullptr || open ? did_you_mean(name, key_names(shape)) : std::nullopt;
            if (known == nullptr || (open && close && remedy(shape, "*").empty())) {
                unknown_key(key, shape, close, at);
                continue;
            }
            if (known->since > version_)
                report_
                    .problem(key, fmt::format("`{}` in {} needs version 3.{} of the format, but "
                                              "the file declares 3.{}",
                                              name, at.shown(), known->since, version_))
                    .with_hint("remove `version`; hadeploy then chooses the lowest version that "
                               "supports the file");
            check(value, known->is, at.below(name), shape, name);
        }
    }

    void unknown_key(const YAML::Node& key, std::string_view shape,
                     const std::optional<std::string>& close, const At& at) {
        const std::string_view other = remedy(shape, key.Scalar());
        Error& error =
            report_.problem(key, fmt::format("a stack does not support the key `{}` in {}",
                                             key.Scalar(), at.shown()));
        if (!other.empty())
            error.hint = other;
        else if (close)
            error.hint = fmt::format("did you mean `{}`?", *close);
        else
            error.hint = "remove it: `docker stack deploy` rejects it";
    }

    void check_list(const YAML::Node& list, std::string_view of, const At& at,
                    std::string_view shape, std::string_view key) {
        const bool unique = of.starts_with('!');
        std::set<std::string> seen;
        std::size_t index = 0;
        for (const auto& one : list) {
            const At place = at.item(index++);
            check(one, of.substr(unique ? 1 : 0), place, shape, key);
            const auto text = unique && one.IsScalar() ? report_.text_of(one) : std::nullopt;
            if (text && !seen.insert(*text).second)
                report_.problem(one, fmt::format("{} appears twice: {}", at.shown(), *text))
                    .with_hint("remove one of them");
        }
    }

    void check_scalar(const YAML::Node& node, const std::vector<std::string_view>& kinds,
                      const At& at) {
        Reading read = read_scalar(node);
        bool variable = false;
        if (read.type == Scalar::text && node.Scalar().find('$') != std::string::npos) {
            const auto text = report_.text_of(node);
            if (!text) return;
            variable = *text != node.Scalar();
            read.text = *text;
        }
        for (std::string_view kind : kinds) {
            const bool literal = kind.ends_with('!');
            if (literal) kind.remove_suffix(1);
            // a number from a variable counts as a number almost everywhere
            if (!is_of(kind, read) &&
                (!variable || literal || !is_of_variable(kind, read_plain(read.text))))
                continue;
            if (kind == "value" || kind == "option") check_kept(node, read, at);
            return;
        }
        mismatch(node, shown(node, read), kinds, at, hint_for(kinds, read, node.Scalar()));
    }

    /// 1.50 is a number, which becomes the string "1.5".
    void check_kept(const YAML::Node& node, const Reading& read, const At& at) {
        if (read.type == Scalar::text || read.type == Scalar::null || read.text == node.Scalar())
            return;
        report_
            .problem(node, fmt::format("{} is {}, which Docker changes to {}", at.shown(),
                                       node.Scalar(), read.text))
            .with_hint(fmt::format("write it in quotes: \"{}\"", node.Scalar()));
    }

    static std::string shown(const YAML::Node& node, const Reading& read) {
        if (read.type == Scalar::null) return "empty";
        return read.type == Scalar::text ? fmt::format("\"{}\"", read.text) : node.Scalar();
    }

    static std::string hint_for(const std::vector<std::string_view>& kinds, const Reading& read,
                                const std::string& written) {
        if (read.type == Scalar::null) return "give it a value, or remove it";
        if (read.type == Scalar::word) return hint_for_word(kinds, read, written);
        if (read.type == Scalar::text && kinds.front() == "size" &&
            has_form("size", read.text + "B"))
            return fmt::format("write it with a B: {}B", read.text);
        const std::string unit = kinds.front() == "size"       ? "M"
                                 : kinds.front() == "duration" ? "s"
                                                               : "";
        if (!unit.empty() && is_number(read.type))
            return fmt::format("write it with a unit: {}{}", written, unit);
        for (std::string_view kind : kinds) {
            if (kind.starts_with('[')) return fmt::format("write a list: [{}]", written);
            if (read.type == Scalar::text && is_of(kind, read_plain(read.text)))
                return fmt::format("write it without quotes: {}", read.text);
            if (kind.ends_with('!') &&
                is_of(kind.substr(0, kind.size() - 1), read_plain(read.text)))
                return "Docker accepts no variable and no quotes here";
            if (read.type != Scalar::text && has_form(kind == "value" ? "text" : kind, written))
                return fmt::format("write it in quotes: \"{}\"", written);
        }
        return "";
    }

    static std::string hint_for_word(const std::vector<std::string_view>& kinds,
                                     const Reading& read, const std::string& written) {
        const bool flag = std::any_of(kinds.begin(), kinds.end(),
                                      [](auto kind) { return kind.starts_with("flag"); });
        if (flag)
            return fmt::format("write {}: since Docker 28 `{}` is a string", read.text, written);
        return fmt::format("write it in quotes: \"{}\"; without them Docker before 28 reads {}",
                           written, read.text);
    }

    void mismatch(const YAML::Node& node, const std::string& shown,
                  const std::vector<std::string_view>& kinds, const At& at,
                  const std::string& hint) {
        report_
            .problem(node,
                     fmt::format("{} is {}, which is not {}", at.shown(), shown, wanted_of(kinds)))
            .hint = hint;
    }

    const ComposeReport& report_;
    int version_ = kAnyVersion;
};
} // namespace

void check_compose(const Compose& compose, const Value& variables, Loc place,
                   Diagnostics& diagnostics) {
    const ComposeReport report(compose, variables, place, diagnostics);
    check_texts(report);
    Check(report).run();
    check_rules(report);
}

void warn_of_ignored(const Compose& compose, const Value& variables, Loc place,
                     Diagnostics& warnings) {
    check_ignored(ComposeReport(compose, variables, place, warnings));
}

} // namespace hadeploy::ssh::docker
