#include "providers/ssh/gluster_volume_changes.h"

#include "embedded/scripts.h"
#include "providers/ssh/gluster_tls.h"
#include "providers/ssh/host.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy::ssh::gluster {

std::vector<Host> brick_hosts(const Value& config) {
    std::vector<Host> hosts = hosts_of(config["hosts"]);
    const auto replica =
        static_cast<std::size_t>(std::max<std::int64_t>(1, config.integer("replica", 3)));
    hosts.resize(hosts.size() / replica * replica);
    return hosts;
}

std::string in_info(std::string brick) {
    std::replace(brick.begin(), brick.end(), '/', '-');
    return brick;
}

std::vector<std::string> texts(const Value& list) {
    std::vector<std::string> out;
    if (list.is_list())
        for (const Value& item : list.as_list()) out.push_back(item.as_string());
    return out;
}

namespace {
/// A file on every host with a brick that identifies the owner. It is written before the volume is
/// created, so that an incomplete volume of ours is not mistaken for a foreign one. Its second line
/// is the topmost directory that was created for the brick.
std::string marker_of(const Value& config) {
    return "/var/lib/hadeploy/gluster.volume." + config.text("name");
}

} // namespace

std::string volume_script(std::string_view body, const Value& config, const std::string& identity,
                          std::initializer_list<std::pair<std::string_view, std::string>> more) {
    std::string out = functions();
    const auto set = [&](std::string_view name, std::string_view value) {
        out += fmt::format("{}={}\n", name, shell_quote(value));
    };
    set("volume", config.text("name"));
    set("brick", config.text("brick"));
    set("identity", identity);
    set("marker", marker_of(config));
    for (const auto& [name, value] : more) set(name, value);
    return out + std::string(scripts::gluster_volume_functions) + std::string(body);
}

namespace {

/// "key value ..." as quoted words, for options whose value has to change.
std::string settings(const Value& wanted, const Value& have) {
    std::string out;
    if (wanted.is_map())
        for (const Entry& e : wanted.as_map())
            if (have.text(e.key) != e.value.as_string() || !have.has(e.key))
                out += fmt::format(" {} {}", shell_quote(e.key), shell_quote(e.value.as_string()));
    return out;
}

/// The auth.allow setting, as words for the gluster command.
std::string allow(const Value& config) {
    std::string names;
    if (config["clients"].is_list())
        for (const Value& name : config["clients"].as_list())
            names += (names.empty() ? "" : ",") + name.as_string();
    return names.empty() ? "" : fmt::format(" {} {}", kAllow, shell_quote(names));
}

std::string brick_on(const Host& host, const Value& config) {
    return host.name + ":" + config.text("brick");
}

/// Creates the directory of the brick on its host; with TLS, the certificate must already be there.
/// @param find  the brick is part of the volume: reports to the next command whether it has no data
Command prepare_brick(const Value& config, const std::string& identity, const Host& host,
                      bool find = false) {
    std::string body(scripts::gluster_brick_prepare);
    if (config.flag("tls"))
        body =
            fmt::format("certificates={}\n{}{}", kCertificates, scripts::gluster_tls_files, body);
    if (find) body += scripts::gluster_brick_find;
    return {.script = volume_script(body, config, identity, {{"name", brick_on(host, config)}}),
            .on = {host.connection},
            .step = "preparing the brick on " + host.name};
}

/// @param may_be_gone  the machine may no longer exist
Command remove_brick(const Value& config, const std::string& identity, const Host& host,
                     bool may_be_gone) {
    return {.script = volume_script(scripts::gluster_brick_remove, config, identity,
                                    {{"listed", in_info(brick_on(host, config))}}),
            .on = {host.connection},
            .may_be_gone = may_be_gone,
            .step = "removing the brick on " + host.name};
}

/// The actual and the desired bricks of a volume.
struct Bricks {
    std::vector<std::string> have, wanted, added, left; ///< left: bricks to remove from the volume
    std::int64_t replica_before, replica;

    explicit Bricks(const Change& change)
        : have(texts(change.before["bricks"])), wanted(texts(change.after["bricks"])),
          replica_before(std::max<std::int64_t>(1, change.before.integer("replica", 1))),
          replica(change.after.integer("replica", 3)) {
        const auto is_in = [](const std::vector<std::string>& all, const std::string& one) {
            return std::find(all.begin(), all.end(), one) != all.end();
        };
        for (const std::string& brick : wanted)
            if (!is_in(have, brick)) added.push_back(brick);
        for (const std::string& brick : have)
            if (!is_in(wanted, brick)) left.push_back(brick);
    }

