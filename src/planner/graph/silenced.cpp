#include "planner/graph/silenced.h"

#include "core/did_you_mean.h"
#include "core/secrecy.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy {

namespace {

std::vector<std::string> warning_names(const std::vector<Warning>& warnings) {
    std::vector<std::string> out;
    for (const Warning& w : warnings) out.push_back(w.name);
    return out;
}

Error unknown_warning(const Value& name, const ResourceType& type) {
    const std::vector<std::string> known = warning_names(type.warnings);
    Error out(ErrorKind::spec,
              fmt::format("silence: {} has no warning {}", type.name, quoted(name)), name.loc());
    if (known.empty()) return std::move(out).with_hint("remove it: the type has no warnings");
    const auto close = did_you_mean(name.as_string(), known);
    return std::move(out).with_hint(close ? fmt::format("did you mean \"{}\"?", *close)
                                          : fmt::format("it has: {}", fmt::join(known, ", ")));
}

} // namespace

std::vector<std::string> read_silenced(const Value& list, const ResourceType& type) {
    std::vector<std::string> out;
    for (const Value& name : list.is_list() ? list.as_list() : Value::List{list}) {
        if (!name.is_string())
            throw Error(ErrorKind::spec, "silence: this is not the name of a warning", name.loc())
                .with_hint("for example: [open_port]");
        if (std::none_of(type.warnings.begin(), type.warnings.end(),
                         [&](const Warning& w) { return w.name == name.as_string(); }))
            throw unknown_warning(name, type);
        out.push_back(name.as_string());
    }
    return out;
}

} // namespace hadeploy
