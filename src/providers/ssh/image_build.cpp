#include "providers/ssh/image_build.h"

#include "core/archive.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/process.h"
#include "embedded/image_packages_script.h"
#include "provider_api/local_build.h"
#include "provider_api/prerequisites.h"
#include "providers/ssh/image_recipe.h"
#include "providers/ssh/ssh_type.h"
#include "providers/ssh/tar_writer.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

namespace hadeploy::ssh::docker {

namespace fs = std::filesystem;

namespace {

using OciJson = nlohmann::ordered_json;

/// Enough for a slow mirror; a build that takes longer is aborted.
constexpr std::chrono::hours kLongestBuild{1};
constexpr std::size_t kBlock = 1 << 20;
constexpr std::string_view kCreated = "1970-01-01T00:00:00Z";
constexpr std::string_view kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The paths of all entries of a tar file, without "./" and a final slash.
std::set<std::string, std::less<>> paths_in(const fs::path& path) {
    const std::unique_ptr<struct archive, Freed<archive_read_free>> reader(archive_read_new());
    archive_read_support_format_tar(reader.get());
    if (archive_read_open_filename(reader.get(), path.c_str(), kBlock) != ARCHIVE_OK)
        throw system_error("open", path);
    std::set<std::string, std::less<>> out;
    archive_entry* entry = nullptr;
    int status = ARCHIVE_OK;
    while ((status = archive_read_next_header(reader.get(), &entry)) >= ARCHIVE_WARN &&
           status != ARCHIVE_EOF) {
        std::string name = archive_entry_pathname(entry);
        if (name.starts_with("./")) name.erase(0, 2);
        if (name.ends_with('/')) name.pop_back();
        out.insert(std::move(name));
    }
    if (status != ARCHIVE_EOF)
        throw Error(ErrorKind::failed, fmt::format("{} is not a complete tar file", path.string()))
            .with_hint("remove it; the next apply builds it again");
    return out;
}

/// Adds a hint to an error of the script.
void explain_build(Error& error) {
    error.message = "cannot build the image: " + error.message;
    const bool by_run = std::any_of(error.notes.begin(), error.notes.end(), [](const Note& note) {
        return note.text.find("error: `run` failed") != std::string::npos;
    });
    if (by_run)
        error.hint = "`run` runs with `sh -eu` in the image, which has only its own packages";
    else if (error.hint.empty())
        error.hint = fmt::format("`apt-cache policy PACKAGE` shows whether the apt sources of this "
                                 "machine have a package{}",
                                 kSeeDoctor);
}

/// Installs the packages, unless the cache has their layer.
fs::path packages_layer(const Value& recipe, const fs::path& cache, const Notice& progress) {
    const std::string key = layer_key(recipe);
    const fs::path layer = cache / (key + ".layer");
    const BuildLock lock(cache / (key + ".lock"), progress);
    if (fs::exists(layer)) return layer; // complete: renamed into place last
    std::string packages;
    for (const Value& package : recipe["install"].as_list())
        packages += (packages.empty() ? "" : ",") + package.as_string();
    if (progress) progress("installing the packages of the image (mmdebstrap)");
    ProcessSpec process{.argv = {"bash", "-s", layer.string()}};
    // not in the environment, where a text cannot be longer than 128 KiB
    process.input = fmt::format("{}run={}\n{}", apt_source_functions(),
                                shell_quote(recipe.text("run")), embedded::image_packages_script);
    process.environment = {
        {"HADEPLOY_SUITE", recipe.text("suite")},
        {"HADEPLOY_VARIANT", recipe.text("base") == "none" ? "extract" : "essential"},
        {"HADEPLOY_PACKAGES", packages}};
    process.kept = lock.get(); // a build that outlives a killed hadeploy still excludes others
    process.timeout = kLongestBuild;
    try {
        run_checked(process);
    } catch (Error& error) {
        explain_build(error);
        throw;
    }
    return layer;
}

/// The layer with the files, and the directories above them that the packages do not have: an entry
/// for an existing one would change its mode or replace a link, and without an entry Docker creates
/// it for root only.
void write_files_layer(const fs::path& path, const Value::Map& files, const fs::path& below) {
    auto existing = paths_in(below);
    TarWriter tar(path);
    for (const Entry& file : files) {
        const std::string name = file.key.substr(1);
        for (std::size_t at = name.find('/'); at != name.npos; at = name.find('/', at + 1))
            if (existing.insert(name.substr(0, at)).second) tar.directory(name.substr(0, at) + "/");
        const int mode = std::stoi(file.value.text("mode"), nullptr, 8);
        if (file.value["source"].is_string())
            tar.copy(name, file.value.text("source"), mode);
        else
            tar.text(name, file.value.text("content"), mode);
    }
    tar.finish();
}

/// Sets a key to a list of strings, unless the list is empty or missing.
void set_strings(OciJson& out, const char* key, const Value& list) {
    if (!list.is_list()) return;
    for (const Value& item : list.as_list()) out[key].push_back(item.as_string());
}

/// The configuration of the image (OCI image specification), whose digest is its id.
std::string image_config(const Value& recipe, const std::vector<std::string>& layers) {
    OciJson run;
    if (const std::string user = recipe.text("user"); !user.empty()) run["User"] = user;
    OciJson env = OciJson::array();
    if (!recipe["env"].has("PATH")) env.push_back(fmt::format("PATH={}", kPath));
    if (const Value& given = recipe["env"]; given.is_map())
        for (const Entry& e : given.as_map())
            env.push_back(fmt::format("{}={}", e.key, e.value.as_string()));
    run["Env"] = env;
    set_strings(run, "Entrypoint", recipe["entrypoint"]);
    set_strings(run, "Cmd", recipe["command"]);
    run["WorkingDir"] = recipe.text("workdir", "/");
    if (const Value& ports = recipe["ports"]; ports.is_list())
        for (const Value& port : ports.as_list())
            run["ExposedPorts"][fmt::format("{}/tcp", port.as_integer())] = OciJson::object();
    OciJson diff_ids = OciJson::array(), history = OciJson::array();
    for (const std::string& digest : layers) {
        diff_ids.push_back("sha256:" + digest);
        history.push_back(
            {{"created", kCreated},
             {"created_by", history.empty() ? "hadeploy packages" : "hadeploy files"}});
    }
    const OciJson config = {{"architecture", image_architecture()},
                            {"os", "linux"},
                            {"created", kCreated},
                            {"config", run},
                            {"rootfs", {{"type", "layers"}, {"diff_ids", diff_ids}}},
                            {"history", history}};
    return config.dump();
}

void write_image(const fs::path& path, const std::string& tag, const Value& recipe,
                 const std::vector<fs::path>& layers) {
    std::vector<std::string> digests;
    OciJson names = OciJson::array();
    for (const fs::path& layer : layers) {
        digests.push_back(sha256_file(layer));
        names.push_back(digests.back() + "/layer.tar");
    }
    const std::string config = image_config(recipe, digests);
    const std::string config_name = sha256_hex(config) + ".json";
    const OciJson manifest = OciJson::array(
        {{{"Config", config_name}, {"RepoTags", OciJson::array({tag})}, {"Layers", names}}});
    TarWriter tar(path); // the manifest first: a reader finds the tag without reading the layers
    tar.text("manifest.json", manifest.dump());
    tar.text(config_name, config);
    for (std::size_t i = 0; i < layers.size(); ++i) {
        tar.directory(digests[i] + "/");
        tar.copy(names[i], layers[i]);
    }
    tar.finish();
}

} // namespace

fs::path build_image(const std::string& tag, const Value& recipe, const fs::path& cache_dir,
                     const Notice& progress) {
    const fs::path cache = cache_dir / "docker-images";
    fs::create_directories(cache);
    const std::string key = sha256_hex(tag + " " + recipe_key(recipe));
    const fs::path image = cache / (key + ".tar");
    const BuildLock lock(cache / (key + ".lock"), progress);
    if (fs::exists(image)) return image; // complete: named last
    std::vector<fs::path> layers{packages_layer(recipe, cache, progress)};
    if (progress) progress("packing the image");
    const fs::path files = cache / (key + ".files");
    fs::remove(files); // of a killed build
    if (const Value::Map added = added_files(recipe); !added.empty()) {
        write_files_layer(files, added, layers[0]);
        layers.push_back(files);
    }
    write_image(image, tag, recipe, layers);
    fs::remove(files);
    return image;
}

} // namespace hadeploy::ssh::docker