    [[nodiscard]] std::vector<std::string> staying() const {
        std::vector<std::string> out;
        for (const std::string& brick : have)
            if (std::find(left.begin(), left.end(), brick) == left.end()) out.push_back(brick);
        return out;
    }

    /// @throws Error if one change cannot turn `have` into `wanted`
    void check() const {
        const auto sets = [](std::size_t count, std::int64_t copies) {
            return static_cast<std::int64_t>(count) / copies;
        };
        const bool one_set =
            sets(have.size(), replica_before) == 1 && sets(wanted.size(), replica) == 1;
        if (!one_set && replica != replica_before && !(left.empty() && added.empty()))
            throw Error(
                ErrorKind::failed,
                fmt::format("the number of copies cannot change from {} to {} in a volume of "
                            "several replica sets",
                            replica_before, replica))
                .with_hint("change the number of hosts and `replica` in two runs");
        if (!one_set && !left.empty())
            throw Error(ErrorKind::failed, fmt::format("the change would remove the brick {} with "
                                                       "its data",
                                                       left.front()))
                .with_hint("move its data first: gluster volume remove-brick or replace-brick");
        if (staying().empty() && !left.empty())
            throw Error(ErrorKind::failed,
                        "no brick of the volume would stay: the new bricks could not get the files")
                .with_hint("add the new hosts in one run, and remove the old ones in the next");
    }
};

/// Returns a host's brick to the volume if the brick was found to have no data.
Command return_brick(const Change& change, const Bricks& bricks, const Host& host) {
    const std::vector<std::string> staying = bricks.staying();
    const std::int64_t replica =
        std::min(bricks.replica_before, static_cast<std::int64_t>(staying.size()));
    return {.script = volume_script(scripts::gluster_brick_return, change.after, change.identity,
                                    {{"name", brick_on(host, change.after)},
                                     {"listed", in_info(brick_on(host, change.after))},
                                     {"bricks", fmt::format("{}", fmt::join(staying, "\n"))},
                                     {"replica", std::to_string(replica)}}),
            .on = {host.connection},
            .step = "checking for data in the brick on " + host.name};
}

std::string quoted_words(const std::vector<std::string>& bricks) {
    std::string out;
    for (const std::string& brick : bricks) out += " " + shell_quote(brick);
    return out;
}

std::int64_t patience_of(const Value& config) {
    return config.integer("heal_timeout", kHealTimeout);
}

Command heal(const Change& change, std::size_t count) {
    const std::int64_t patience = patience_of(change.after);
    return {.script = volume_script(
                scripts::gluster_volume_heal, change.after, change.identity,
                {{"count", std::to_string(count)}, {"patience", std::to_string(patience / 1000)}}),
            .step = "waiting until every brick has all files",
            .waits = std::chrono::milliseconds(patience)};
}

/// Removes bricks from a volume whose other bricks have every file.
void shrink(const Change& change, const Bricks& bricks, std::vector<Command>& list) {
    const std::vector<std::string> staying = bricks.staying();
    const std::int64_t patience = patience_of(change.after);
    list.push_back(
        {.script = volume_script(scripts::gluster_volume_shrink, change.after, change.identity,
                                 {{"remove", quoted_words(bricks.left)},
                                  {"leaving", std::to_string(bricks.left.size())},
                                  {"keep", fmt::format("{}", fmt::join(staying, "\n"))},
                                  {"replica", std::to_string(staying.size())},
                                  {"count", std::to_string(bricks.have.size())},
                                  {"patience", std::to_string(patience / 1000)}}),
         .step = fmt::format("removing {} from the volume", fmt::join(bricks.left, ", ")),
         .waits = std::chrono::milliseconds(patience)});
    for (const Host& host : hosts_of(change.before["hosts"]))
        if (const std::string brick = brick_on(host, change.before);
            std::find(bricks.left.begin(), bricks.left.end(), brick) != bricks.left.end())
            list.push_back(remove_brick(change.before, change.identity, host, true));
}

} // namespace

