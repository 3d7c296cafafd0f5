#include "cli/commands.h"
#include "cli/docs/docs_commands.h"
#include "cli/docs/docs_functions.h"
#include "cli/docs/docs_markdown.h"
#include "cli/docs/docs_text.h"
#include "cli/docs/docs_topics.h"
#include "core/did_you_mean.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy::cli {

int run_docs(Context& context) {
    const std::string& name = context.args.name;
    if (context.args.markdown) return context.print(reference_markdown(context.registry)), 0;
    if (context.args.commands) return context.print(commands_markdown(command_tree())), 0;
    if (context.args.man) return context.print(man_page(command_tree())), 0;
    if (name.empty()) return context.print(render_type_list(context.registry, context.out)), 0;
    if (name == "chaos") return context.print(render_chaos(context.out)), 0;
    if (name == "functions") return context.print(render_functions(context.out)), 0;
    if (const ResourceType* type = context.registry.type(name))
        return context.print(render_type(*type, context.out)), 0;
    std::string text; // a topic and a provider can have the same name
    std::vector<std::string> known{"chaos", "functions"};
    for (const DocTopic& topic : doc_topics()) {
        known.push_back(topic.name);
        if (topic.name == name) text = render_markdown(topic.markdown, context.out);
    }
    if (const Provider* provider = context.registry.provider(name))
        text += (text.empty() ? "" : "\n") + render_provider(*provider, context.out);
    if (!text.empty()) return context.print(text), 0;
    for (const auto& t : context.registry.types()) known.push_back(t->name);
    for (const auto& provider : context.registry.providers()) known.push_back(provider->name);
    Error error(ErrorKind::usage, fmt::format("there is no resource type or topic \"{}\"", name));
    std::vector<std::string> family;
    for (const std::string& type : known)
        if (type.starts_with(name)) family.push_back(type);
    if (!family.empty())
        error.hint = fmt::format("there are: {}", fmt::join(family, ", "));
    else if (const auto close = did_you_mean(name, known))
        error.hint = fmt::format("did you mean {}?", *close);
    else
        error.hint = "`hadeploy docs` lists all types and topics";
    throw error;
}

} // namespace hadeploy::cli
