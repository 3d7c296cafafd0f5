#include "core/file.h"
#include "core/own_way.h"
#include "providers/local/path.h"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sstream>
#include <string>
#include <string_view>
#include <unistd.h>

namespace hadeploy::local {

namespace {
namespace fs = std::filesystem;

/// Decodes a path in the kernel's mount lists, where a space is `\040`.
std::string unescaped(std::string_view text) {
    constexpr std::size_t digits = 3;
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '\\' || text.size() - at <= digits) {
            out += text[at];
            continue;
        }
        out += static_cast<char>(std::stoi(std::string(text.substr(at + 1, digits)), nullptr, 8));
        at += digits;
    }
    return out;
}

/// A mount point at or below a directory, from mountinfo (proc(5)); "" for none.
std::string mounted_in(const fs::path& directory) {
    std::istringstream lines(read_file("/proc/self/mountinfo"));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        std::string id, parent, device, root, place;
        fields >> id >> parent >> device >> root >> place;
        place = unescaped(place);
        if (place == directory || place.starts_with(directory.string() + "/")) return place;
    }
    return "";
}

class Directory final : public LocalType {
  public:
    Directory() {
        name = "local.directory";
        summary = "A directory on the machine that runs hadeploy.";
        doc = "Missing parent directories are created. A directory that was removed, or whose "
              "mode was changed, is repaired; its contents are not managed. An existing directory "
              "is adopted. A symbolic link in the path is followed only if it belongs to root or "
              "to the user who runs hadeploy.\n\n"
              "Destroy removes the directory if it is empty. With `force` it removes the contents "
              "too; with `keep` it leaves the directory. Parent directories are not removed.";
        example = "build:\n"
                  "  type: local.directory\n"
                  "  path: build\n"
                  "  mode: \"0750\"\n";
        schema = {path_attribute("directory"),
                  {.name = "mode",
                   .type = TypeKind::mode,
                   .doc = "Permissions, as a quoted octal number.",
                   .default_value = Value("0755")},
                  {.name = "force",
                   .type = TypeKind::boolean,
                   .doc = "Whether destroy removes the directory with all its contents.",
                   .operational = true,
                   .default_value = Value(false)},
                  {.name = "keep",
                   .type = TypeKind::boolean,
                   .doc = "Whether destroy leaves the directory in place.",
                   .operational = true,
                   .default_value = Value(false)}};
        adopts = true;
    }

    std::vector<std::string> claims(const Value& config) const override {
        return path_claim(config);
    }
    std::string contains(const Value& config) const override {
        const std::vector<std::string> claim = path_claim(config);
        return claim.empty() ? "" : claim.front() + "/";
    }
    bool removes_contents(const Value& config) const override {
        return config.flag("force") && !config.flag("keep");
    }

    bool is_left(const Value& config) const override { return config.flag("keep"); }

    std::optional<DataLoss> held_data(const Value& directory) const override {
        if (!directory.flag("force") || directory.flag("keep")) return {};
        return DataLoss{
            fmt::format("the directory {} and everything in it", directory.text("path"))};
    }

    Observation observe(const ReadRequest& request, const ProviderContext&) const override {
        if (request.config["path"].is_unknown()) return not_known_yet("path");
        const std::string path = request.config.text("path");
        const auto there = look_own_way(path);
        if (!there) return Observation::absent();
        if (!S_ISDIR(there->st_mode)) return in_the_way(path, "a directory");
        return Observation::present(Value::map({{"path", path}, {"mode", mode_text(*there)}}));
    }

    Value make(const Change& change, const ProviderContext&) const override {
        const std::string path = change.after.text("path");
        const Fd directory = open_own_way(path, true);
        if (!directory || ::fchmod(directory.get(), mode_of(change.after)) != 0)
            throw system_error("make", path);
        return Value::map({});
    }

    void remove(const Change& change, const ProviderContext&) const override {
        if (change.before.flag("keep")) return;
        const std::string path = change.before.text("path");
        if (const auto there = look_own_way(path); !there || !S_ISDIR(there->st_mode)) return;
        const Fd parent = open_own_way(fs::path(path).parent_path());
        if (!parent) return;
        const std::string name = fs::path(path).filename();
        if (change.before.flag("force")) {
            const std::string opened = fmt::format("/proc/self/fd/{}", parent.get());
            if (const std::string place = mounted_in(fs::read_symlink(opened) / name);
                !place.empty())
                throw Error(
                    ErrorKind::failed,
                    fmt::format("{} cannot be removed: something is mounted on {}", path, place))
                    .with_hint("unmount the file system first; it is not part of the directory");
            std::error_code failed;
            fs::remove_all(opened + "/" + name, failed);
            if (!failed) return;
            errno = failed.value();
            throw system_error("remove", path);
        }
        if (::unlinkat(parent.get(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return;
        const bool full = errno == ENOTEMPTY || errno == EEXIST;
        Error error = system_error("remove", path);
        if (full) error.with_hint("empty the directory, or set `force: true` or `keep: true`");
        throw error;
    }
};
} // namespace

std::unique_ptr<ResourceType> directory_type() {
    return std::make_unique<Directory>();
}

} // namespace hadeploy::local
