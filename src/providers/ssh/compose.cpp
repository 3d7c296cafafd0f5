#include "providers/ssh/compose.h"

#include "core/file.h"
#include "core/hash.h"
#include "providers/ssh/compose_keys.h"
#include "providers/ssh/compose_scalar.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hadeploy::ssh::docker {

namespace {
constexpr std::size_t kMostCompose = 4u << 20;
constexpr std::size_t kLongestName = 64; ///< limit for a config or secret (moby, daemon/cluster)
/// Aliases can turn a small file into a huge or infinite tree.
constexpr std::size_t kMostNodes = 100'000, kMostDepth = 100;

bool is_plain_map(const YAML::Node& node) {
    return node.IsDefined() && node.IsMap();
}

/// The value of `<<`: one or several maps.
std::vector<YAML::Node> merged_into(const YAML::Node& map) {
    const YAML::Node merge = map["<<"];
    if (!merge.IsDefined()) return {};
    if (!merge.IsSequence()) return {merge};
    return {merge.begin(), merge.end()};
}

bool is_bounded(const YAML::Node& node, std::size_t& nodes, std::size_t depth) {
    if (++nodes > kMostNodes || depth > kMostDepth) return false;
    if (node.IsMap())
        for (const auto& item : node)
            if (!is_bounded(item.first, nodes, depth + 1) ||
                !is_bounded(item.second, nodes, depth + 1))
                return false;
    if (node.IsSequence())
        for (const auto& one : node)
            if (!is_bounded(one, nodes, depth + 1)) return false;
    return true;
}

bool begins_name(char c) {
    return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool in_name(char c) {
    return begins_name(c) || std::isdigit(static_cast<unsigned char>(c)) != 0;
}

std::string name_at(std::string_view text) {
    std::size_t size = 0;
    if (!text.empty() && begins_name(text[0]))
        while (size < text.size() && in_name(text[size])) ++size;
    return std::string(text.substr(0, size));
}

/// Evaluates one ${...}, given without the braces.
std::string braced(const std::string& inside, const Value& variables, const Missing& missing) {
    const std::string name = name_at(inside);
    std::string_view rest = std::string_view(inside).substr(name.size());
    const bool or_empty = rest.starts_with(':');
    if (or_empty) rest.remove_prefix(1);
    const char kind = rest.empty() ? ' ' : rest[0];
    if (name.empty() || (or_empty && rest.empty()) || (!rest.empty() && kind != '-' && kind != '?'))
        throw Error(ErrorKind::spec, fmt::format("${{{}}} is not a variable", inside))
            .with_hint(
                "write ${NAME}, ${NAME:-default} or ${NAME:?message}; write $$ for a literal $");
    const std::string value = variables.text(name);
    const bool given = variables.has(name) && !(or_empty && value.empty());
    const std::string other(rest.substr(std::min<std::size_t>(1, rest.size())));
    if (given) return value;
    if (kind == '-') return other;
    if (missing && (kind == '?' || !variables.has(name))) missing(name, other);
    return {};
}

/// A path in the compose file, and its place there.
struct NamedFile {
    std::string path;
    YAML::Mark mark;
};

/// The paths under `file:` of configs and secrets, and `env_file:` of services.
std::vector<NamedFile> named_files(const YAML::Node& root, const Value& variables) {
    std::vector<NamedFile> out;
    const auto add = [&](const YAML::Node& path) {
        if (path.IsDefined() && path.IsScalar())
            out.push_back({substituted(path.Scalar(), variables), path.Mark()});
    };
    for (const char* kind : {"configs", "secrets"})
        for (const std::string& key : keys_of(root[kind]))
            add(member(member(root[kind], key), "file"));
    for (const std::string& key : keys_of(root["services"])) {
        const YAML::Node named = member(member(root["services"], key), "env_file");
        add(named);
        if (named.IsDefined() && named.IsSequence())
            for (const auto& one : named) add(one);
    }
    return out;
}

/// The version as a number, e.g. 3.5; 0 if it is not given.
double version_of(const YAML::Node& root) {
    return root["version"].IsDefined() && root["version"].IsScalar()
               ? std::strtod(root["version"].Scalar().c_str(), nullptr)
               : 0;
}

bool names_files(const YAML::Node& root) {
    for (const char* kind : {"configs", "secrets"})
        for (const std::string& key : keys_of(root[kind]))
            if (member(member(root[kind], key), "file").IsDefined()) return true;
    return false;
}

/// Docker before 23 reads "3" as 3.0 and rejects "". For newer versions both mean the latest
/// version, as if it were missing.
std::string version_sent(const YAML::Node& root) {
    const YAML::Node given = root["version"];
    const std::string text = given.IsDefined() && given.IsScalar() ? given.Scalar() : "";
    if (text.empty() || text == "3") return fmt::format("3.{}", std::max(8, needed_version(root)));
    const double version = version_of(root);
    return version >= 3 && version < 3.5 && names_files(root) ? "3.5" : text;
}

nlohmann::json json_of(const YAML::Node& node) {
    if (node.IsMap()) {
        nlohmann::json out = nlohmann::json::object();
        for (const std::string& key : keys_of(node)) out[key] = json_of(member(node, key));
        return out;
    }
    if (node.IsSequence()) {
        nlohmann::json out = nlohmann::json::array();
        for (const auto& one : node) out.push_back(json_of(one));
        return out;
    }
    return node.IsScalar() ? nlohmann::json(node.Scalar()) : nlohmann::json();
}
} // namespace

YAML::Node member(const YAML::Node& map, const std::string& key) {
    if (!is_plain_map(map)) return YAML::Node(YAML::NodeType::Undefined);
    if (const YAML::Node own = map[key]; own.IsDefined()) return own;
    for (const YAML::Node& other : merged_into(map))
        if (const YAML::Node found = member(other, key); found.IsDefined()) return found;
    return YAML::Node(YAML::NodeType::Undefined);
}

std::vector<std::pair<YAML::Node, YAML::Node>> entries(const YAML::Node& map) {
    std::vector<std::pair<YAML::Node, YAML::Node>> out;
    if (!is_plain_map(map)) return out;
    const auto add = [&](const YAML::Node& key, const YAML::Node& value) {
        const bool there = std::any_of(out.begin(), out.end(), [&](const auto& one) {
            return one.first.Scalar() == key.Scalar();
        });
        if (!there) out.emplace_back(key, value);
    };
    for (const auto& item : map)
        if (item.first.IsScalar() && item.first.Scalar() != "<<") add(item.first, item.second);
    for (const YAML::Node& other : merged_into(map))
        for (const auto& [key, value] : entries(other)) add(key, value);
    return out;
}

std::vector<std::string> keys_of(const YAML::Node& map) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : entries(map)) keys.push_back(key.Scalar());
    return keys;
}

