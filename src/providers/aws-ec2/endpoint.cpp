#include "providers/aws-ec2/endpoint.h"

#include "core/text.h"
#include "core/uuid.h"
#include "provider_api/units.h"

#include <algorithm>
#include <fmt/format.h>
#include <thread>

namespace hadeploy::aws {

namespace {

using std::chrono::milliseconds;
constexpr milliseconds kShortestPause{500}, kLongestPollPause{5'000};
/// AWS is eventually consistent: a new object can be missing in responses for a while.
constexpr int kLooks = 20;
constexpr milliseconds kLookPause{500};

template<class Requests>
std::map<const ResourceType*, std::vector<std::size_t>> by_type(const Requests& requests) {
    std::map<const ResourceType*, std::vector<std::size_t>> out;
    for (std::size_t i = 0; i < requests.size(); ++i) out[requests[i].type].push_back(i);
    return out;
}

/// The ID for looking up an object; "" if only its identity, a UUID, is known.
std::string id_of(const AwsType& type, const ReadRequest& request) {
    std::string id;
    if (request.recorded != nullptr)
        id = request.recorded->attributes.text("id");
    else if (!is_uuid(request.identity))
        id = request.identity; // of an import
    return id.empty() ? type.id_from(request.config) : id;
}

/// The observed attributes, overridden by those of the spec.
Value overlaid(const Type& type, const Value& config, const Value& observed) {
    if (type.kind != TypeKind::object || !config.is_map() || !observed.is_map()) return config;
    Value out = observed;
    for (const Attribute& field : *type.fields)
        if (!config[field.name].is_null())
            out = out.with(field.name,
                           overlaid(field.type, config[field.name], observed[field.name]));
    return out;
}

bool is_still_used(const ServiceError& error) {
    return error.is({"DependencyViolation", "InvalidGroup.InUse", "VolumeInUse", "ResourceInUse",
                     "InvalidIPAddress.InUse", "Resource.AlreadyAssociated", "FileSystemInUse",
                     "InvalidDBSubnetGroupStateFault", "InvalidDBParameterGroupState",
                     "InvalidDBInstanceState", "ScalingActivityInProgress"});
}

/// The object under a key, if it exists and is not being removed.
const Item* living(const AwsType& type, const std::map<std::string, Item>& objects,
                   const std::string& key) {
    const auto it = objects.find(key);
    return it == objects.end() || type.is_gone(it->second) ? nullptr : &it->second;
}

milliseconds limit_of(const AwsType& type, const Change& change) {
    return change.kind == Change::Kind::remove ? type.removal_limit : type.limit_of(change.after);
}

/// The error when a stop ends the wait for a change, or a pause between its requests.
Error stopped(std::string_view what) {
    return Error(ErrorKind::failed, fmt::format("stopped {}", what))
        .with_hint("run the same command again to continue");
}

bool is_not_found(const ServiceError& error) {
    return error.code.ends_with("NotFound") || error.code.ends_with(".Malformed") ||
           error.code.ends_with("NotFoundException") || error.code.ends_with("NotFoundFault");
}

} // namespace

std::vector<Observation> RegionEndpoint::read(std::span<const ReadRequest> requests,
                                              const Notice& notice) {
    std::vector<Observation> out(requests.size());
    if (notice && !warned_.exchange(true))
        if (const std::string host = region_.unencrypted(); !host.empty())
            notice(fmt::format("requests to {} are not encrypted", host));
    std::vector<std::jthread> others;
    for (const auto& [type, which] : by_type(requests)) {
        const auto work = [this, type, requests, &out, &notice, which] {
            const RetryNotice telling(notice);
            const auto fail = [&](const Error& error) {
                for (const std::size_t i : which) out[i] = Observation::failed(error);
            };
            try {
                if (const auto* own = dynamic_cast<const AwsType*>(type))
                    read_type(*own, requests, which, out);
                else
                    for (const std::size_t i : which)
                        out[i] = Observation::present(
                            dynamic_cast<const AwsData&>(*type).look(region_, requests[i].config));
            } catch (const ServiceError& error) {
                fail(region_.refused(error));
            } catch (const Error& error) {
                fail(error);
            } catch (const std::exception& error) { // no exception may leave a thread
                fail(Error(ErrorKind::failed, error.what()));
            }
        };
        others.emplace_back(work);
    }
    others.clear(); // waits
    if (region_.stop().stop_requested()) throw Interrupted();
    return out;
}

void RegionEndpoint::read_type(const AwsType& type, std::span<const ReadRequest> requests,
                               const Indices& which, std::vector<Observation>& out) {
    std::vector<std::string> ids, identities;
    for (const std::size_t i : which)
        if (const std::string id = id_of(type, requests[i]); !id.empty()) ids.push_back(id);
    const auto by_id = type.by_id(region_, ids);
    // an object counts as gone only if it is found neither by its ID nor by its tag
    for (const std::size_t i : which)
        if (is_uuid(requests[i].identity) &&
            living(type, by_id, id_of(type, requests[i])) == nullptr)
            identities.push_back(requests[i].identity);
    const auto by_identity = type.by_identity(region_, identities);
    for (const std::size_t i : which) {
        const Item* item = living(type, by_id, id_of(type, requests[i]));
        if (item == nullptr) item = living(type, by_identity, requests[i].identity);
        try {
            out[i] = observation(type, requests[i], item);
        } catch (const ServiceError& error) {
            out[i] = Observation::failed(region_.refused(error));
        } catch (const Error& error) {
            out[i] = Observation::failed(error);
        }
    }
}

Observation RegionEndpoint::observation(const AwsType& type, const ReadRequest& request,
                                        const Item* item) {
    const Value& recorded = request.recorded == nullptr ? Value() : request.recorded->attributes;
    if (find_attribute(type.schema, "tags") != nullptr)
        (void)wanted_tags(region_, request.config); // if there are too many, the plan reports it
    if (item != nullptr)
        return Observation::present(attributes_of(type, *item, request.config, recorded));
    if (request.recorded != nullptr) {
        // in a different region or account, it would be created a second time
        const std::string region = recorded.text("region"), account = recorded.text("account");
        if (!region.empty() && region != region_.name())
            throw Error(ErrorKind::failed, fmt::format("the object is in {}, but the region is "
                                                       "now {}",
                                                       region, region_.name()))
                .with_hint("restore the region, or destroy the object first");
        if (!account.empty() && account != region_.account())
            throw Error(ErrorKind::failed,
                        fmt::format("the object is in the account {}, but the credentials belong "
                                    "to {}",
                                    account, region_.account()))
                .with_hint("use credentials of the object's account");
        return Observation::absent();
    }
    if (!is_uuid(request.identity)) return Observation::absent();
    Diagnostics problems;
    check_zone(request.config["availability_zone"], region_.name(), problems);
    problems.throw_if_any();
    const std::string taken = type.conflict(region_, request.config);
    if (taken.empty()) return Observation::absent();
    Observation out = Observation::present({});
    out.foreign = taken;
    return out;
}

Value RegionEndpoint::attributes_of(const AwsType& type, const Item& item, const Value& config,
                                    const Value& recorded) {
    Value out;
    try {
        out = type.observed(region_, item, config);
    } catch (ServiceError& error) {
        if (error.action.empty()) error.action = type.described_by();
        throw;
    }
    out = out.with("id", item.text(type.names.id)).with("region", region_.name());
    if (find_attribute(type.schema, "tags") != nullptr)
        out = out.with("tags", observed_tags(region_, item, config, recorded));
    // requested once, and recorded with each object
    return recorded.text("account").empty() ? out.with("account", region_.account()) : out;
}

void RegionEndpoint::apply(std::span<const Change> changes, ChangeSink& sink) {
    for (std::size_t i = 0; i < changes.size(); ++i) {
        const RetryNotice telling([&sink, i](std::string_view what) { sink.progress(i, what); });
        try {
            if (changes[i].kind == Change::Kind::remove)
                begin_removal(i, changes[i], sink);
            else
                begin(i, changes[i], sink);
        } catch (const ServiceError& error) {
            sink.failed(i, region_.refused(error));
        } catch (Error& error) {
            sink.failed(i, std::move(error));
        } catch (const Interrupted&) {
            sink.failed(i, stopped("before the change was complete"));
        }
    }
}

/// Reads the object that was just created.
Item RegionEndpoint::seen(const AwsType& type, const std::string& id) {
    for (int look = 0; look < kLooks; ++look) {
        if (look > 0) pause_for(kLookPause, region_.stop());
        const auto there = type.by_id(region_, {id});
        if (const Item* item = living(type, there, id)) return *item;
    }
    throw Error(ErrorKind::failed, fmt::format("AWS does not list the {} {}", type.names.noun, id))
        .as_transient();
}

/// Creates the object, or finds the one that an earlier attempt created; returns its ID.
std::string RegionEndpoint::made(const AwsType& type, const Change& change) {
    for (int look = 0; change.again && look < 2; ++look) {
        if (look > 0) pause_for(4 * kLookPause, region_.stop());
        const auto there = type.by_identity(region_, {change.identity});
        if (const Item* item = living(type, there, change.identity))
            return item->text(type.names.id);
    }
    try {
        std::string id =
            type.create(region_, change, type.creation_tags(all_tags(region_, change)));
        if (!id.empty()) return id;
        // not retried, because each attempt could create one more object
        throw Error(ErrorKind::failed, fmt::format("AWS accepted the request for the {}, but the "
                                                   "response has no ID",
                                                   type.names.noun))
            .with_hint("the next apply looks for the object by its tag");
    } catch (const ServiceError& error) {
        if (!error.may_have_worked) throw;
        throw region_.refused(error).as_transient(); // the next attempt looks first
    }
}

void RegionEndpoint::begin(std::size_t index, const Change& change, ChangeSink& sink) {
    const auto& type = dynamic_cast<const AwsType&>(*change.type);
    const bool creates = change.kind == Change::Kind::create;
    const std::string id = creates ? made(type, change) : change.before.text("id");
    if (id.empty())
        throw Error(ErrorKind::failed,
                    fmt::format("the ID of the {} is not known", type.names.noun))
            .with_hint("to read the ID again, run `hadeploy plan`");
    if (!creates || change.again || type.needs_more(change.after)) {
        const Item item = seen(type, id);
        Value before = attributes_of(type, item, change.after, change.before);
        // an attribute that a type does not read back keeps the value written last
        const Value& written = creates ? change.after : change.before;
        for (const Attribute& attribute : type.schema)
            if (!attribute.computed && before[attribute.name].is_null() &&
                !written[attribute.name].is_null())
                before = before.with(attribute.name, written[attribute.name]);
        type.change(region_, item, before, change.after,
                    [&](std::string_view what) { sink.progress(index, what); });
        if (!creates || change.again) retag(type, item, change);
    }
    {
        const std::lock_guard lock(mutex_);
        waits_[change.identity] = {.id = id, .what = "waiting until AWS lists it"};
    }
    sink.waits(index, "waiting until AWS lists it");
}

void RegionEndpoint::retag(const AwsType& type, const Item& item, const Change& change) {
    if (find_attribute(type.schema, "tags") == nullptr) return;
    Tags set;
    std::vector<std::string> gone;
    const Tags wanted = wanted_tags(region_, change.after);
    for (const auto& [key, value] : wanted)
        if (const char* now = item.tag(key); now == nullptr || value != now) set[key] = value;
    if (change.before["tags"].is_map())
        for (const Entry& e : change.before["tags"].as_map())
            if (!wanted.contains(e.key) && item.tag(e.key) != nullptr) gone.push_back(e.key);
    if (!set.empty() || !gone.empty()) type.retag(region_, item.text(type.names.id), set, gone);
}

void RegionEndpoint::begin_removal(std::size_t index, const Change& change, ChangeSink& sink) {
    const auto& type = dynamic_cast<const AwsType&>(*change.type);
    Wait wait{.id = change.before.text("id"), .what = "waiting until it is gone"};
    if (wait.id.empty()) wait.id = type.id_from(change.before);
    if (wait.id.empty()) { // its creation was interrupted
        const auto there = type.by_identity(region_, {change.identity});
        const Item* item = living(type, there, change.identity);
        if (item == nullptr) return sink.done(index, {});
        wait.id = item->text(type.names.id);
    }
    if (try_removal(type, change, wait)) return sink.done(index, {});
    const std::string what = wait.what;
    {
        const std::lock_guard lock(mutex_);
        waits_[change.identity] = std::move(wait);
    }
    sink.waits(index, what);
}

bool RegionEndpoint::try_removal(const AwsType& type, const Change& change, Wait& wait) {
    try {
        type.remove(region_, wait.id, change.before);
        wait.still_used = false;
        wait.what = "waiting until it is gone";
        return false;
    } catch (const ServiceError& error) {
        if (is_not_found(error)) return true;
        if (!is_still_used(error)) throw;
        wait.still_used = true;
        wait.what = fmt::format("waiting until nothing uses it: {}", error.message);
        return false;
    }
}

RegionEndpoint::Wait& RegionEndpoint::wait_of(const Change& change) {
    const std::lock_guard lock(mutex_);
    return waits_.at(change.identity);
}

/// What a change waits for; nullopt once the change has ended.
std::optional<std::string> RegionEndpoint::waits_for(const Change& change) {
    const std::lock_guard lock(mutex_);
    const auto it = waits_.find(change.identity);
    return it == waits_.end() ? std::nullopt : std::optional(it->second.what);
}

milliseconds RegionEndpoint::poll(std::span<const Change> waiting, ChangeSink& sink) {
    for (const auto& [type, which] : by_type(waiting)) {
        const auto* own = dynamic_cast<const AwsType*>(type);
        const RetryNotice telling([&sink, &which](std::string_view what) {
            for (const std::size_t i : which) sink.progress(i, what);
        });
        try {
            poll_type(*own, waiting, which, sink);
        } catch (const ServiceError& error) {
            for (const std::size_t i : which) fail_poll(*own, waiting[i], i, error, sink);
        } catch (const Interrupted&) { // see below
        }
    }
    if (region_.stop().stop_requested())
        for (std::size_t i = 0; i < waiting.size(); ++i)
            if (const auto what = waits_for(waiting[i]))
                fail_wait(waiting[i], i, stopped(*what), sink);
    const std::lock_guard lock(mutex_);
    if (waits_.empty()) return kShortestPause;
    auto youngest = std::chrono::duration_cast<milliseconds>(std::chrono::minutes(1));
    for (const auto& [identity, wait] : waits_)
        youngest =
            std::min(youngest, std::chrono::duration_cast<milliseconds>(Clock::now() - wait.since));
    return std::clamp(youngest / 4, kShortestPause, kLongestPollPause);
}

void RegionEndpoint::poll_type(const AwsType& type, std::span<const Change> waiting,
                               const Indices& which, ChangeSink& sink) {
    std::vector<std::string> ids;
    for (const std::size_t i : which) ids.push_back(wait_of(waiting[i]).id);
    auto there = type.by_id(region_, ids);
    std::vector<Awaited> awaited;
    for (const std::size_t i : which)
        if (const auto item = there.find(wait_of(waiting[i]).id);
            item != there.end() && waiting[i].kind != Change::Kind::remove)
            awaited.push_back({&item->second, &waiting[i].after});
    if (!awaited.empty()) type.add_status(region_, awaited);
    for (const std::size_t i : which) {
        const auto item = there.find(wait_of(waiting[i]).id);
        try {
            look_at(type, waiting[i], i, item == there.end() ? nullptr : &item->second, sink);
        } catch (const ServiceError& error) {
            fail_poll(type, waiting[i], i, error, sink);
        } catch (Error& error) {
            fail_wait(waiting[i], i, std::move(error), sink);
        }
    }
}

/// Ends a wait with an error.
void RegionEndpoint::fail_wait(const Change& change, std::size_t index, Error error,
                               ChangeSink& sink) {
    {
        const std::lock_guard lock(mutex_);
        waits_.erase(change.identity);
    }
    sink.failed(index, std::move(error));
}

/// After a temporary failure, the next poll retries, within the limit.
void RegionEndpoint::fail_poll(const AwsType& type, const Change& change, std::size_t index,
                               const ServiceError& error, ChangeSink& sink) {
    if (!waits_for(change)) return; // the change has ended
    Error refused = region_.refused(error);
    if (refused.transient && Clock::now() - wait_of(change).since < limit_of(type, change)) return;
    refused.transient = false;
    fail_wait(change, index, std::move(refused), sink);
}

/// Reports a change that is complete.
void RegionEndpoint::look_at(const AwsType& type, const Change& change, std::size_t index,
                             const Item* item, ChangeSink& sink) {
    Wait& wait = wait_of(change);
    const auto end = [&] {
        const std::lock_guard lock(mutex_);
        waits_.erase(change.identity);
    };
    std::string what;
    if (change.kind == Change::Kind::remove) {
        what = item == nullptr ? "" : type.leaving(*item);
        if (what.empty() || (wait.still_used && try_removal(type, change, wait)))
            return end(), sink.done(index, {});
        if (wait.still_used) what = wait.what;
    } else if (item == nullptr) {
        what = "waiting until AWS lists it";
    } else if (what = type.unready(*item, change.after); what.empty()) {
        Value out = attributes_of(type, *item, change.after, change.before);
        for (const Attribute& a : type.schema)
            if (const Value& said = change.after[a.name]; !a.computed && !said.is_null())
                out = out.with(a.name, overlaid(a.type, said, out[a.name]));
        return end(), sink.done(index, std::move(out));
    }
    const auto limit = limit_of(type, change);
    if (Clock::now() - wait.since > limit)
        throw Error(ErrorKind::failed,
                    fmt::format("the {} is not ready after {}: {}", type.names.noun,
                                show_duration(limit.count()), what))
            .with_hint("the next apply continues the wait");
    if (what != wait.what) sink.progress(index, wait.what = what);
}

} // namespace hadeploy::aws
