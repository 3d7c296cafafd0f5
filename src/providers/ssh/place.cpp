#include "providers/ssh/place.h"

#include "embedded/scripts.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

std::string_view place_functions() {
    return scripts::place;
}

std::string directory_of(std::string_view path) {
    return std::string(path.substr(0, std::max<std::size_t>(path.rfind('/'), 1)));
}

std::string name_of(std::string_view path) {
    return std::string(path.substr(path.rfind('/') + 1));
}

namespace {
/// "'DIRECTORY' 'NAME'"
std::string both_of(std::string_view path) {
    return shell_quote(directory_of(path)) + " " + shell_quote(name_of(path));
}
} // namespace

std::string look_into(std::string_view directory) {
    return fmt::format("hadeploy_enter {} || {{ echo absent; echo nowhere; exit 0; }}\n",
                       shell_quote(directory));
}

std::string put_file(std::string_view path, std::string_view identity, std::string_view owner,
                     std::string_view mode, std::string_view sha256) {
    return fmt::format("hadeploy_put {} {} {} {} '{}'\n", both_of(path), shell_quote(identity),
                       shell_quote(owner), mode, sha256);
}

std::string own_file(std::string_view path, std::string_view identity, std::string_view owner,
                     std::string_view mode, std::string_view sha256) {
    return fmt::format("hadeploy_own {} {} {} {} '{}'\n", both_of(path), shell_quote(identity),
                       shell_quote(owner), mode, sha256);
}

std::string remove_file(std::string_view path, std::string_view identity) {
    return fmt::format("hadeploy_remove {} {}\n", both_of(path), shell_quote(identity));
}

std::string make_directory(std::string_view path, std::string_view owner, std::string_view mode) {
    return fmt::format("hadeploy_directory {} {} {}\n", shell_quote(path), shell_quote(owner),
                       mode);
}

std::string remove_directory(std::string_view path, bool tree) {
    return fmt::format("hadeploy_remove_directory {} {}\n", both_of(path), tree ? "tree" : "''");
}

} // namespace hadeploy::ssh
