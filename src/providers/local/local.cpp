#include "providers/local/local.h"
#include "core/http.h"
#include "core/unexpected.h"
#include "providers/local/left.h"
#include "providers/local/local_type.h"

#include "core/secrecy.h"
#include "core/text.h"
#include "provider_api/normalize.h"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <mutex>
#include <thread>

namespace hadeploy::local {

namespace {

constexpr std::size_t kConcurrentReads = 8; ///< concurrent reads: commands and requests mostly wait

const LocalType& type_of(const ResourceType& type) {
    return dynamic_cast<const LocalType&>(type);
}

bool is_in(const std::string& path, const std::string& directory) {
    return path == directory || path.starts_with(directory == "/" ? directory : directory + "/");
}

constexpr const char* kSpecFile = "hadeploy.yaml"; // as in planner/spec/spec.h

/// The directory in the project for hadeploy's own files, also those of other environments.
std::filesystem::path own_directory(const ProviderContext& context) {
    const auto inside = context.data_dir.lexically_relative(context.project_dir);
    const bool is_inside = !inside.empty() && *inside.begin() != "..";
    return is_inside ? context.project_dir / *inside.begin() : context.data_dir;
}

/// Refuses to manage the spec, the state, its key and the other files that hadeploy keeps beside
/// the spec.
void refuse_own_files(const ResourceType& type, const Value& config,
                      const ProviderContext& context) {
    const Value& path = config["path"];
    if (type.data || !path.is_string() || context.data_dir.empty()) return;
    const std::string own = without_last_slash(own_directory(context));
    const std::string wanted = real_place(path.as_string());
    if (is_in(wanted, own))
        throw Error(ErrorKind::spec,
                    fmt::format("{} is the directory in which hadeploy keeps its own files",
                                in_quotes(own, 4096)),
                    path.loc())
            .with_hint("choose a path outside of this directory");
    if (wanted == std::filesystem::path(without_last_slash(context.project_dir)) / kSpecFile)
        throw Error(ErrorKind::spec,
                    fmt::format("{} is the spec of this project", in_quotes(wanted, 4096)),
                    path.loc())
            .with_hint("choose a different path");
    if (is_in(own, wanted) && !type.takes_along(config).empty())
        throw Error(ErrorKind::spec,
                    fmt::format("{} contains hadeploy's own files, which would be removed with "
                                "it",
                                in_quotes(wanted, 4096)),
                    path.loc())
            .with_hint("remove `force`, or choose a different directory");
}

/// The other project to which a path in this project leads through a link; "" for none.
std::string other_project(const std::string& path, const ProviderContext& context) {
    const std::string here = without_last_slash(context.project_dir);
    if (!is_in(path, here)) return "";
    const std::string real = real_place(path);
    if (is_in(real, here)) return "";
    for (auto at = std::filesystem::path(real).parent_path(); at.has_relative_path();
         at = at.parent_path())
        if (std::error_code none;
            std::filesystem::is_directory(at / own_directory(context).filename(), none))
            return at;
    return "";
}

/// The links in a copied project may still point to the files of the original project.
void refuse_files_of_another_project(const ResourceType& type, const std::string& address,
                                     const Value& config, const ProviderContext& context) {
    if (type.data || context.data_dir.empty()) return;
    for (const char* name : {"path", "directory"}) {
        const Value& path = config[name];
        if (!path.is_string()) continue;
        const std::string other = other_project(path.as_string(), context);
        if (other.empty()) continue;
        throw Error(ErrorKind::conflict,
                    fmt::format("{} leads through a symbolic link into a different project, {}",
                                quoted(path, 4096), in_quotes(other, 4096)),
                    path.loc())
            .with_hint(fmt::format(
                "if this project is a copy of that one, replace the link with a directory; if the "
                "target belongs to this project, write the path of the target; `hadeploy state rm "
                "'{}'` removes the resource from the state and leaves the object",
                address));
    }
}

void refuse_foreign_places(const ResourceType& type, const std::string& address,
                           const Value& config, const ProviderContext& context) {
    refuse_own_files(type, config, context);
    refuse_files_of_another_project(type, address, config, context);
}

Observation look(const ReadRequest& request, const ProviderContext& context) {
    try {
        refuse_foreign_places(*request.type, request.address, request.config, context);
        return type_of(*request.type).observe(request, context);
    } catch (Error& error) {
        return Observation::failed(std::move(error));
    } catch (const std::exception& e) { // no exception may leave a thread
        return Observation::failed(as_error(e));
    }
}

class LocalEndpoint final : public OpenEndpoint {
  public:
    explicit LocalEndpoint(ProviderContext context)
        : looking_(context), changing_(std::move(context)) {
        changing_.stop = {}; // a change in progress is not interrupted
    }

