#pragma once

#include "planner/plan/decide.h"
#include "planner/plan/plan.h"
#include "providers/ssh/ssh.h"
#include "providers/ssh/ssh_type.h"

#include <fmt/format.h>
#include <string>
#include <vector>

namespace hadeploy::test {

/// All types and the provider "ssh", created once.
const Registry& registry();
const ssh::SshType& type_named(std::string_view name);

/// A config as passed to a provider: normalized, with defaults and derived attributes.
/// @throws Error if it is not valid
Value config_of(std::string_view type, const Value& written);
/// The error texts for a config.
std::vector<std::string> problems_of(std::string_view type, const Value& written);

/// A line of authorized_keys.
std::string key_line(std::string_view comment);

/// A connection for tests that do not log in.
Value some_connection();

/// The observation that a type parses from the output of a probe.
Observation seen(std::string_view type, const Value& written, const std::string& out,
                 int status = 0, const std::string& err = "");

/// A sink that records its calls.
class Results : public ChangeSink {
  public:
    explicit Results(std::size_t count) : attributes(count), errors(count) {}
    void progress(std::size_t, std::string_view step) override { steps.emplace_back(step); }
    void done(std::size_t i, Value value) override {
        attributes[i] = std::move(value);
        order.push_back(i);
    }
    void failed(std::size_t i, Error error) override { errors[i] = std::move(error); }
    void not_begun(std::size_t i) override { left.push_back(i); }
    std::vector<std::string> steps;
    std::vector<std::size_t> left; ///< not started
    std::vector<Value> attributes;
    std::vector<std::optional<Error>> errors;
    std::vector<std::size_t> order; ///< of the completed changes
};

/// One resource on an open endpoint.
class Managed {
  public:
    Managed(OpenEndpoint& endpoint, std::string type, Value written);
    Observation read();
    /// The action that a plan would choose.
    Decision decision();
    /// Creates or repairs it; returns the attributes. A failure throws its Error.
    Value create();
    Value update(const Value& written, std::vector<std::string> changed);
    void remove();
    const std::string& identity() const { return recorded_.identity; }
    const std::string& type() const { return type_; }
    Value config;

  private:
    Value apply(Change change);
    OpenEndpoint& endpoint_;
    std::string type_;
    RecordedResource recorded_;
    bool known_ = false;
};

} // namespace hadeploy::test
