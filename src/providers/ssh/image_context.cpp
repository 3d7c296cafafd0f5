#include "providers/ssh/image_context.h"

#include "core/hash.h"
#include "core/own_way.h"
#include "core/process.h"
#include "core/secrecy.h"
#include "core/value_json.h"
#include "provider_api/local_build.h"
#include "provider_api/prerequisites.h"
#include "providers/ssh/dockerignore.h"
#include "providers/ssh/host.h"
#include "providers/ssh/image_recipe.h"
#include "providers/ssh/tar_writer.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy::ssh::docker {

namespace fs = std::filesystem;

namespace {

/// Part of each key: changed when the same files make a different context.
constexpr int kContextFormat = 1;
constexpr std::string_view kIgnoreFile = ".dockerignore";
/// As for images from packages.
constexpr std::chrono::hours kLongestLocalBuild{1};

constexpr int kShownOfLog = 15; ///< lines

/// A file, directory or link of a context.
struct Part {
    std::string path; ///< relative to the context
    unsigned type = 0, mode = 0;
    std::uint64_t size = 0;
    std::string content; ///< SHA-256 of a file, target of a link
};

fs::path directory_of_context(const Value& build) {
    return build.text("context");
}

/// Finds the parts of a context.
class Walk {
  public:
    explicit Walk(const Value& build)
        : root_(directory_of_context(build)), dockerfile_(build.text("dockerfile")),
          ignored_(fs::exists(root_ / kIgnoreFile) ? read_own_way(root_ / kIgnoreFile, 1 << 20)
                                                   : "") {}

    std::vector<Part> parts() {
        const auto there = look_own_way(root_, true);
        if (!there)
            throw Error(ErrorKind::spec,
                        fmt::format("the build context {} does not exist", root_.string()));
        if (!S_ISDIR(there->st_mode))
            throw Error(ErrorKind::spec,
                        fmt::format("the build context {} is not a directory", root_.string()));
        look_into("");
        const bool has_dockerfile =
            std::any_of(parts_.begin(), parts_.end(), [&](const Part& part) {
                return part.path == dockerfile_ && S_ISREG(part.type);
            });
        if (!has_dockerfile)
            throw Error(ErrorKind::spec, fmt::format("the build context {} has no file {}",
                                                     root_.string(), dockerfile_))
                .with_hint("`dockerfile` is its path in the context");
        return std::move(parts_);
    }

  private:
    /// Docker needs both to build, and then removes them from the context if they are ignored.
    [[nodiscard]] bool is_needed(const std::string& path) const {
        return path == dockerfile_ || path == kIgnoreFile;
    }

    void look_into(const std::string& directory) {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(root_ / directory))
            names.push_back(entry.path().filename().string());
        std::sort(names.begin(), names.end()); // the same order on each machine
        for (const std::string& name : names)
            look_at(directory.empty() ? name : directory + "/" + name);
    }

    void look_at(const std::string& path) {
        const auto stat = look_own_way(root_ / path);
        if (!stat) return; // removed just now
        const bool directory = S_ISDIR(stat->st_mode);
        const bool ignored = !is_needed(path) && ignored_.ignores(path);
        const bool above_dockerfile = directory && dockerfile_.starts_with(path + "/");
        if (ignored && !(directory && (ignored_.has_exceptions() || above_dockerfile))) return;
        if (S_ISSOCK(stat->st_mode)) return;
        if (!directory && !S_ISREG(stat->st_mode) && !S_ISLNK(stat->st_mode))
            throw Error(ErrorKind::spec,
                        fmt::format("{} in the build context is {}", (root_ / path).string(),
                                    file_type_name(stat->st_mode)))
                .with_hint("exclude it in .dockerignore");
        Part part{.path = path,
                  .type = stat->st_mode & S_IFMT,
                  .mode = stat->st_mode & 07777,
                  .size = directory ? 0 : static_cast<std::uint64_t>(stat->st_size)};
        if (S_ISREG(stat->st_mode)) add_size(part.size);
        if (S_ISLNK(stat->st_mode)) part.content = fs::read_symlink(root_ / path).string();
        if (S_ISREG(stat->st_mode)) part.content = sha256_own_way(root_ / path);
        const std::size_t before = parts_.size();
        parts_.push_back(std::move(part));
        if (!directory) return;
        look_into(path);
        if (ignored && parts_.size() == before + 1) parts_.pop_back(); // without an exception in it
    }

