#include "core/own_way.h"
#include "planner/spec/spec.h"
#include "planner/yaml/yaml.h"
#include "provider_api/normalize.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <sys/stat.h>

namespace hadeploy {

namespace fs = std::filesystem;

namespace {

template<class Block>
const Block* by_name(const std::vector<Block>& blocks, std::string_view name) {
    const auto it = std::lower_bound(blocks.begin(), blocks.end(), name,
                                     [](const Block& b, std::string_view n) { return b.name < n; });
    return it != blocks.end() && it->name == name ? &*it : nullptr;
}

} // namespace

const Argument* ResourceBlock::attribute(std::string_view called) const {
    return by_name(attributes, called);
}

const Lifecycle& ResourceBlock::lifecycle() const {
    static const Lifecycle none;
    return own_lifecycle ? *own_lifecycle : none;
}

const Variable* Module::variable(std::string_view name) const {
    const auto it = std::find_if(variables.begin(), variables.end(),
                                 [&](const Variable& v) { return v.attribute.name == name; });
    return it == variables.end() ? nullptr : &*it;
}
const Local* Module::local(std::string_view name) const {
    return by_name(locals, name);
}
const ResourceBlock* Module::resource(std::string_view name) const {
    return by_name(resources, name);
}
const ModuleBlock* Module::module(std::string_view name) const {
    return by_name(modules, name);
}
const Output* Module::output(std::string_view name) const {
    return by_name(outputs, name);
}

BaseDirectory Spec::base_directory() const {
    return [this](Loc loc, bool written) {
        if (written) external_inputs->note();
        const fs::path file = sources.path(loc);
        return file.empty() ? fs::current_path() : fs::absolute(file).parent_path();
    };
}

FileReader disk_reader() {
    return [](const fs::path& file) {
        struct stat info = {};
        if (::stat(file.c_str(), &info) != 0) {
            const bool lost = (errno == ENOENT || errno == ENOTDIR) && file.filename() == kSpecFile;
            throw Error(ErrorKind::spec, fmt::format("{}: {}", file.string(), std::strerror(errno)))
                .with_hint(lost ? "run it in a project's directory, or name one with --chdir" : "");
        }
        if (!S_ISREG(info.st_mode))
            throw Error(ErrorKind::spec, fmt::format("{} is not a regular file", file.string()));
        try {
            // errors show lines of the file, so others must not be able to choose which file it is
            const Fd opened = open_file_own_way(file);
            std::ifstream in(own_name(opened), std::ios::binary);
            std::string text(static_cast<std::size_t>(std::min<off_t>(
                                 info.st_size, static_cast<off_t>(kMaxYamlBytes) + 1)),
                             '\0');
            if (!in.read(text.data(), static_cast<std::streamsize>(text.size())))
                throw Error(ErrorKind::spec, fmt::format("{} can't be read", file.string()));
            return text;
        } catch (Error& error) {
            error.kind = ErrorKind::spec;
            throw;
        }
    };
}

} // namespace hadeploy
