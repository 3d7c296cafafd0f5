#include "cli/commands.h"
#include "cli/services/services.h"
#include "core/file.h"
#include "core/text.h"
#include "engine/observe.h"
#include "providers/ssh/ssh.h"

#include <charconv>
#include <fmt/format.h>
#include <optional>

namespace hadeploy::cli {

namespace {

struct Scale {
    std::string service;
    std::int64_t count = 0;
};

/// @throws Error(usage) unless the text is SERVICE=N
Scale parse_scale(const std::string& text) {
    constexpr std::int64_t most = 1'000'000;
    const std::size_t equals = text.rfind('=');
    if (equals == text.npos || equals == 0)
        throw Error(ErrorKind::usage,
                    fmt::format("scale needs SERVICE=N, not {}", in_quotes(text)));
    Scale out{text.substr(0, equals), 0};
    const char *begin = text.data() + equals + 1, *last = text.data() + text.size();
    const auto [end, error] = std::from_chars(begin, last, out.count);
    if (begin == last || error != std::errc() || end != last || out.count < 0 || out.count > most)
        throw Error(ErrorKind::usage,
                    fmt::format("{} is not a number of tasks", in_quotes(std::string(begin, last))))
            .with_hint(fmt::format("use a whole number from 0 to {}", most));
    return out;
}

/// The replicas of a service according to the spec, with other values of variables.
class ReplicasInSpec {
  public:
    ReplicasInSpec(const Context& context, const PriorState& prior, const Service& service)
        : context_(context), prior_(prior), service_(service) {}

    /// @param variables  "NAME=VALUE", in addition to those of the command line
    /// @throws Error
    [[nodiscard]] ssh::DeclaredReplicas with(const std::vector<std::string>& variables) const {
        try {
            return evaluated_with(variables);
        } catch (const Error& errors) {
            std::vector<Error> all = errors.all();
            for (Error& error : all) { // places in the sources of another Project
                error.loc = {};
                for (Note& note : error.notes) note.loc = {};
            }
            throw Error(all);
        }
    }

    /// Whether this variable alone sets the number: another value gives the same other number.
    [[nodiscard]] bool follow(const std::string& variable, std::int64_t now) const {
        for (const std::int64_t other : {now + 1, now - 1}) {
            try {
                return with({fmt::format("{}={}", variable, other)}).count == other;
            } catch (const Error&) { // outside of the variable's limits
            }
        }
        return false;
    }

  private:
    [[nodiscard]] ssh::DeclaredReplicas
    evaluated_with(const std::vector<std::string>& variables) const {
        ProjectOptions options = context_.project.options();
        options.variables.insert(options.variables.end(), variables.begin(), variables.end());
        Project project(context_.registry, options);
        project.load(Project::Secrets::unread);
        const std::optional<NodeId> node = project.graph().find(service_.address);
        std::optional<ssh::DeclaredReplicas> found;
        if (node) {
            Diagnostics ignored; // apply reports them
            const Value config =
                project.graph().config(*node, recorded_values(project.graph(), prior_), ignored);
            if (config["compose"].is_string() || config["content"].is_string())
                found = ssh::declared_replicas(config, service_.name);
        }
        if (found) return *found;
        throw Error(ErrorKind::failed, fmt::format("the spec has no service {} in {}",
                                                   service_.name, service_.address))
            .with_hint("`hadeploy plan` shows what apply would do");
    }

    const Context& context_;
    const PriorState& prior_;
    const Service& service_;
};

/// The number variables of the root module that have this value and set the replicas.
std::vector<std::string> variables_of(const Project& project, const ReplicasInSpec& replicas,
                                      std::int64_t now) {
    std::vector<std::string> out;
    for (const Variable& v : project.spec().root.variables) {
        const std::string& name = v.attribute.name;
        const bool number =
            v.attribute.type.kind == TypeKind::integer || v.attribute.type.kind == TypeKind::number;
        const Value& value = project.variables()[name];
        if (number && value.is_integer() && value.as_integer() == now && replicas.follow(name, now))
            out.push_back(name);
    }
    return out;
}

Error not_one_variable(const Service& service, const ssh::DeclaredReplicas& declared,
                       const std::vector<std::string>& variables) {
    if (variables.size() > 1)
        return Error(ErrorKind::failed,
                     fmt::format("several variables set the replicas of {}: {}",
                                 service.full_name(), fmt::join(variables, ", ")))
            .with_hint("change one of them in the spec, then `hadeploy apply`");
    const bool literal = declared.written.find('$') == declared.written.npos;
    return Error(ErrorKind::failed,
                 fmt::format("no variable of the spec sets the replicas of {}: {} has {}",
                             service.full_name(), declared.place,
                             declared.written.empty() ? "no `replicas`"
                                                      : in_quotes(declared.written)))
        .with_hint(literal
                       ? fmt::format("change the number there, then `hadeploy apply --target {}`; "
                                     "or write ${{REPLICAS}} there, and `variables: {{REPLICAS: "
                                     "${{var.replicas}}}}` in {}",
                                     service.address, service.address)
                       : fmt::format("change the value of {} in the spec, then `hadeploy apply "
                                     "--target {}`",
                                     declared.written, service.address));
}

/// A number in a file of the spec.
struct Place {
    std::filesystem::path file;
    std::string before; ///< the text of the file
    std::size_t offset = 0, size = 0;

