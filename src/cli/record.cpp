#include "cli/record.h"

#include <fmt/format.h>

namespace hadeploy::cli {

Value spec_record(const Project& project, const Plan& plan) {
    Value::Map files;
    for (const Sources::File& f : project.sources().files())
        if (!f.given)
            files.push_back({project.from_directory(f.path).string(), Value(f.text).as_secret()});
    return Value::map({{"files", Value::map(std::move(files))},
                       {"variables", project.variables()},
                       {"secrets", project.spec().secrets},
                       {"destroy", plan.destroy},
                       {"partial", plan.partial}});
}

bool load_record(const Value& record, Project& project) {
    if (!record["files"].is_map() || !record["variables"].is_map())
        throw Error(ErrorKind::state, "the history does not hold what this run was made from")
            .with_hint("it was kept by an older hadeploy");
    if (record.flag("partial"))
        throw Error(ErrorKind::usage, "that run did only a part of what its spec says")
            .with_hint("choose one that was about all of it; `hadeploy history` lists them");
    const FileReader read = [&](const std::filesystem::path& path) {
        const std::string name = project.from_directory(path).string();
        const Value* text = record["files"].find(name);
        if (text == nullptr)
            throw Error(ErrorKind::state, fmt::format("the history has no {} of this run", name));
        return text->as_string();
    };
    VariableValues variables;
    for (const Entry& e : record["variables"].as_map()) variables[e.key] = e.value;
    project.load_from(read, variables, record["secrets"]);
    return record.flag("destroy");
}

} // namespace hadeploy::cli
