#pragma once

#include "provider_api/provider.h"

#include <memory>
#include <string_view>
#include <vector>

namespace hadeploy::local {

/// The attributes that resources of one kind have in common, in front of or behind their own.
Schema joined(Schema first, const Schema& second);

/// A type that is served on the machine that hadeploy runs on. Both functions may block, and
/// several threads may be in them.
class LocalType : public ResourceType {
  public:
    LocalType() { provider = "local"; }
    bool scripted = false; ///< scripts of the user's change it, which may outlive hadeploy
    /// @throws Error as Observation::failed says it
    virtual Observation observe(const ReadRequest& request,
                                const ProviderContext& setting) const = 0;
    /// Create and update: brings the object to `change.after`; returns its computed attributes.
    virtual Value make(const Change& change, const ProviderContext& setting) const = 0;
    /// Fine when there is nothing.
    virtual void remove(const Change& change, const ProviderContext& setting) const = 0;
};

/// A type whose objects are in the state and nowhere else: random values, keys, certificates. What
/// was recorded is what is there.
class KeptType : public LocalType {
  public:
    KeptType() { provider = "state"; }
    Observation observe(const ReadRequest& request, const ProviderContext& setting) const override;
    void remove(const Change&, const ProviderContext&) const override {}

  protected:
    /// Why what is recorded has to be made anew all the same; "" when it has not. `config` is as
    /// the spec now has it.
    virtual std::string replace_reason(const Value& /*config*/, const Value& /*recorded*/) const {
        return {};
    }
};

/// A data source: observe() reads it.
class DataType : public LocalType {
  public:
    DataType() { data = true; }
    Value make(const Change&, const ProviderContext&) const final { return {}; }
    void remove(const Change&, const ProviderContext&) const final {}
};

/// The attribute that makes a kept object anew when its values change.
Attribute keepers_attribute();

/// Of several attributes, the first that is known only after apply; nullptr when all are known.
const char* first_unknown(const Value& config, std::initializer_list<const char*> names);
/// What can't be read as long as one of its inputs is not known.
Observation not_known_yet(const char* attribute);

std::unique_ptr<ResourceType> file_type();
std::unique_ptr<ResourceType> directory_type();
std::unique_ptr<ResourceType> exec_type();
std::unique_ptr<ResourceType> value_type();
std::unique_ptr<ResourceType> random_password_type();
std::unique_ptr<ResourceType> random_id_type();
std::unique_ptr<ResourceType> random_integer_type();
std::unique_ptr<ResourceType> random_uuid_type();
std::unique_ptr<ResourceType> private_key_type();
std::unique_ptr<ResourceType> cert_request_type();
std::unique_ptr<ResourceType> self_signed_cert_type();
std::unique_ptr<ResourceType> locally_signed_cert_type();
std::unique_ptr<ResourceType> file_content_type();
std::unique_ptr<ResourceType> command_type();
std::unique_ptr<ResourceType> http_type();

} // namespace hadeploy::local