    [[nodiscard]] std::string with(std::int64_t count) const {
        return std::string(before).replace(offset, size, std::to_string(count));
    }
};

/// Where the value of a variable stands.
/// @throws Error if it is on the command line or in the environment, or not written in digits
Place place_of_variable(const Project& project, const std::string& name) {
    const Value& value = project.variables()[name];
    const Loc loc = value.loc();
    const std::string digits = std::to_string(value.as_integer());
    if (loc.known()) {
        const Sources::File& file = project.sources().files()[loc.file];
        const std::size_t offset = project.sources().offset(loc);
        if (file.given)
            throw Error(ErrorKind::usage,
                        fmt::format("the value of {} is given by {}", name, file.path.string()))
                .with_hint("leave it out: scale changes the file of variables or the default");
        if (offset != std::string::npos && file.text.compare(offset, digits.size(), digits) == 0 &&
            (offset + digits.size() == file.text.size() ||
             std::isalnum(static_cast<unsigned char>(file.text[offset + digits.size()])) == 0))
            return {file.path, file.text, offset, digits.size()};
    }
    throw Error(ErrorKind::failed,
                fmt::format("the value of {} cannot be changed in {}", name,
                            loc.known() ? project.sources().describe(loc) : "the spec"))
        .with_hint("change it there, then `hadeploy apply`");
}

/// Applies the service's resource with the changed file. If no change was begun, the file is
/// restored; otherwise it keeps the number that apply continues with.
int apply_changed(Context& context, const Service& service, const std::optional<Place>& place,
                  std::int64_t count) {
    Args args = context.args;
    args.command = "apply";
    args.plan.targets = {service.address};
    Project project(context.registry, context.project.options());
    Context inner{args, context.registry, project, context.out, context.err};
    if (!place) return run_apply(inner);
    rewrite_file(place->file, place->with(count));
    const auto end = [&] {
        context.changed = inner.changed;
        if (!inner.changed) return rewrite_file(place->file, place->before);
        context.say(
            fmt::format("{} keeps the new number {}: `hadeploy apply --target {}` completes the "
                        "change; to undo it, scale back to the previous number\n",
                        place->file.string(), count, service.address));
    };
    try {
        const int code = run_apply(inner);
        if (code != 0) end();
        return code;
    } catch (...) { // before the first change, or between two turns
        end();
        throw;
    }
}

} // namespace

int run_scale(Context& context) {
    const Scale wanted = parse_scale(context.args.name);
    context.project.load();
    PriorState prior;
    {
        const auto store = context.project.open_store(Store::Mode::read_only);
        prior = load_prior_state(*store);
    }
    const std::vector<Service> services = recorded_services(prior);
    const Service& service = service_named(wanted.service, services);
    const ReplicasInSpec replicas(context, prior, service);
    const ssh::DeclaredReplicas declared = replicas.with({});
    if (declared.global)
        throw Error(ErrorKind::usage, fmt::format("{} is a global service: it has one task on each "
                                                  "node, and no number of tasks",
                                                  service.full_name()));
    std::optional<Place> place;
    if (declared.count != wanted.count) { // else apply restores the number
        const auto variables = declared.count
                                   ? variables_of(context.project, replicas, *declared.count)
                                   : std::vector<std::string>{};
        if (variables.size() != 1) throw not_one_variable(service, declared, variables);
        const std::string& name = variables.front();
        place = place_of_variable(context.project, name);
        (void)replicas.with({fmt::format("{}={}", name, wanted.count)}); // its limits
        context.say(fmt::format("{}: {} changes from {} to {}\n", place->file.string(), name,
                                *declared.count, wanted.count));
    }
    return apply_changed(context, service, place, wanted.count);
}

} // namespace hadeploy::cli