    void add_size(std::uint64_t size) {
        total_ += size;
        if (total_ > static_cast<std::uint64_t>(kMostInImage))
            throw Error(ErrorKind::spec,
                        fmt::format("the build context {} is larger than 4 GiB", root_.string()))
                .with_hint("exclude what the image does not need in .dockerignore");
    }

    const fs::path root_;
    const std::string dockerfile_;
    const IgnoredFiles ignored_;
    std::vector<Part> parts_;
    std::uint64_t total_ = 0;
};

std::vector<Part> parts_of(const Value& build) {
    try {
        return Walk(build).parts();
    } catch (Error& error) {
        if (!error.loc.known()) error.loc = build["context"].loc();
        throw;
    } catch (const fs::filesystem_error& error) {
        throw Error(ErrorKind::spec, error.what(), build["context"].loc());
    }
}

std::string context_key(const Value& build, const std::vector<Part>& parts) {
    Sha256 digest;
    for (const Part& part : parts)
        digest.update(fmt::format("{:o} {:o} {}\n{}\n", part.type, part.mode, part.content,
                                  fmt::format("{} {}", part.path.size(), part.path)));
    const Value rest = Value::map({{"dockerfile", build["dockerfile"]},
                                   {"args", build["args"]},
                                   {"target", build["target"]}});
    return sha256_hex(fmt::format("{} {} {}", kContextFormat, hex(digest.finish()), to_json(rest)));
}

/// The options of `docker build`.
std::vector<std::string> options(const std::string& tag, const Value& build) {
    std::vector<std::string> out{"--force-rm", "--tag", tag, "--file", build.text("dockerfile")};
    if (build["target"].is_string()) {
        out.emplace_back("--target");
        out.push_back(build.text("target"));
    }
    if (build["args"].is_map())
        for (const Entry& arg : build["args"].as_map()) {
            out.emplace_back("--build-arg");
            out.push_back(fmt::format("{}={}", arg.key, arg.value.as_string()));
        }
    return out;
}

/// The part of a tag after the colon.
std::string digits_of(const std::string& tag) {
    return tag.substr(tag.rfind(':') + 1);
}

Error local_failure(const std::string& tag, const ProcessResult& result) {
    Error error(ErrorKind::failed, fmt::format("cannot build {} on this machine: {}", tag,
                                               end_of_output(result.err, 1)));
    error.with_note("the end of the log:\n" + end_of_output(result.err, kShownOfLog));
    if (result.err.find("docker: not found") != std::string::npos ||
        result.err.find("Cannot connect to the Docker daemon") != std::string::npos)
        error.hint = fmt::format("`on: host` builds it on the host{}", kSeeDoctor);
    return error;
}

bool is_relative_file(std::string_view path) {
    return !path.empty() && path[0] != '/' && path.back() != '/' &&
           fmt::format("/{}/", path).find("/../") == std::string::npos &&
           fmt::format("/{}/", path).find("/./") == std::string::npos &&
           path.find("//") == path.npos;
}

} // namespace

Type build_type() {
    return object_of({
        {.name = "context",
         .type = TypeKind::local_path,
         .doc = "Directory on this machine with the files for the build, relative to the directory "
                "of the spec or module. Files that its .dockerignore excludes are not sent.",
         .required = true},
        {.name = "dockerfile",
         .type = TypeKind::line,
         .doc = "Path of the Dockerfile in the context.",
         .default_value = Value("Dockerfile")},
        {.name = "args",
         .type = map_of(TypeKind::string),
         .doc = "Values of the ARG instructions. Everybody with the image can read them.",
         .default_value = Value::map({})},
        {.name = "target",
         .type = TypeKind::line,
         .doc = "The stage to build. Default: the last one."},
        {.name = "on",
         .type = TypeKind::string,
         .doc = "`host`: the Docker of each host builds its image. `here`: the Docker of this "
                "machine builds it once, and all hosts get the same bytes.",
         .default_value = Value("host"),
         .one_of = {"host", "here"}},
    });
}

