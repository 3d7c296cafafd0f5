#pragma once

#include "provider_api/provider.h"

#include <memory>
#include <string_view>
#include <vector>

namespace hadeploy::local {

/// Concatenates two lists of attributes.
Schema joined(Schema first, const Schema& second);

/// A type whose objects are on the machine that runs hadeploy. Its functions may block and must be
/// safe to call from several threads.
class LocalType : public ResourceType {
  public:
    LocalType() { provider = "local"; }
    bool scripted = false; ///< changed by user scripts, which may outlive hadeploy
    /// @throws Error reported as Observation::failed
    virtual Observation observe(const ReadRequest& request,
                                const ProviderContext& context) const = 0;
    /// Creates or updates the object to match `change.after`; returns its computed attributes.
    virtual Value make(const Change& change, const ProviderContext& context) const = 0;
    /// Does nothing if there is no object.
    virtual void remove(const Change& change, const ProviderContext& context) const = 0;
};

/// A type whose objects exist only in the state: random values, keys, certificates. The recorded
/// attributes are the observed ones.
class KeptType : public LocalType {
  public:
    KeptType() { provider = "state"; }
    Observation observe(const ReadRequest& request, const ProviderContext& context) const override;
    void remove(const Change&, const ProviderContext&) const override {}

  protected:
    /// The reason to replace the recorded object, given the current configuration; "" for none.
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

/// The attribute `keepers`: a change of its values replaces an object that is kept in the state.
Attribute keepers_attribute();

/// The first of the named attributes that is known only after apply; nullptr if all are known.
const char* first_unknown(const Value& config, std::initializer_list<const char*> names);
/// The observation of an object that cannot be read until `attribute` is known.
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
