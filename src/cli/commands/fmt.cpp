#include "cli/commands.h"
#include "cli/render/errors.h"
#include "cli/render/line_diff.h"
#include "cli/render/text.h"
#include "core/file.h"
#include "core/text.h"
#include "planner/spec/load_spec.h"
#include "planner/yaml/line_layout.h"
#include "planner/yaml/yaml.h"

#include <algorithm>
#include <fmt/format.h>
#include <iostream>
#include <iterator>

namespace hadeploy::cli {

namespace fs = std::filesystem;

namespace {

bool is_ours(const fs::path& file) {
    return file.filename() == kSpecFile || file.filename() == kModuleFile;
}

/// The specs and modules in a directory; with `below` also in its subdirectories, except hidden
/// ones.
void find_in(const fs::path& directory, bool below, std::vector<fs::path>& out) {
    std::vector<fs::path> found;
    for (auto it = fs::recursive_directory_iterator(directory,
                                                    fs::directory_options::skip_permission_denied);
         it != fs::recursive_directory_iterator(); ++it) {
        if (it->is_directory() && (!below || it->path().filename().string().starts_with('.')))
            it.disable_recursion_pending();
        else if (it->is_regular_file() && is_ours(it->path()))
            found.push_back(it->path().lexically_normal());
    }
    std::sort(found.begin(), found.end()); // directory iteration has no defined order
    out.insert(out.end(), found.begin(), found.end());
}

std::vector<fs::path> files_of(const Args& args) {
    std::vector<fs::path> out;
    std::vector<fs::path> given = args.files;
    if (given.empty()) given.push_back(args.project.directory);
    for (const fs::path& path : given) {
        const std::size_t before = out.size();
        if (fs::is_directory(path))
            find_in(path, args.recursive, out);
        else
            out.push_back(path);
        if (out.size() == before)
            throw Error(ErrorKind::usage,
                        fmt::format("{} contains neither a {} nor a {}",
                                    in_quotes(path.string(), 4096), kSpecFile, kModuleFile))
                .with_hint("--recursive includes subdirectories");
    }
    return out;
}

std::string read_text(const fs::path& file) {
    if (file == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
    return disk_reader()(file);
}

/// The formatted text.
/// @throws Error if it is not valid YAML, or if formatting would change its meaning
std::string canonical_text(const fs::path& file, const std::string& text, Sources& sources) {
    Diagnostics diagnostics;
    (void)read_yaml(sources, sources.add(file, text), diagnostics);
    diagnostics.throw_if_any();
    std::string out = laid_out(text);
    if (!same_meaning(text, out))
        throw Error(ErrorKind::failed, fmt::format("{}: formatting would change its meaning",
                                                   in_quotes(file.string(), 4096)))
            .with_hint("the file was not changed; use simpler YAML in the unusual part");
    return out;
}

std::string diff(const fs::path& file, const std::string& before, const std::string& after,
                 const Style& style) {
    std::string out = style.paint(Tint::bold, file.string()) + "\n";
    for (const LineChange& c : diff_lines(split_lines(before), split_lines(after))) {
        const Tint tint = c.sign == '+' ? Tint::green : c.sign == '-' ? Tint::red : Tint::plain;
        out += style.paint(tint, fmt::format("{} {}", c.sign, printable(c.text))) + "\n";
    }
    return out;
}

class Formatter {
  public:
    explicit Formatter(const Context& context) : context_(context), args_(context.args) {}

    int run() {
        for (const fs::path& file : files_of(args_)) {
            Sources sources;
            try {
                format(file, sources);
            } catch (const Error& errors) {
                complain(errors.all(), sources);
            }
        }
        return code_ != 0 ? code_ : (args_.check && changed_ ? 1 : 0);
    }

  private:
    void format(const fs::path& file, Sources& sources) {
        const std::string before = read_text(file);
        const std::string after = canonical_text(file, before, sources);
        const bool filter = file == "-" && !args_.check && !args_.diff;
        if (filter) return context_.print(after);
        if (before == after) return;
        changed_ = true;
        context_.print(args_.diff ? diff(file, before, after, context_.out) : file.string() + "\n");
        if (!args_.check && file != "-") rewrite_file(file, after);
    }

    void complain(const std::vector<Error>& errors, const Sources& sources) {
        context_.say(render_errors(errors, sources, context_.err));
        if (code_ == 0) code_ = exit_code(errors);
    }

    const Context& context_;
    const Args& args_;
    bool changed_ = false;
    int code_ = 0;
};

} // namespace

int run_fmt(Context& context) {
    return Formatter(context).run();
}

} // namespace hadeploy::cli
