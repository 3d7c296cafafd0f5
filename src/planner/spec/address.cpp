#include "planner/spec/address.h"

#include "core/did_you_mean.h"
#include "provider_api/schema.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <fmt/format.h>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>

namespace hadeploy {

namespace {

/// The end of the name that begins at `at`; `at` itself if there is none.
std::size_t end_of_name(const std::string& text, std::size_t at) {
    if (at >= text.size() || !std::isalpha(static_cast<unsigned char>(text[at]))) return at;
    while (at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) ||
                                text[at] == '_' || text[at] == '-'))
        ++at;
    return at;
}

/// The end of `["key"]` or `[0]` at `at`; `at` itself if there is none, npos if it is malformed.
std::size_t end_of_key(const std::string& text, std::size_t at) {
    if (at >= text.size() || text[at] != '[') return at;
    if (text.compare(at, 2, "[\"") == 0) {
        const std::size_t end = text.find("\"]", at + 2);
        return end == text.npos ? end : end + 2;
    }
    const std::size_t end = text.find_first_not_of("0123456789", at + 1);
    return end == text.npos || end == at + 1 || text[end] != ']' ? text.npos : end + 1;
}

/// Adds an address and the block and modules that contain it: `module.m.a["x"]`, `module.m.a`,
/// `module.m`.
void add_names(std::set<std::string>& out, const std::string& address) {
    for (std::size_t n = 1; n <= address.size(); ++n) {
        const bool ends = n == address.size() || address[n] == '.' || address[n] == '[';
        if (!ends) continue;
        std::string name = address.substr(0, n);
        if (form_of_address(name) != AddressForm::none) out.insert(std::move(name));
    }
}

std::set<std::string> names_of(const std::vector<std::string>& addresses) {
    std::set<std::string> out;
    for (const std::string& address : addresses) add_names(out, address);
    return out;
}

/// Keys contain neither quotes nor backslashes (instance_keys() ensures this), so two addresses
/// that are equal without quotes and backslashes differ at most in the kind of their keys.
std::string without_quotes(std::string text) {
    std::erase_if(text, [](char c) { return c == '"' || c == '\'' || c == '\\'; });
    return text;
}

/// The names of an address without punctuation: equal for `r["a"]`, `r.a` and `r[a]`.
std::string bare_names(const std::string& text) {
    std::string out;
    for (const char c : text) {
        const bool mark = std::string_view("[]\"'\\./:").find(c) != std::string_view::npos;
        if (!mark)
            out += c;
        else if (!out.empty() && out.back() != '.')
            out += '.';
    }
    while (out.ends_with('.')) out.pop_back();
    return out;
}

/// The existing instances of the block or module to which an instance `address` would belong.
std::vector<std::string> siblings(const std::string& address, const std::set<std::string>& names) {
    const auto key = address.rfind('[');
    std::vector<std::string> out;
    if (key == address.npos) return out;
    const std::string block = address.substr(0, key + 1);
    for (auto it = names.lower_bound(block); it != names.end() && it->starts_with(block); ++it)
        if (it->find(']', block.size()) == it->size() - 1) out.push_back(*it);
    return out;
}

/// The number in the last `[0]` of an address.
std::optional<std::int64_t> index_in(const std::string& address) {
    const std::size_t key = address.rfind('[') + 1;
    std::int64_t out = 0;
    const auto [end, error] =
        std::from_chars(address.data() + key, address.data() + address.size(), out);
    return error == std::errc() && *end == ']' ? std::optional(out) : std::nullopt;
}

/// A different index means a different object, and so does a different short key. Such instances
/// are not suggested.
std::optional<std::string> closest_instance(const std::string& address,
                                            const std::vector<std::string>& instances) {
    constexpr std::size_t shortest = 4;
    const std::size_t key = address.rfind('[') + 1;
    if (index_in(address) || without_quotes(address.substr(key)).size() <= shortest)
        return std::nullopt;
    return did_you_mean(address, instances);
}

/// Prefers modules if the address is that of a module, and resources if it is that of a resource.
std::optional<std::string> closest_name(const std::string& address,
                                        const std::set<std::string>& names) {
    std::vector<std::string> same_form, others;
    for (const std::string& name : names)
        (form_of_address(name) == form_of_address(address) ? same_form : others).push_back(name);
    const auto close = did_you_mean(address, same_form);
    return close ? close : did_you_mean(address, others);
}