std::string substituted(const std::string& text, const Value& variables, const Missing& missing) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t dollar = std::min(text.find('$', at), text.size());
        out += text.substr(at, dollar - at);
        if (dollar == text.size()) break;
        at = dollar + 1;
        const char next = at < text.size() ? text[at] : ' ';
        if (next == '$') {
            out += '$';
            ++at;
        } else if (next == '{' && text.find('}', at) != text.npos) {
            const std::size_t close = text.find('}', at);
            out += braced(text.substr(at + 1, close - at - 1), variables, missing);
            at = close + 1;
        } else if (const std::string name = name_at(std::string_view(text).substr(at));
                   !name.empty()) {
            out += braced(name, variables, missing);
            at += name.size();
        } else {
            throw Error(ErrorKind::spec, "a $ that does not start a variable")
                .with_hint("write $$ for a literal $ in a compose file");
        }
    }
    return out;
}

std::string Compose::sent() const {
    const std::string line = fmt::format("version: \"{}\"", version_sent(root));
    const YAML::Node given = root["version"];
    std::string out = text;
    if (!given.IsDefined()) {
        if (root.Style() != YAML::EmitterStyle::Flow) // at the end: a document may begin with `---`
            return out + "\n" + line + "\n";
        const auto brace = text.find('{', static_cast<std::size_t>(root.Mark().pos));
        return out.insert(brace + 1, line + ", ");
    }
    if (version_sent(root) == given.Scalar()) return text;
    const auto begin = static_cast<std::size_t>(given.Mark().pos);
    const bool quoted = text[begin] == '"' || text[begin] == '\'';
    return out.replace(begin, given.Scalar().size() + (quoted ? 2 : 0),
                       "\"" + version_sent(root) + "\"");
}

