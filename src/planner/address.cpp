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

AddressForm form_of_address(const std::string& text) {
    std::size_t at = 0;
    while (true) {
        std::size_t end = end_of_name(text, at);
        if (end == at) return AddressForm::none;
        const bool module = text.compare(at, end - at, "module") == 0;
        if (module) { // its own name follows
            at = end + 1;
            if (end >= text.size() || text[end] != '.') return AddressForm::none;
            end = end_of_name(text, at);
            if (end == at) return AddressForm::none;
        }
        at = end_of_key(text, end);
        if (at == text.npos) return AddressForm::none;
        if (at == text.size()) return module ? AddressForm::module : AddressForm::resource;
        if (!module || text[at] != '.') return AddressForm::none;
        ++at;
    }
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