std::string closest(const std::string& address, const std::set<std::string>& names) {
    constexpr std::size_t most = 4;
    for (const std::string& name : names)
        if (bare_names(name) == bare_names(address))
            return fmt::format("did you mean {}?", shell_word(name));
    std::vector<std::string> instances = siblings(address, names);
    std::stable_sort(instances.begin(), instances.end(), [](const auto& a, const auto& b) {
        return index_in(a).value_or(0) < index_in(b).value_or(0);
    });
    const auto close =
        instances.empty() ? closest_name(address, names) : closest_instance(address, instances);
    if (close) return fmt::format("did you mean {}?", shell_word(*close));
    if (instances.empty()) return {};
    if (index_in(instances.front()) && instances.size() > most)
        return fmt::format("there are: {} to {}", shell_word(instances.front()),
                           shell_word(instances.back()));
    const bool more = instances.size() > most;
    if (more) instances.resize(most);
    for (std::string& name : instances) name = shell_word(name);
    return fmt::format("there are: {}{}", fmt::join(instances, ", "), more ? ", ..." : "");
}

} // namespace

std::vector<AddressPart> parts_of_address(const std::string& text) {
    std::vector<AddressPart> out;
    std::size_t at = 0;
    while (true) {
        std::size_t end = end_of_name(text, at);
        if (end == at) return {};
        const bool module = text.compare(at, end - at, "module") == 0;
        if (module) { // the name of the module follows
            if (end >= text.size() || text[end] != '.') return {};
            const std::size_t name = end + 1;
            end = end_of_name(text, name);
            if (end == name) return {};
        }
        AddressPart part{.name = text.substr(at, end - at), .key = {}};
        at = end_of_key(text, end);
        if (at == text.npos) return {};
        if (at != end) {
            part.indexed = text[end + 1] != '"';
            const std::size_t sign = part.indexed ? 1 : 2;
            part.key = text.substr(end + sign, at - end - 2 * sign);
        }
        out.push_back(std::move(part));
        if (at == text.size()) return out;
        if (!module || text[at] != '.') return {};
        ++at;
    }
}

std::string resolve_address(const std::string& text, const std::vector<std::string>& known) {
    const std::set<std::string> names = names_of(known);
    if (names.contains(text)) return text;
    const std::string wanted = without_quotes(text);
    const std::string* found = nullptr;
    for (const std::string& name : names) {
        if (without_quotes(name) != wanted) continue;
        if (found != nullptr) return text; // ambiguous
        found = &name;
    }
    return found == nullptr ? text : *found;
}

std::string quoted_keys(const std::string& text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text[at] == '[' ? text.find(']', at) : text.npos;
        if (end == text.npos) {
            out += text[at++];
            continue;
        }
        const std::string key = text.substr(at + 1, end - at - 1);
        const bool index = !key.empty() && key.find_first_not_of("0123456789") == key.npos;
        out += index ? fmt::format("[{}]", key) : fmt::format("[\"{}\"]", without_quotes(key));
        at = end + 1;
    }
    return out;
}

std::string shell_word(const std::string& address) {
    constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789._-";
    return address.find_first_not_of(plain) == address.npos ? address
                                                            : fmt::format("'{}'", address);
}

AddressForm form_of_address(const std::string& text) {
    const std::vector<AddressPart> parts = parts_of_address(text);
    if (parts.empty()) return AddressForm::none;
    return parts.back().name.starts_with("module.") ? AddressForm::module : AddressForm::resource;
}

Error unknown_address(std::string message, const std::string& address,
                      const std::vector<std::string>& known, std::string otherwise) {
    Error error(ErrorKind::usage, std::move(message));
    for (const std::string& k : known)
        if (k != address && within(k, address)) {
            error.hint = "name a single resource, such as " + shell_word(k);
            return error;
        }
    error.hint = closest(address, names_of(known));
    if (error.hint.empty()) error.hint = std::move(otherwise);
    return error;
}

bool within(const std::string& address, const std::string& name) {
    return address.starts_with(name) &&
           (address.size() == name.size() || address[name.size()] == '[' ||
            address[name.size()] == '.');
}

std::string generation_address(const std::string& address, std::int64_t generation) {
    return fmt::format("{}#{}", address, generation);
}

std::string new_place_address(const std::string& address) {
    return generation_address(address, 0);
}

std::string resource_address(const std::string& address) {
    const auto mark = address.rfind('#');
    const bool is_generation = mark != address.npos && mark + 1 < address.size() &&
                               address.find_first_not_of("0123456789", mark + 1) == address.npos;
    return is_generation ? address.substr(0, mark) : address;
}

} // namespace hadeploy
