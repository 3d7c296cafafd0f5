#include "providers/ssh/host_place.h"

#include "providers/ssh/connection.h"

#include <fmt/format.h>

namespace hadeploy::ssh {

std::string place_of(const Value& connection) {
    if (!connection.is_map() || connection.text("address").empty()) return "";
    const std::string place = fmt::format("{}:{}", without_brackets(connection.text("address")),
                                          connection.integer("port", 22));
    const std::string before = place_of(connection["jump_host"]);
    return before.empty() ? place : fmt::format("{} via {}", place, before);
}

std::string machine_of(const Value& connection) {
    std::string place = place_of(connection);
    if (constexpr std::string_view kUsual = ":22"; place.ends_with(kUsual))
        place.resize(place.size() - kUsual.size());
    return place;
}

} // namespace hadeploy::ssh
