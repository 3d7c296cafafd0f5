#include "providers/ssh/image_recipe.h"

#include "core/content.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/secrecy.h"
#include "core/value_json.h"
#include "embedded/image_packages_script.h"
#include "provider_api/local_build.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <sys/utsname.h>

namespace hadeploy::ssh::docker {

namespace {

/// Part of each key: changed when image_build.cpp makes other bytes from the same recipe.
constexpr int kFormat = 1;

Type recipe_file_type() {
    return object_of({
        {.name = "content",
         .type = TypeKind::string,
         .doc = "The content of the file. Set either this or `source`."},
        {.name = "source",
         .type = TypeKind::local_path,
         .doc = "A file on this machine to copy. Set either this or `content`."},
        {.name = "mode",
         .type = TypeKind::mode,
         .doc = "Permissions, as a quoted octal number: \"0755\" for a program.",
         .default_value = Value("0644")},
    });
}

/// Whether the text is a name of a Debian package, with an optional version: `name=version`.
bool is_package(std::string_view text) {
    const std::size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    const auto all_of = [](std::string_view part, std::string_view marks, bool upper) {
        return std::all_of(part.begin(), part.end(), [&](unsigned char c) {
            return std::isdigit(c) != 0 || (c >= 'a' && c <= 'z') ||
                   (upper && c >= 'A' && c <= 'Z') || marks.find(char(c)) != marks.npos;
        });
    };
    if (name.size() < 2 || std::isalnum(static_cast<unsigned char>(name[0])) == 0 ||
        !all_of(name, "+-.", false))
        return false;
    if (equals == text.npos) return true;
    const std::string_view version = text.substr(equals + 1);
    return !version.empty() && std::isdigit(static_cast<unsigned char>(version[0])) != 0 &&
           all_of(version, ".+-~:", true);
}

bool is_file_path(std::string_view path) {
    return path.size() > 1 && path[0] == '/' && path.back() != '/' &&
           ("/" + std::string(path) + "/").find("/../") == std::string::npos &&
           path.find("//") == path.npos && path.find('\0') == path.npos &&
           path.find("/./") == path.npos && !path.ends_with("/.");
}

void check_recipe_file(const Entry& file, Diagnostics& problems) {
    if (!is_file_path(file.key))
        problems
            .add(fmt::format("{} is not the path of a file in the image", quoted(Value(file.key))),
                 file.loc)
            .with_hint("write an absolute path without `..`, e.g. /etc/haproxy/haproxy.cfg");
    if (!file.value.is_map()) return;
    if (file.value["content"].is_null() == file.value["source"].is_null())
        problems.add("a file of an image needs either `content` or `source`", file.value.loc());
}

} // namespace

Type recipe_type() {
    return object_of({
        {.name = "suite",
         .type = TypeKind::string,
         .doc = "Release of the distribution. Debian's are installed on a machine with Debian, "
                "Ubuntu's on one with Ubuntu.",
         .required = true,
         .one_of = {"bookworm", "trixie", "jammy", "noble"}},
        {.name = "install",
         .type = set_of(TypeKind::line),
         .doc = "Packages to install, with what they depend on; `name=version` for an exact "
                "version. Recommended packages, manual pages and translations are left out.",
         .required = true,
         .min = 1},
        {.name = "base",
         .type = TypeKind::string,
         .doc = "`essential`: the packages are installed beside the essential ones of the "
                "distribution (a shell, coreutils), and their installation scripts run. `none`: "
                "only these packages and their dependencies are unpacked, for static programs.",
         .default_value = Value("essential"),
         .one_of = {"essential", "none"}},
        {.name = "run",
         .type = TypeKind::string,
         .doc = "Script for `sh` that runs in the image as root after the packages are installed, "
                "as RUN of a Dockerfile. The first command that fails ends the build. `files` are "
                "added later."},
        {.name = "revision",
         .type = TypeKind::line,
         .doc = "Any text. An image is built once; another revision builds it again, with the "
                "versions of the packages that the distribution has by then."},
        {.name = "files",
         .type = map_of(recipe_file_type()),
         .doc = "Files to add, by their absolute path in the image. They belong to root. They are "
                "a layer of their own, so that a change of a file does not copy the packages "
                "again."},
        {.name = "entrypoint",
         .type = list_of(TypeKind::string),
         .doc = "The program to run and its first arguments, as ENTRYPOINT of a Dockerfile."},
        {.name = "command",
         .type = list_of(TypeKind::string),
         .doc = "The default arguments, or the program if there is no `entrypoint`, as CMD of a "
                "Dockerfile."},
        {.name = "env", .type = map_of(TypeKind::string), .doc = "Environment variables."},
        {.name = "user",
         .type = TypeKind::line,
         .doc = "User that runs the program, by name or number, optionally with `:group`."},
        {.name = "workdir",
         .type = TypeKind::path,
         .doc = "Working directory of the program. The default is `/`."},
        {.name = "ports",
         .type = set_of(TypeKind::port),
         .doc = "TCP ports on which the program listens, as EXPOSE of a Dockerfile."},
    });
}

void check_recipe(const Value& recipe, Diagnostics& problems) {
    if (recipe.contains_secret())
        problems
            .add("`packages` contains a secret, which everybody with the image could read",
                 recipe.loc())
            .with_hint("give the secret to the container, e.g. as a secret of the stack");
    if (!recipe["run"].is_null() && recipe.text("base") == "none")
        problems.add("`run` is not allowed with `base: none`", recipe["run"].loc())
            .with_hint("an image without a base has no shell; use `base: essential`");
    if (const Value& install = recipe["install"]; install.is_list())
        for (const Value& package : install.as_list())
            if (package.is_string() && !is_package(package.as_string()))
                problems
                    .add(fmt::format("{} is not the name of a package", quoted(package)),
                         package.loc())
                    .with_hint("write NAME or NAME=VERSION, e.g. haproxy");
    if (const Value& env = recipe["env"]; env.is_map())
        for (const Entry& variable : env.as_map())
            if (variable.key.empty() || variable.key.find('=') != std::string::npos)
                problems.add(
                    fmt::format("{} is not a name of a variable", quoted(env, variable.key)),
                    variable.loc);
    if (const Value& files = recipe["files"]; files.is_map())
        for (const Entry& file : files.as_map()) check_recipe_file(file, problems);
}

Value::Map added_files(const Value& recipe) {
    return recipe["files"].is_map() ? recipe["files"].as_map() : Value::Map{};
}

std::string image_architecture() {
    utsname names{};
    ::uname(&names);
    const std::string machine = names.machine;
    if (machine == "x86_64") return "amd64";
    if (machine == "aarch64") return "arm64";
    return machine;
}

std::string layer_key(const Value& recipe) {
    const Value parts = Value::map({{"architecture", image_architecture()},
                                    {"suite", recipe["suite"]},
                                    {"install", recipe["install"]},
                                    {"base", recipe["base"]},
                                    {"run", recipe["run"]},
                                    {"revision", recipe["revision"]}});
    return sha256_hex(fmt::format("{}{}{}", apt_source_functions(), embedded::image_packages_script,
                                  to_json(parts)));
}

std::string recipe_key(const Value& recipe) {
    Value contents = Value::map({});
    for (const Entry& file : added_files(recipe)) {
        try {
            contents = contents.with(
                file.key,
                content_digest(file.value, kMostInImage).with("mode", file.value["mode"]));
        } catch (Error& error) {
            error.loc = file.value["source"].loc();
            throw;
        }
    }
    const Value rest = recipe.with("files", contents);
    return sha256_hex(fmt::format("{} {} {}", kFormat, layer_key(recipe), to_json(rest)));
}

} // namespace hadeploy::ssh::docker
