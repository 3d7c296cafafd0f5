#pragma once

#include "core/uuid.h"
#include "provider_api/normalize.h"
#include "provider_api/provider.h"
#include "provider_api/schema.h"
#include "providers/libvirt/libvirt.h"

#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdlib.h>
#include <string>
#include <vector>

namespace hadeploy::libvirt::test {

/// A directory that is removed at the end of the test.
class TempDir {
  public:
    TempDir() {
        std::string name = (std::filesystem::temp_directory_path() / "hadeploy-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    std::filesystem::path write(const std::string& name, std::string_view text) const {
        std::ofstream(path_ / name, std::ios::binary) << text;
        return path_ / name;
    }

  private:
    std::filesystem::path path_;
};

/// The reports of one apply.
struct Outcome : ChangeSink {
    void progress(std::size_t, std::string_view step) override { steps.emplace_back(step); }
    void done(std::size_t, Value value) override { attributes = std::move(value); }
    void failed(std::size_t, Error e) override { error = std::move(e); }
    void not_begun(std::size_t) override {}

    std::vector<std::string> steps;
    std::optional<Value> attributes;
    std::optional<Error> error;
};

/// The provider at one URI, called as the planner and the executor call it.
class Harness {
  public:
    explicit Harness(const std::string& uri, const std::filesystem::path& cache = {}) {
        add_libvirt(registry);
        ProviderContext context;
        context.project = "demo";
        context.lineage = uuid_v5(kUuidNamespaceDns, "demo");
        context.cache_dir = cache;
        Provider& provider = *registry.provider("libvirt");
        const Value settings = Value::map({{"uri", uri}});
        endpoint = provider.open(
            provider.endpoints(*registry.type("libvirt.domain"), Value(), settings).front(),
            context);
    }

    /// `written` as the planner passes it: normalized, with the attributes of derive().
    Value config(const std::string& type_name, const Value& written) const {
        const ResourceType& type = *registry.type(type_name);
        Diagnostics diagnostics;
        Value out = normalize(type.schema, written, type_name, {}, {}, diagnostics);
        type.check(out, diagnostics);
        for (const Error& e : diagnostics.list()) FAIL_CHECK(e.message);
        const Value derived = type.derive(out);
        for (const Entry& e : derived.as_map()) out = out.with(e.key, e.value);
        return out;
    }

    static std::string identity(const std::string& address) {
        return uuid_v5(uuid_v5(kUuidNamespaceDns, "demo"), address + "#1");
    }

    ReadRequest request(const std::string& type, const Value& config,
                        const std::string& address) const {
        return {.address = address,
                .type = registry.type(type),
                .config = config,
                .identity = identity(address)};
    }
    Observation read(const std::string& type, const Value& config, const std::string& address,
                     const RecordedResource* recorded = nullptr) {
        ReadRequest r = request(type, config, address);
        r.recorded = recorded;
        return endpoint->read({&r, 1}, {}).front();
    }

    Outcome apply(Change::Kind kind, const std::string& type, const std::string& address,
                  Value before, Value after, std::vector<std::string> changed = {}) {
        const Change change{.kind = kind,
                            .address = address,
                            .type = registry.type(type),
                            .identity = identity(address),
                            .before = std::move(before),
                            .after = std::move(after),
                            .changed = std::move(changed)};
        Outcome out;
        endpoint->apply({&change, 1}, out);
        CHECK(out.attributes.has_value() != out.error.has_value());
        return out;
    }
    Outcome create(const std::string& type, const Value& config, const std::string& address) {
        return apply(Change::Kind::create, type, address, {}, config);
    }
    Outcome remove(const std::string& type, const Value& attributes, const std::string& address) {
        return apply(Change::Kind::remove, type, address, attributes, {});
    }

    Registry registry;
    std::shared_ptr<OpenEndpoint> endpoint;
};

inline RecordedResource recorded(const Value& config, const Value& attributes) {
    RecordedResource out;
    out.config = config;
    out.attributes = attributes;
    return out;
}

} // namespace hadeploy::libvirt::test