std::string Compose::names(const std::string& stack, const Value& variables) const {
    nlohmann::json out = nlohmann::json::object();
    for (const char* kind : {"configs", "secrets"})
        for (const std::string& key : keys_of(root[kind])) {
            const YAML::Node entry = member(root[kind], key);
            const YAML::Node path = member(entry, "file");
            if (!path.IsDefined() || !path.IsScalar() || member(entry, "name").IsDefined())
                continue;
            const std::string at =
                std::filesystem::path(substituted(path.Scalar(), variables)).lexically_normal();
            const auto file = std::find_if(files.begin(), files.end(),
                                           [&](const File& f) { return f.path == at; });
            if (file == files.end()) continue;
            const std::string digest = sha256_hex(file->text).substr(0, 12);
            std::string name = stack + "_" + key;
            name.resize(std::min(name.size(), kLongestName - digest.size() - 1));
            out[kind][key] = json_of(entry);
            out[kind][key].erase("external");
            out[kind][key]["name"] = name + "_" + digest;
        }
    if (out.empty()) return "";
    out["version"] = version_sent(root);
    return out.dump() + "\n";
}

Compose read_compose(const Value& config) {
    Compose compose;
    const auto error_at = [&compose](const YAML::Mark& mark, const std::string& text, Loc loc) {
        return Error(
            ErrorKind::spec,
            fmt::format("{}:{}:{}: {}", compose.shown, mark.line + 1, mark.column + 1, text), loc);
    };
    const bool inline_text = config["content"].is_string();
    const Value& place = inline_text ? config["content"] : config["compose"];
    const std::filesystem::path path = inline_text ? "" : place.as_string();
    compose.shown = inline_text ? "content" : path.filename().string();
    compose.text = inline_text ? place.as_string() : read_file(path, kMostCompose);
    try {
        compose.root = YAML::Load(compose.text);
    } catch (const YAML::Exception& error) {
        throw error_at(error.mark, error.msg, place.loc());
    }
    const YAML::Node& root = compose.root;
    std::size_t nodes = 0;
    if (!is_bounded(root, nodes, 0))
        throw Error(ErrorKind::spec,
                    fmt::format("the compose file is larger than {} values or deeper than {}",
                                kMostNodes, kMostDepth),
                    place.loc())
            .with_hint("check for an alias (*name) inside the value that it refers to");
    if (!root.IsMap() || !root["services"] || !root["services"].IsMap())
        throw Error(ErrorKind::spec, "the compose file has no `services`", place.loc());
    std::vector<NamedFile> named;
    try {
        named = named_files(root, config["variables"]);
    } catch (const Error&) { // an invalid variable, which check_compose() reports with its place
    }
    for (const auto& [name, mark] : named) {
        const std::filesystem::path relative = std::filesystem::path(name).lexically_normal();
        if (relative.is_absolute() || relative.empty() || *relative.begin() == "..")
            throw error_at(
                mark,
                fmt::format("the compose file names the file {}, which is not below its directory",
                            name),
                place.loc())
                .with_hint("files of configs, secrets and env_file must be in the directory of the "
                           "compose file or below it, because they are sent to the host");
        try {
            compose.files.push_back(
                {relative.string(), read_file(path.parent_path() / relative, kMostCompose)});
        } catch (const Error& error) {
            throw error_at(mark, error.message, place.loc())
                .with_hint("the path is relative to the directory of the compose file");
        }
    }
    return compose;
}

std::string compose_digest(const Compose& compose, const Value& variables) {
    Sha256 sum;
    const auto add = [&](std::string_view part) {
        sum.update(std::to_string(part.size()) + ":");
        sum.update(part);
    };
    add(compose.text);
    for (const Compose::File& file : compose.files) {
        add(file.path);
        add(file.text);
    }
    if (variables.is_map())
        for (const Entry& e : variables.as_map()) {
            add(e.key);
            add(e.value.as_string());
        }
    return hex(sum.finish());
}

std::vector<std::string> externals(const Compose& compose, const Value& variables) {
    std::vector<std::string> out;
    for (const auto& [section, kind] :
         {std::pair{"networks", "network"}, {"configs", "config"}, {"secrets", "secret"}})
        for (const std::string& key : keys_of(compose.root[section])) {
            const YAML::Node entry = member(compose.root[section], key);
            const YAML::Node external = member(entry, "external");
            if (!external.IsDefined()) continue;
            YAML::Node name = member(entry, "name");
            if (external.IsMap()) // versions before 3.5
                name = member(external, "name");
            else if (read_plain(substituted(external.Scalar(), variables)).text != "true")
                continue;
            out.push_back(fmt::format(
                "{} {}", kind, name.IsDefined() ? substituted(name.Scalar(), variables) : key));
        }
    return out;
}

} // namespace hadeploy::ssh::docker