    std::vector<Observation> read(std::span<const ReadRequest> requests,
                                  const Notice& notice) override {
        for (const ReadRequest& request : requests) wait_for_left(*request.type, looking_, notice);
        std::vector<Observation> seen(requests.size());
        std::atomic<std::size_t> next = 0;
        const auto work = [&] {
            for (std::size_t i = next++; i < requests.size(); i = next++)
                seen[i] = look(requests[i], looking_);
        };
        std::vector<std::jthread> others;
        for (std::size_t i = 1; i < std::min(kConcurrentReads, requests.size()); ++i)
            others.emplace_back(work);
        work();
        others.clear();                                          // waits
        if (looking_.stop.stop_requested()) throw Interrupted(); // look() reports it as a failure
        return seen;
    }

    void apply(std::span<const Change> changes, ChangeSink& sink) override {
        for (std::size_t i = 0; i < changes.size(); ++i) {
            try {
                wait_for_left(*changes[i].type, changing_,
                              [&](std::string_view what) { sink.progress(i, what); });
                sink.done(i, change(changes[i]));
            } catch (Error& error) {
                sink.failed(i, std::move(error));
            }
        }
    }

  private:
    /// Waits before the first read of an object that scripts change.
    void wait_for_left(const ResourceType& type, const ProviderContext& context,
                       const Notice& notice) {
        if (type_of(type).scripted) std::call_once(waited_, wait_for_left_scripts, context, notice);
    }
    Value change(const Change& change) {
        const LocalType& type = type_of(*change.type);
        refuse_foreign_places(type, change.address,
                              change.kind == Change::Kind::remove ? change.before : change.after,
                              changing_);
        if (change.kind != Change::Kind::remove) return type.make(change, changing_);
        type.remove(change, changing_);
        return {};
    }

    ProviderContext looking_, changing_;
    std::once_flag waited_;
};

class LocalProvider final : public Provider {
  public:
    LocalProvider() {
        name = "local";
        doc = "Files, commands, HTTP requests and certificates on the machine that runs "
              "hadeploy.";
    }

    /// Each HTTP server is a separate endpoint, which is displayed. Servers are read in parallel.
    std::vector<Endpoint> endpoints(const ResourceType& type, const Value& config,
                                    const Value&) const override {
        std::string key = "this machine";
        if (const Value& url = config["url"]; type.name == "http" && url.is_string())
            key = url.secret() ? "a secret URL" : "http " + http::authority_of(url.as_string());
        return {{.key = std::move(key), .machine = "", .config = {}}};
    }

    std::shared_ptr<OpenEndpoint> open(const Endpoint&, const ProviderContext& context) override {
        return std::make_shared<LocalEndpoint>(context);
    }
};

class StateProvider final : public Provider {
  public:
    StateProvider() {
        name = "state";
        doc = "Objects that exist only in the state: values, random values and keys.";
        state_only = true;
    }
    std::vector<Endpoint> endpoints(const ResourceType&, const Value&,
                                    const Value&) const override {
        return {{.key = "the state", .machine = "", .config = {}}};
    }
    Observation observe_record(const ReadRequest& request) const override {
        return look(request, {});
    }
    std::shared_ptr<OpenEndpoint> open(const Endpoint&, const ProviderContext& context) override {
        return std::make_shared<LocalEndpoint>(context);
    }
};

} // namespace

void add_local_types(Registry& registry) {
    registry.add(std::make_unique<LocalProvider>());
    registry.add(std::make_unique<StateProvider>());
    registry.add(file_type());
    registry.add(directory_type());
    registry.add(exec_type());
    registry.add(value_type());
    registry.add(random_password_type());
    registry.add(random_id_type());
    registry.add(random_integer_type());
    registry.add(random_uuid_type());
    registry.add(private_key_type());
    registry.add(cert_request_type());
    registry.add(self_signed_cert_type());
    registry.add(locally_signed_cert_type());
    registry.add(file_content_type());
    registry.add(command_type());
    registry.add(http_type());
}

} // namespace hadeploy::local