std::vector<Command> make_volume(const Change& change) {
    const Value& config = change.after;
    std::vector<Command> list;
    std::string create =
        config.integer("replica") > 1 ? fmt::format("replica {}", config.integer("replica")) : "";
    const std::vector<Host> hosts = brick_hosts(config);
    for (const Host& host : hosts) {
        list.push_back(prepare_brick(config, change.identity, host));
        create += " " + shell_quote(brick_on(host, config));
    }
    list.push_back({.script = volume_script(scripts::gluster_volume_make, config, change.identity,
                                            {{"create", create},
                                             {"group", config.text("group")},
                                             {"settings", settings(config["options"], {}) +
                                                              allow(config) + tls_settings(config)},
                                             {"count", std::to_string(hosts.size())},
                                             {"started", config.flag("started", true) ? "1" : ""}}),
                    .step = "creating the volume"});
    return list;
}

std::vector<Command> update_volume(const Change& change) {
    const Value &before = change.before, &after = change.after;
    const Bricks bricks(change);
    bricks.check();
    const auto is_changed = [&](std::string_view name) {
        return std::find(change.changed.begin(), change.changed.end(), name) !=
               change.changed.end();
    };
    const bool secure = after.flag("tls") && !before.flag("tls");
    const bool open = before.flag("tls") && !after.flag("tls");
    const bool repair = is_changed("online") || is_changed("started") || is_changed("healed");
    const bool started = after.flag("started", true);
    std::vector<Command> list;
    if (!bricks.left.empty()) shrink(change, bricks, list);
    const std::vector<Host> hosts = brick_hosts(after);
    const auto is_new = [&](const Host& host) {
        return std::find(bricks.added.begin(), bricks.added.end(), brick_on(host, after)) !=
               bricks.added.end();
    };
    for (const Host& host : hosts)
        if (is_new(host) || secure || repair)
            list.push_back(prepare_brick(after, change.identity, host, repair && !is_new(host)));
    for (const Host& host : hosts)
        if (repair && !is_new(host)) list.push_back(return_brick(change, bricks, host));
    std::string unset;
    if (before["options"].is_map())
        for (const Entry& e : before["options"].as_map())
            if (!after["options"].has(e.key)) unset += " " + e.key;
    if (open) unset += tls_options();
    const bool regroup = is_changed("group");
    // setting a group overwrites single options of the same name
    const Value old_options = regroup ? Value() : before["options"];
    const std::vector<std::string> staying = bricks.staying();
    const bool more_copies = bricks.replica > static_cast<std::int64_t>(staying.size());
    std::string add = quoted_words(bricks.added);
    if (!add.empty() && more_copies) add = fmt::format("replica {}{}", bricks.replica, add);
    list.push_back(
        {.script = volume_script(
             scripts::gluster_volume_update, after, change.identity,
             {{"add", add},
              {"rebalance", !add.empty() && !more_copies ? "1" : ""},
              {"unset", unset},
              {"group", regroup ? after.text("group") : ""},
              {"settings", settings(after["options"], old_options) +
                               (before["clients"] == after["clients"] ? "" : allow(after)) +
                               (before["certificates"] == after["certificates"] && !secure
                                    ? ""
                                    : tls_settings(after))},
              {"stop", secure || open ? "1" : ""},
              {"start", started                  ? "start"
                        : before.flag("started") ? "stop"
                                                 : ""},
              {"count", std::to_string(bricks.wanted.size())}}),
         .step = add.empty() ? "updating the volume"
                             : fmt::format("adding {}", fmt::join(bricks.added, ", "))});
    const bool moved = !bricks.added.empty() || !bricks.left.empty();
    if (started && (repair || moved) && bricks.replica > 1)
        list.push_back(heal(change, bricks.wanted.size()));
    return list;
}

std::vector<Command> remove_volume(const Change& change) {
    const Value& config = change.before;
    std::vector<Command> list{
        {.script = volume_script(scripts::gluster_volume_stop, config, change.identity),
         .step = "stopping the volume"}};
    for (const Host& host : brick_hosts(config))
        list.push_back(remove_brick(config, change.identity, host, false));
    list.push_back(
        {.script = volume_script(scripts::gluster_volume_delete, config, change.identity),
         .step = "deleting the volume"});
    return list;
}

} // namespace hadeploy::ssh::gluster
