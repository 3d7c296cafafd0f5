#include "common/entity.h"

#include "common/text.h"

namespace hadeploy::svc {

std::string name_problem(std::string_view name) {
    const auto length = printable_length(name);
    if (!length) return "the name is not printable UTF-8 text";
    if (*length == 0) return "the name is empty";
    if (*length > kMostNameLength)
        return "the name has " + std::to_string(*length) + " characters; at most " +
               std::to_string(kMostNameLength) + " are allowed";
    if (name.front() == ' ' || name.back() == ' ') return "the name starts or ends with a space";
    return {};
}

std::string quantity_problem(std::int64_t quantity) {
    if (quantity < 1 || quantity > kMostQuantity)
        return "the quantity is " + std::to_string(quantity) + "; it must be from 1 to " +
               std::to_string(kMostQuantity);
    return {};
}

std::string id_problem(std::string_view id) {
    constexpr std::string_view kAllowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";
    if (id.empty() || id.size() > kMostIdLength ||
        id.find_first_not_of(kAllowed) != std::string_view::npos)
        return "the id must have 1 to " + std::to_string(kMostIdLength) +
               " characters out of letters, digits and . _ : -";
    return {};
}

} // namespace hadeploy::svc
