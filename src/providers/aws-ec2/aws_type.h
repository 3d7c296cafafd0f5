#pragma once

#include "provider_api/provider.h"
#include "providers/aws-ec2/checks.h"
#include "providers/aws-ec2/region.h"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::aws {

/// An object as EC2 describes it: `root()` is its `<item>`.
class Item {
  public:
    explicit Item(const pugi::xml_node& item) { document_->append_copy(item); }
    [[nodiscard]] pugi::xml_node root() const { return document_->first_child(); }
    [[nodiscard]] std::string text(const char* path) const {
        return root().first_element_by_path(path).child_value();
    }
    /// A text that every object has: without it, the object would seem to differ, or be replaced.
    /// @throws ServiceError, without its action
    [[nodiscard]] std::string required(const char* path) const;
    /// The value of a tag; nullptr if there is none.
    [[nodiscard]] const char* tag(std::string_view key) const;

  private:
    std::shared_ptr<pugi::xml_document> document_ = std::make_shared<pugi::xml_document>();
};

/// The tag with the identity of an object that hadeploy made.
inline constexpr std::string_view kIdentityTag = "hadeploy:identity";

/// How EC2 names a kind of object.
struct Names {
    const char* noun;        ///< for messages: "subnet"
    const char* describe;    ///< "DescribeSubnets"
    const char* set;         ///< "subnetSet"
    const char* id;          ///< "subnetId"
    const char* id_filter;   ///< "subnet-id"
    const char* tagged;      ///< in a TagSpecification: "subnet"
    int page = 0;            ///< MaxResults; 0: it has none
    const char* option = ""; ///< a further parameter of Describe that is true
};

/// A type whose objects EC2 keeps, with an ID and tags.
class AwsType : public ResourceType {
  public:
    explicit AwsType(Names n) : names(n) { provider = "aws"; }
    const Names names;
    std::chrono::minutes limit{10}; ///< for the end of a change

    void check(const Value& config, Diagnostics& problems) const final {
        check_common(config, problems);
        check_own(config, problems);
    }
    /// Checks of what only this type has.
    virtual void check_own(const Value& /*config*/, Diagnostics& /*problems*/) const {}

    /// The objects of an `<item>` of the set: for an instance, those of a reservation.
    /// @throws ServiceError for an item of another form
    virtual void unfold(const pugi::xml_node& item,
                        const std::function<void(const pugi::xml_node&)>& take) const {
        take(item);
    }
    /// Whether the object only remains to be seen for a while.
    virtual bool is_gone(const Item&) const { return false; }
    /// The attributes, without those that all types have.
    /// @param config  its spelling is kept where it means the same
    virtual Value observed(Region& region, const Item& item, const Value& config) const = 0;
    /// What the object is still waiting for; "" if it is complete.
    /// @throws Error if it has failed
    virtual std::string unready(const Item&, const Value& /*config*/) const { return {}; }

    /// The object that keeps a name that the config needs; "" if there is none.
    virtual std::string conflict(Region&, const Value& /*config*/) const { return {}; }
    /// Creates the object with its tags; returns its ID. A request with a client token can be
    /// repeated; of any other, a lost answer leaves unknown whether there is an object.
    virtual std::string create(Region& region, const Change& change, Params tags) const = 0;
    /// Whether change() has to complete a new object.
    virtual bool needs_more(const Value& /*config*/) const { return false; }
    /// Brings an object from `before` to `after`.
    virtual void change(Region&, const Item&, const Value& /*before*/, const Value& /*after*/,
                        const Notice& /*progress*/) const {}
    /// @throws ServiceError; if others still use it, the removal is tried again
    virtual void remove(Region& region, const std::string& id, const Value& before) const = 0;
};

/// A data source.
class AwsData : public ResourceType {
  public:
    AwsData() {
        provider = "aws";
        data = true;
    }
    void check(const Value& config, Diagnostics& problems) const final {
        check_common(config, problems);
        check_own(config, problems);
    }
    virtual void check_own(const Value& /*config*/, Diagnostics& /*problems*/) const {}
    /// @throws ServiceError, Error
    virtual Value look(Region& region, const Value& config) const = 0;
};

/// The attributes that all types have, around those of one.
Schema with_common(Schema own, bool tagged = true);

/// Whether the config sets an attribute to another value than `before`.
inline bool changes_from(const Value& before, const Value& after, std::string_view name) {
    return !after[name].is_null() && !(before[name] == after[name]);
}

/// The IDs in a list or set.
std::vector<std::string> texts_of(const Value& list);
Value set_of_texts(std::vector<std::string> texts);

/// The tags that a config asks for: the provider's, with the resource's over them.
/// @throws Error(failed) if these are more than AWS allows
std::map<std::string, std::string> wanted_tags(const Region& region, const Value& config);
/// The tags of a new object: those that are wanted, and those of its identity.
std::map<std::string, std::string> all_tags(const Region& region, const Change& change);
/// The `tags` to compare: of the keys in the config, those removed from it, and those of the
/// provider that differ.
Value observed_tags(Region& region, const Item& item, const Value& config, const Value& recorded);
/// TagSpecification number `n` of a create.
void specify_tags(Params& params, int n, const char* what,
                  const std::map<std::string, std::string>& tags);

/// The objects with these IDs, by ID, with those that are gone. An unknown ID is no error.
/// @throws ServiceError also for an object without an ID
std::map<std::string, Item> describe(Region& region, const AwsType& type,
                                     const std::vector<std::string>& ids);
/// The objects that carry these identities, by identity.
/// @throws ServiceError also for an object without an ID or identity
std::map<std::string, Item> describe_own(Region& region, const AwsType& type,
                                         const std::vector<std::string>& identities);

/// Asks until an object is as the next request needs it. `state`: for the error, "available".
/// @throws Error(failed) after the limit of the type; Interrupted
void wait_until(Region& region, const AwsType& type, const std::string& id, const char* state,
                const std::function<bool(const Item&)>& reached);

std::unique_ptr<ResourceType> key_pair_type();
std::unique_ptr<ResourceType> vpc_type();
std::unique_ptr<ResourceType> subnet_type();
std::unique_ptr<ResourceType> internet_gateway_type();
std::unique_ptr<ResourceType> route_table_type();
std::unique_ptr<ResourceType> security_group_type();
std::unique_ptr<ResourceType> instance_type();
std::unique_ptr<ResourceType> volume_type();
std::unique_ptr<ResourceType> eip_type();
std::unique_ptr<ResourceType> image_type();
std::unique_ptr<ResourceType> zones_type();
std::unique_ptr<ResourceType> caller_identity_type();

} // namespace hadeploy::aws