void check_build(const Value& build, Diagnostics& problems) {
    if (build.contains_secret())
        problems
            .add("`build` contains a secret, which everybody with the image could read",
                 build.loc())
            .with_hint("give the secret to the container, e.g. as a secret of the stack");
    if (const Value& file = build["dockerfile"];
        file.is_string() && !is_relative_file(file.as_string()))
        problems.add(fmt::format("{} is not a path in the build context", quoted(file)), file.loc())
            .with_hint("a relative path without `..`: docker/Dockerfile");
    if (const Value& args = build["args"]; args.is_map())
        for (const Entry& arg : args.as_map())
            if (arg.key.empty() || arg.key.find('=') != std::string::npos)
                problems.add(fmt::format("{} is not a name of an argument", quoted(args, arg.key)),
                             arg.loc);
}

std::string build_key(const Value& build) {
    return context_key(build, parts_of(build));
}

bool builds_here(const Value& build) {
    return build.text("on") == "here";
}

std::string build_command(const std::string& tag, const Value& build) {
    return fmt::format("docker build {} -", quoted(options(tag, build)));
}

fs::path pack_context(const std::string& tag, const Value& build, const fs::path& cache_dir,
                      const Notice& progress) {
    const fs::path cache = cache_dir / "docker-images";
    fs::create_directories(cache);
    const std::string key = digits_of(tag);
    const fs::path packed = cache / (key + ".context");
    const BuildLock lock(cache / (key + ".context.lock"), progress);
    if (fs::exists(packed)) return packed; // complete: named last
    if (progress) progress("packing the build context");
    const auto changed = [&] {
        return Error(ErrorKind::failed, fmt::format("the build context {} has changed since the "
                                                    "plan",
                                                    directory_of_context(build).string()))
            .with_hint("apply again; the next plan reads it again");
    };
    const std::vector<Part> parts = parts_of(build);
    if (!context_key(build, parts).starts_with(key)) throw changed();
    TarWriter tar(packed, TarWriter::Format::gnu);
    for (const Part& part : parts) {
        if (S_ISDIR(part.type)) {
            tar.directory(part.path + "/", part.mode);
        } else if (S_ISLNK(part.type)) {
            tar.link(part.path, part.content);
        } else {
            const Fd file = open_file_own_way(directory_of_context(build) / part.path);
            if (tar.copy(part.path, file, part.size, part.mode) != part.content) throw changed();
        }
    }
    tar.finish();
    return packed;
}

fs::path build_here(const std::string& tag, const Value& build, const fs::path& cache_dir,
                    const Notice& progress) {
    const fs::path cache = cache_dir / "docker-images";
    fs::create_directories(cache);
    const fs::path image = cache / (sha256_hex(tag) + ".tar");
    const BuildLock lock(fs::path(image).replace_extension(".lock"), progress);
    if (fs::exists(image)) return image; // complete: renamed into place last
    const fs::path context = pack_context(tag, build, cache_dir, progress);
    if (progress) progress("building the image with the Docker of this machine");
    const fs::path saved = fs::path(image).replace_extension(".saved"); // or of a killed build
    ProcessSpec process{
        .argv = {"sh", "-euc",
                 build_command(tag, build) + " <\"$1\" >&2\ndocker save --output \"$2\" \"$3\"\n",
                 "sh", context.string(), saved.string(), tag}};
    process.kept = lock.get(); // a build that outlives a killed hadeploy still excludes others
    process.timeout = kLongestLocalBuild;
    const ProcessResult result = run_process(process);
    if (result.status != 0) throw local_failure(tag, result);
    fs::rename(saved, image);
    fs::remove(context);
    return image;
}

} // namespace hadeploy::ssh::docker
