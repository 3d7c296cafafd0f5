#include "cli/commands.h"
#include "cli/installation.h"
#include "cli/render/plan_json.h"
#include "cli/templates.h"
#include "core/clock.h"
#include "core/did_you_mean.h"
#include "core/file.h"
#include "core/new_file.h"
#include "core/text.h"

#include <algorithm>
#include <cctype>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace hadeploy::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kIgnoreFile = ".gitignore";
constexpr const char* kWritable =
    "name a directory that this user can write to: `hadeploy init DIR`";

bool is_there(const fs::path& path) {
    std::error_code ignored;
    return fs::symlink_status(path, ignored).type() != fs::file_type::not_found;
}

/// A path for messages: "hadeploy.yaml", not "./hadeploy.yaml".
std::string readable(const fs::path& path) {
    return path.lexically_normal().string();
}

/// A path as one word of a command line.
std::string as_word(const std::string& path) {
    constexpr std::string_view plain = "/._-";
    const auto is_plain = [plain](unsigned char c) {
        return c >= 0x80 || std::isalnum(c) != 0 || plain.find(static_cast<char>(c)) != plain.npos;
    };
    if (std::all_of(path.begin(), path.end(), is_plain)) return path;
    std::string out = "'";
    for (const char c : path) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

/// The absolute path, without a slash at its end.
fs::path whole_path(const fs::path& directory) {
    const fs::path out = fs::absolute(directory).lexically_normal();
    return out.has_filename() ? out : out.parent_path();
}

/// @throws Error(usage)
void check_template(const std::string& name) {
    const std::vector<std::string> known = template_names();
    if (std::find(known.begin(), known.end(), name) != known.end()) return;
    const auto close = did_you_mean(name, known);
    throw Error(ErrorKind::usage, fmt::format("there is no template \"{}\"", name))
        .with_hint(close ? fmt::format("did you mean \"{}\"?", *close)
                         : fmt::format("there are: {}", fmt::join(known, ", ")));
}

/// @throws Error(usage) if the directory cannot become a project
void check_new_project(const fs::path& directory, const std::vector<ProjectFile>& files) {
    const std::string path = directory.string();
    if (std::any_of(path.begin(), path.end(), [](unsigned char c) { return std::iscntrl(c) != 0; }))
        throw Error(ErrorKind::usage,
                    fmt::format("the path {} contains a control character", in_quotes(path, 4096)))
            .with_hint("name a directory without one: `hadeploy init DIR`");
    std::error_code ignored;
    if (is_there(directory) && !fs::is_directory(directory, ignored))
        throw Error(ErrorKind::usage, fmt::format("{} is not a directory", readable(directory)))
            .with_hint("name a directory for the project: `hadeploy init DIR`");
    if (is_there(directory / kSpecFile))
        throw Error(ErrorKind::usage, fmt::format("{} exists, and init replaces no files",
                                                  readable(directory / kSpecFile)))
            .with_hint("nothing has to be downloaded or set up: continue with `hadeploy plan`; for "
                       "another project, name a directory: `hadeploy init DIR`");
    for (const ProjectFile& file : files)
        if (is_there(directory / file.path))
            throw Error(ErrorKind::usage, fmt::format("{} exists, and init replaces no files",
                                                      readable(directory / file.path)))
                .with_hint("name a new directory: `hadeploy init DIR`");
}

/// @throws Error(failed)
void make_directories(const fs::path& directory) {
    // as after a `git clone`: others may read a project, which contains no secrets
    const mode_t before = ::umask(022);
    std::error_code failed;
    fs::create_directories(directory, failed);
    ::umask(before);
    if (failed)
        throw Error(ErrorKind::failed, fmt::format("the directory {} cannot be created: {}",
                                                   readable(directory), failed.message()))
            .with_hint(kWritable);
    if (::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) != 0)
        throw system_error("write to the directory", whole_path(directory)).with_hint(kWritable);
}

/// @throws Error(failed), including if a file exists by now
void write_project(const fs::path& directory, const std::vector<ProjectFile>& files) {
    make_directories(directory);
    for (const ProjectFile& file : files) {
        const fs::path path = directory / file.path;
        make_directories(path.parent_path());
        NewFile out(path);
        out.append(file.text);
        out.finish();
        std::error_code ignored; // then only this user can read it
        fs::permissions(path, fs::perms(0644), ignored);
    }
}

/// Whether a .gitignore excludes the directory of the state, in one of the usual forms.
bool ignores_state(const fs::path& file) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);)
        if (line == "/.hadeploy/" || line == ".hadeploy/" || line == ".hadeploy" ||
            line == "/.hadeploy")
            return true;
    return false;
}

/// @throws Error(failed) if the template needs images that this machine does not have
fs::path images_for(const std::string& name) {
    fs::path images = images_directory();
    if (images.empty() && template_needs_images(name))
        throw Error(ErrorKind::failed,
                    fmt::format("the template {} needs the images of the demo app, which do not "
                                "come with this program",
                                name))
            .with_hint("install hadeploy as a package, or build it in its source tree (`cmake "
                       "--build --preset release`); the other templates need no images");
    return images;
}

std::string report_text(const fs::path& directory, const std::string& name,
                        const std::vector<ProjectFile>& files) {
    const std::string place = readable(directory);
    const bool here = place == "." || place == "./";
    std::string out =
        fmt::format("Created {} from the template {}:\n", here ? "a project" : place, name);
    for (const ProjectFile& file : files) out += fmt::format("  {}\n", file.path.string());
    out += "\nNext: read hadeploy.yaml, whose comments explain it, then\n";
    if (!here) out += fmt::format("  cd {}\n", as_word(place));
    out += "  hadeploy doctor    reports what this machine lacks for the spec\n"
           "  hadeploy plan      shows what apply would do\n"
           "  hadeploy apply     does it, after a confirmation\n";
    if (name != kDefaultTemplate) return out;
    out += "\nOther templates (hadeploy init --template NAME DIR):\n";
    for (const std::string& one : template_names())
        if (one != name) out += fmt::format("  {:<9}  {}\n", one, template_summary(one));
    return out;
}

} // namespace

int run_init(Context& context) {
    const std::string& name = context.args.template_name;
    check_template(name);
    const fs::path directory = context.args.project.directory / context.args.file;
    const fs::path whole = whole_path(directory);
    std::vector<ProjectFile> files = project_files(name, project_name(whole), images_for(name));
    const auto ignore = std::find_if(files.begin(), files.end(), [](const ProjectFile& file) {
        return file.path == kIgnoreFile;
    });
    const bool keeps_ignore = ignore != files.end() && is_there(directory / kIgnoreFile);
    if (keeps_ignore) files.erase(ignore); // of the repository in which the project begins
    // the spec is the last file: a project that has one is complete
    std::stable_partition(files.begin(), files.end(),
                          [](const ProjectFile& file) { return file.path != kSpecFile; });
    check_new_project(directory, files);
    write_project(directory, files);
    if (keeps_ignore && !ignores_state(directory / kIgnoreFile))
        context.say(fmt::format("note: {} exists: add the line /.hadeploy/ to it\n",
                                readable(directory / kIgnoreFile)));
    if (!context.args.json) {
        context.print(report_text(directory, name, files));
        return 0;
    }
    nlohmann::json names = nlohmann::json::array();
    for (const ProjectFile& file : files) names.push_back(file.path.string());
    context.print(json_line("info", "init", "created a project", now_ms(),
                            {{"template", name}, {"directory", whole.string()}, {"files", names}}) +
                  "\n");
    return 0;
}

} // namespace hadeploy::cli
