#include "cli/commands.h"
#include "cli/render/errors.h"
#include "cli/render/text.h"
#include "cli/services/inventory.h"
#include "provider_api/units.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace hadeploy::cli {

namespace {

std::string short_id(const std::string& id) {
    constexpr std::string_view algorithm = "sha256:";
    return (id.starts_with(algorithm) ? id.substr(algorithm.size()) : id).substr(0, 12);
}

std::string users_text(const HostImage& image, const Inventory& inventory) {
    if (!image.users.empty()) return fmt::format("{}", fmt::join(image.users, ", "));
    std::vector<std::string> names;
    for (const HostContainer& c : inventory.containers)
        if (c.image == image.id) names.push_back(c.name);
    return names.empty() ? "unused"
                         : fmt::format("{} {}", names.size() == 1 ? "container" : "containers",
                                       fmt::join(names, ", "));
}

nlohmann::json image_json(const HostImage& image, const Inventory& inventory) {
    nlohmann::json containers = nlohmann::json::array();
    for (const HostContainer& c : inventory.containers)
        if (c.image == image.id) containers.push_back({{"name", c.name}, {"state", c.state}});
    return {{"node", inventory.host.name}, {"image", image.shown()},   {"id", image.id},
            {"tags", image.tags},          {"digests", image.digests}, {"size", image.size},
            {"used_by", image.users},      {"containers", containers}, {"unused", !image.used()}};
}

/// Columns as wide as their longest text.
std::string image_table(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], columns_of(row[i]));
    }
    std::string out;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i + 1 < row.size(); ++i) out += pad(row[i], widths[i]) + "  ";
        out += row.back() + "\n";
    }
    return out;
}

std::string unused_text(const std::vector<Inventory>& all, const PriorState& prior) {
    std::size_t unused = 0, ours = 0;
    for (const Inventory& one : all) {
        ours += leftovers(one, prior).images.size();
        unused += static_cast<std::size_t>(
            std::count_if(one.images.begin(), one.images.end(),
                          [](const HostImage& image) { return !image.used(); }));
    }
    std::string out;
    if (unused > 0) out = fmt::format("{} unused. ", counted(unused, "image"));
    if (ours > 0) out += fmt::format("`hadeploy clean` removes {}. ", counted(ours, "image"));
    if (!out.empty()) out.back() = '\n';
    return out;
}

} // namespace

int run_images(Context& context) {
    context.project.load();
    const auto store = context.project.open_store(Store::Mode::read_only);
    const PriorState prior = load_prior_state(*store);
    const std::vector<Inventory> all = read_inventories(context, prior);
    std::vector<std::vector<std::string>> rows{{"NODE", "IMAGE", "ID", "SIZE", "USED BY"}};
    std::vector<Error> unread;
    for (const Inventory& one : all) {
        if (one.unread) unread.push_back(*one.unread);
        for (const HostImage& image : one.images)
            if (context.args.json)
                context.print(image_json(image, one).dump() + "\n");
            else
                rows.push_back({one.host.name, printable(image.shown()), short_id(image.id),
                                show_bytes(image.size), printable(users_text(image, one))});
    }
    if (!context.args.json) {
        if (rows.size() > 1) context.print(image_table(rows));
        context.say(all.empty() ? "The state has no host with Docker.\n" : unused_text(all, prior));
    }
    if (!unread.empty()) throw Error(unread);
    return 0;
}

} // namespace hadeploy::cli
