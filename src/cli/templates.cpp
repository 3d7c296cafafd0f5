#include "cli/templates.h"

#include "core/text.h"
#include "embedded/project_templates.h"
#include "planner/spec/load_spec.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kTemplates = "templates/";
constexpr std::string_view kModules = "modules/";
// relative to the folder of a template in the source tree
constexpr std::string_view kModulesThere = "../../modules/";
constexpr std::string_view kImagesThere = "../../build/release/images";

std::string_view spec_of(std::string_view name) {
    const std::string path = fmt::format("{}{}/{}", kTemplates, name, kSpecFile);
    for (const embedded::File& file : embedded::project_templates)
        if (file.path == path) return file.text;
    return {};
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
        text.replace(at, from.size(), to);
}

/// A path as a YAML scalar.
std::string yaml_path(const fs::path& path) {
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-";
    std::string text = path.string();
    if (text.find_first_not_of(plain) == text.npos) return text;
    replace_all(text, "'", "''");
    return "'" + text + "'";
}

/// Adds the files of a folder of the source tree below `to`.
void add_folder(const std::string& folder, const fs::path& to, std::vector<ProjectFile>& out) {
    for (const embedded::File& file : embedded::project_templates)
        if (file.path.starts_with(folder))
            out.push_back({to / file.path.substr(folder.size()), std::string(file.text)});
}

} // namespace

std::vector<std::string> template_names() {
    std::vector<std::string> out;
    for (const embedded::File& file : embedded::project_templates) {
        if (!file.path.starts_with(kTemplates)) continue;
        const std::string_view rest = file.path.substr(kTemplates.size());
        const std::size_t end = rest.find('/');
        if (end != rest.npos && rest.substr(end + 1) == kSpecFile)
            out.emplace_back(rest.substr(0, end));
    }
    return out;
}

std::string template_summary(std::string_view name) {
    const std::string_view spec = spec_of(name);
    const std::string_view line = spec.substr(0, spec.find('\n'));
    return std::string(line.substr(std::min<std::size_t>(2, line.size())));
}

bool template_needs_images(std::string_view name) {
    return spec_of(name).find(kImagesThere) != std::string_view::npos;
}

std::vector<ProjectFile> project_files(std::string_view name, const std::string& project,
                                       const fs::path& images) {
    std::vector<ProjectFile> out;
    add_folder(fmt::format("{}{}/", kTemplates, name), "", out);
    std::vector<std::string> modules;
    for (ProjectFile& file : out) {
        if (file.path != kSpecFile) continue;
        replace_all(file.text, fmt::format("\nname: {}\n", name),
                    fmt::format("\nname: {}\n", project));
        replace_all(file.text, kImagesThere, yaml_path(images));
        for (std::size_t at = 0; (at = file.text.find(kModulesThere, at)) != std::string::npos;
             ++at) {
            const std::size_t begin = at + kModulesThere.size();
            modules.push_back(file.text.substr(begin, file.text.find('\n', begin) - begin));
        }
        replace_all(file.text, kModulesThere, kModules);
    }
    for (const std::string& module : modules) {
        const std::string folder = fmt::format("{}{}/", kModules, module);
        add_folder(folder, folder, out);
    }
    for (const embedded::File& file : embedded::project_templates)
        if (file.path == "templates/gitignore")
            out.push_back({".gitignore", std::string(file.text)});
    return out;
}

std::string project_name(const fs::path& directory) {
    std::string out;
    for (const char c : lower_case(directory.filename().string())) {
        const bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (kept)
            out += c;
        else if (!out.empty() && out.back() != '-')
            out += '-';
    }
    constexpr std::size_t most = 63;
    out.resize(std::min(out.size(), most));
    while (out.ends_with('-')) out.pop_back();
    const bool is_name = !out.empty() && out[0] >= 'a' && out != "true" && out != "false" &&
                         out != "null"; // which would not be strings in YAML
    return is_name ? out : "project" + out;
}

} // namespace hadeploy::cli
