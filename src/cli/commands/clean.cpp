#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/render/plan_json.h"
#include "cli/render/text.h"
#include "cli/services/inventory.h"
#include "cli/stop_on_signal.h"
#include "core/clock.h"
#include "provider_api/units.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hadeploy::cli {

namespace {

/// An object to remove from a host.
struct Doomed {
    const DockerHost* host = nullptr;
    std::string kind; ///< "container", "image"
    std::string name, id;
    std::int64_t size = 0;
    std::string command;    ///< removes it, and fails if something uses it by now
    std::string error = {}; ///< why it is still there
};

std::vector<Doomed> doomed(const std::vector<Inventory>& all, const PriorState& prior) {
    std::vector<Doomed> out;
    for (const Inventory& one : all) {
        const Leftovers left = leftovers(one, prior);
        for (const HostContainer& c : left.containers) // without --volumes: data stays
            out.push_back(
                {&one.host, "container", c.name, c.id, 0, "docker rm " + shell_word_of(c.id)});
        for (const HostImage& image : left.images) {
            std::string command;
            for (const std::string& tag : image.tags)
                command +=
                    (command.empty() ? "" : " && ") + ("docker image rm " + shell_word_of(tag));
            if (command.empty()) command = "docker image rm " + shell_word_of(image.id);
            out.push_back({&one.host, "image", image.shown(), image.id, image.size, command});
        }
    }
    return out;
}

/// Removes the objects of one host. Each command's error follows its number.
void remove_from(HostShells& shells, const std::vector<Doomed*>& objects) {
    std::string script;
    for (std::size_t i = 0; i < objects.size(); ++i) {
        script += fmt::format(
            "if said=$({{ {}; }} 2>&1 >/dev/null); then echo '{} '; "
            "else printf '{} failed %s\\n' \"$(printf %s \"$said\" | tail -n 1)\"; fi\n",
            objects[i]->command, i, i);
        objects[i]->error = "the host did not answer";
    }
    const std::string out = shells.output_of(objects.front()->host->connection, script);
    for (const std::string& line : split_lines(out)) {
        const std::size_t space = line.find(' ');
        const std::size_t number = static_cast<std::size_t>(std::atoi(line.c_str()));
        if (space == line.npos || number >= objects.size()) continue;
        constexpr std::string_view failed = "failed ";
        const std::string rest = line.substr(space + 1);
        objects[number]->error =
            rest.starts_with(failed) ? plain_line(rest.substr(failed.size())) : "";
    }
}

void remove_all(const Context& context, const PriorState& prior, std::vector<Doomed>& objects) {
    const StopOnSignal signal;
    HostShells shells(context, prior, signal.token());
    for (auto begin = objects.begin(); begin != objects.end();) {
        const auto end = std::find_if(begin, objects.end(),
                                      [&](const Doomed& d) { return d.host != begin->host; });
        std::vector<Doomed*> group;
        for (; begin != end; ++begin) group.push_back(&*begin);
        try {
            remove_from(shells, group);
        } catch (const Error& error) {
            for (Doomed* one : group) one->error = error.message;
        }
    }
}

std::string described_objects(const std::vector<Doomed>& objects, bool removed) {
    std::size_t containers = 0, images = 0;
    std::int64_t bytes = 0;
    for (const Doomed& one : objects) {
        if (removed && !one.error.empty()) continue;
        ++(one.kind == "image" ? images : containers);
        bytes += one.size;
    }
    std::vector<std::string> parts;
    if (containers > 0) parts.push_back(counted(containers, "container"));
    if (images > 0)
        parts.push_back(fmt::format("{} ({})", counted(images, "image"), show_bytes(bytes)));
    return parts.empty() ? "nothing" : fmt::format("{}", fmt::join(parts, " and "));
}

void show_doomed(const Context& context, const std::vector<Doomed>& objects) {
    for (const Doomed& one : objects)
        context.say(fmt::format("  - {}: {} {}{}\n", one.host->name, one.kind, printable(one.name),
                                one.size > 0 ? fmt::format(" ({})", show_bytes(one.size)) : ""));
    context.say(fmt::format("\nTo remove: {}. Volumes stay.\n", described_objects(objects, false)));
}

void report_removed(const Context& context, const std::vector<Doomed>& objects) {
    const std::string text = fmt::format("Removed {}.", described_objects(objects, true));
    if (!context.args.json) {
        for (const Doomed& one : objects)
            if (!one.error.empty())
                context.say(fmt::format("note: {}: the {} {} stays: {}\n", one.host->name, one.kind,
                                        printable(one.name), one.error));
        return context.print(text + "\n");
    }
    nlohmann::json list = nlohmann::json::array();
    for (const Doomed& one : objects)
        list.push_back({{"node", one.host->name},
                        {"kind", one.kind},
                        {"name", one.name},
                        {"id", one.id},
                        {"size", one.size},
                        {"removed", one.error.empty()},
                        {"error", one.error}});
    context.print(json_line("info", "clean_complete", text, now_ms(), {{"objects", list}}) + "\n");
}

} // namespace

int run_clean(Context& context) {
    context.project.load();
    // an apply loads images before the state has a resource that uses them
    const auto store = context.project.open_store(Store::Mode::read_write);
    context.lock(*store, "clean");
    const PriorState prior = load_prior_state(*store);
    const std::vector<Inventory> all = read_inventories(context, prior);
    bool complete = true;
    for (const Inventory& one : all) {
        if (!one.unread) continue;
        complete = false;
        context.say(fmt::format("note: {} is left out: {}\n", one.host.name, one.unread->message));
    }
    std::vector<Doomed> objects = doomed(all, prior);
    if (!objects.empty() && !context.args.auto_approve) {
        show_doomed(context, objects);
        confirm_yes(
            context, "Remove all of this?",
            Error(ErrorKind::usage, "clean needs approval, and there is no terminal to ask on")
                .with_hint("add --auto-approve"));
    }
    if (!objects.empty()) remove_all(context, prior, objects);
    report_removed(context, objects);
    const bool removed = std::all_of(objects.begin(), objects.end(),
                                     [](const Doomed& one) { return one.error.empty(); });
    return complete && removed ? 0 : 1;
}

} // namespace hadeploy::cli
