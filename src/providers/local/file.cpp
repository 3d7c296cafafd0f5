#include "core/file.h"
#include "core/content.h"
#include "core/hash.h"
#include "core/own_way.h"
#include "core/secrecy.h"
#include "core/text.h"
#include "provider_api/normalize.h"
#include "providers/local/path.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hadeploy::local {

namespace {
constexpr std::size_t kMostSource = 64u << 20; ///< limit for a `source`

class File final : public LocalType {
  public:
    File() {
        name = "local.file";
        summary = "A file on the machine that runs hadeploy.";
        doc = "The file is replaced atomically: a reader sees either the old content or the new "
              "content, even after a crash. Its directory has to exist (see local.directory). It "
              "belongs to the user who runs hadeploy.\n\n"
              "Changed content or a changed mode is detected and restored. An existing file that "
              "matches the configuration is adopted. A symbolic link with the file's name is "
              "replaced by the file. A symbolic link in the path is followed only if it belongs to "
              "root or to the user who runs hadeploy.\n\n"
              "Destroy removes the file.";
        example = "config:\n"
                  "  type: local.file\n"
                  "  path: build/app.conf\n"
                  "  mode: \"0600\"\n"
                  "  content: \"${templatefile('app.conf.tmpl', {port: 8080})}\"\n";
        schema = {path_attribute("file"),
                  {.name = "content",
                   .type = TypeKind::string,
                   .doc = "The content of the file. Conflicts with `source`."},
                  {.name = "source",
                   .type = TypeKind::local_path,
                   .doc = "A file to copy, at most 64 MiB. Conflicts with `content`. If it is a "
                          "symbolic link, the link has to belong to root or to the user who runs "
                          "hadeploy.",
                   .operational = true},
                  {.name = "mode",
                   .type = TypeKind::mode,
                   .doc = "Permissions, as a quoted octal number.",
                   .default_value = Value("0644")},
                  {.name = "sha256",
                   .type = TypeKind::string,
                   .doc = "SHA-256 of the content.",
                   .computed = true,
                   .follows = {"content", "source"}}};
        adopts = true;
    }

    void check(const Value& config, Diagnostics& diagnostics) const override {
        if (config["content"].is_null() == config["source"].is_null())
            diagnostics.add("a local.file needs either `content` or `source`", config.loc());
    }

    Value derive(const Value& config) const override { return content_digest(config, kMostSource); }

    std::vector<std::string> claims(const Value& config) const override {
        return path_claim(config);
    }

    Observation observe(const ReadRequest& request, const ProviderContext&) const override {
        const Value& config = request.config;
        if (config["path"].is_unknown()) return not_known_yet("path");
        const std::string path = config.text("path");
        const auto there = look_own_way(path);
        if (!there && (request.recorded == nullptr || leftovers_of(path).empty())) {
            Observation absent;
            const std::filesystem::path parent = std::filesystem::path(path).parent_path();
            const auto directory = look_own_way(parent);
            if (!directory || S_ISREG(directory->st_mode)) absent.lacks = parent.string();
            return absent;
        }
        if (!there)
            return Observation::present(
                Value::map({{"path", path}})); // leftovers of a killed write
        // the file will replace the link, so no attribute of the link's target counts
        if (S_ISLNK(there->st_mode))
            return Observation::present(Value::map({{"path", path}, {"sha256", "a link"}}));
        if (!S_ISREG(there->st_mode)) return in_the_way(path, "a regular file");
        const bool differs = there->st_size > static_cast<off_t>(kMostSource) &&
                             content_size(config) != there->st_size;
        const std::string hash =
            differs ? fmt::format("({} bytes, not read)", there->st_size) : sha256_own_way(path);
        Value seen = Value::map({{"path", path}, {"mode", mode_text(*there)}, {"sha256", hash}});
        // An equal hash is equal content, even for a file that is not in the state yet.
        const Value& content = config["content"];
        if (content.is_string() && sha256_hex(content.as_string()) == hash)
            seen = seen.with("content", content);
        return Observation::present(std::move(seen));
    }

    Value make(const Change& change, const ProviderContext&) const override {
        const Value& file = change.after;
        const std::string path = file.text("path");
        const std::filesystem::path parent = std::filesystem::path(path).parent_path();
        const Fd directory = open_own_way(parent);
        if (!directory)
            throw Error(ErrorKind::failed,
                        fmt::format("there is no directory {}", in_quotes(parent.string(), 4096)))
                .with_hint("create the directory, by hand or with a local.directory on which "
                           "this local.file depends");
        const auto there = look_own_way(path);
        if (there && !S_ISREG(there->st_mode) && !S_ISLNK(there->st_mode))
            throw *in_the_way(path, "a regular file").error;
        if (only_mode(change) && there &&
            S_ISREG(there->st_mode)) { // the content may differ, by `ignore_changes`
            set_mode_in(directory, path, mode_of(file));
            return Value::map({{"sha256", sha256_own_way(path)}});
        }
        const std::string content = file["content"].is_string()
                                        ? file["content"].as_string()
                                        : read_own_way(file.text("source"), kMostSource);
        const std::string hash = sha256_hex(content);
        if (!file["content"].is_string() && file["sha256"].is_string() &&
            file.text("sha256") != hash)
            throw Error(ErrorKind::failed, fmt::format("{} changed while it was being copied",
                                                       quoted(file["source"], 4096)))
                .as_transient();
        write_file_in(directory, path, content, mode_of(file));
        return Value::map({{"sha256", hash}});
    }

    static bool only_mode(const Change& change) {
        return change.kind == Change::Kind::update &&
               change.changed == std::vector<std::string>{"mode"};
    }

    void remove(const Change& change, const ProviderContext&) const override {
        const std::string path = change.before.text("path");
        const Fd directory = open_own_way(std::filesystem::path(path).parent_path());
        if (!directory) return;
        const std::string name = std::filesystem::path(path).filename();
        if (::unlinkat(directory.get(), name.c_str(), 0) != 0 && errno != ENOENT)
            throw system_error("remove", path);
        for (const auto& leftover : leftovers_of(path))
            ::unlinkat(directory.get(), leftover.filename().c_str(), 0);
    }
};

} // namespace

std::unique_ptr<ResourceType> file_type() {
    return std::make_unique<File>();
}

} // namespace hadeploy::local
