#include "planner/address.h"

#include "planner/lifecycle.h"
#include "planner/schema.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace hadeploy {

namespace {

/// The end of the name that begins at `at`; `at` itself when none does.
std::size_t end_of_name(const std::string& text, std::size_t at) {
    if (at >= text.size() || !std::isalpha(static_cast<unsigned char>(text[at]))) return at;
    while (at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) ||
                                text[at] == '_' || text[at] == '-'))
        ++at;
    return at;
}

/// The end of `["key"]` or `[0]` at `at`; `at` itself when there is none, npos when it is broken.
std::size_t end_of_key(const std::string& text, std::size_t at) {
    if (at >= text.size() || text[at] != '[') return at;
    if (text.compare(at, 2, "[\"") == 0) {
        const std::size_t end = text.find("\"]", at + 2);
        return end == text.npos ? end : end + 2;
    }
    const std::size_t end = text.find_first_not_of("0123456789", at + 1);
    return end == text.npos || end == at + 1 || text[end] != ']' ? text.npos : end + 1;
}

/// What an address is within, itself included: `module.m.a["x"]`, `module.m.a`, `module.m`.
void add_names(std::set<std::string>& out, const std::string& address) {
    for (std::size_t n = 1; n <= address.size(); ++n) {
        const bool ends = n == address.size() || address[n] == '.' || address[n] == '[';
        if (!ends) continue;
        std::string name = address.substr(0, n);
        if (form_of_address(name) != AddressForm::none) out.insert(std::move(name));
    }
}

} // namespace

std::vector<AddressPart> parts_of_address(const std::string& text) {
    std::vector<AddressPart> out;
    std::size_t at = 0;
    while (true) {
        std::size_t end = end_of_name(text, at);
        if (end == at) return {};
        const bool module = text.compare(at, end - at, "module") == 0;
        if (module) { // its own name follows
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

AddressForm form_of_address(const std::string& text) {
    const std::vector<AddressPart> parts = parts_of_address(text);
    if (parts.empty()) return AddressForm::none;
    return parts.back().name.starts_with("module.") ? AddressForm::module : AddressForm::resource;
}

Error unknown_address(std::string message, const std::string& address,
                      const std::vector<std::string>& known, std::string otherwise) {
    std::set<std::string> names;
    for (const std::string& k : known) add_names(names, k);
    Error error(ErrorKind::usage, std::move(message));
    for (const std::string& k : known)
        if (k != address && within(k, address)) {
            error.hint = "name a single resource, such as " + k;
            return error;
        }
    const auto close = did_you_mean(address, {names.begin(), names.end()});
    error.hint = close ? fmt::format("did you mean {}?", *close) : std::move(otherwise);
    return error;
}

} // namespace hadeploy
