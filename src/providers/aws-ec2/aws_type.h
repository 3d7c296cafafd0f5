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

/// The tag with the identity of an object that hadeploy made.
inline constexpr std::string_view kIdentityTag = "hadeploy:identity";
/// The tag with the name of the project.
inline constexpr std::string_view kProjectTag = "hadeploy:project";

using Tags = std::map<std::string, std::string>;

/// An object as AWS describes it: `root()` is its element in a list. Its tags are in the form of
/// EC2, `<tagSet>`.
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
    /// Its tag with an identity; "" if hadeploy did not make it.
    [[nodiscard]] std::string identity() const;
    /// Adds a text, such as one that another request describes.
    void add(const char* element, const std::string& text);
    void add_tag(const std::string& key, const std::string& value);

  private:
    std::shared_ptr<pugi::xml_document> document_ = std::make_shared<pugi::xml_document>();
};

/// How a service names a kind of object.
struct Names {
    const char* noun;     ///< for messages: "subnet"
    const char* describe; ///< "DescribeSubnets"
    const char* id;       ///< "subnetId"
};

/// A type whose objects have an ID, and mostly tags.
class AwsType : public ResourceType {
  public:
    AwsType(const Service& s, Names n) : service(s), names(n) { provider = "aws"; }
    const Service& service;
    const Names names;
    std::chrono::minutes limit{10};         ///< for the end of a create or an update
    std::chrono::minutes removal_limit{10}; ///< for the end of a removal

    /// The action that describes objects: "ec2:DescribeSubnets".
    [[nodiscard]] std::string described_by() const;

    void check(const Value& config, Diagnostics& problems) const final {
        check_common(config, problems);
        check_own(config, problems);
    }
    /// Checks of what only this type has.
    virtual void check_own(const Value& /*config*/, Diagnostics& /*problems*/) const {}

    /// The objects with these IDs, by ID, with those that are gone. An unknown ID is no error.
    /// @throws ServiceError also for an object without an ID
    virtual std::map<std::string, Item> by_id(Region& region,
                                              const std::vector<std::string>& ids) const = 0;
    /// The objects that carry these identities, by identity.
    /// @throws ServiceError also for an object without an ID or identity
    virtual std::map<std::string, Item>
    by_identity(Region& region, const std::vector<std::string>& identities) const = 0;
    /// The ID that follows from the config, of objects that cannot carry an identity; "" if there
    /// is none, or while it is not known.
    virtual std::string id_from(const Value& /*config*/) const { return {}; }
    /// The parameters of a create that give the object its tags.
    [[nodiscard]] virtual Params creation_tags(const Tags& tags) const = 0;
    /// Sets some tags of an object, and removes others.
    virtual void retag(Region& region, const std::string& id, const Tags& set,
                       const std::vector<std::string>& gone) const = 0;

    /// Whether the object only remains to be seen for a while.
    virtual bool is_gone(const Item&) const { return false; }
    /// What the removal of an object that AWS still shows waits for; "" once it is complete.
    virtual std::string leaving(const Item& item) const {
        return is_gone(item) ? "" : "waiting until it is gone";
    }
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

/// The attributes that all types have, after those of one.
/// @param id  what the ID is
Schema with_common(Schema own, bool tagged = true, const char* id = "ID.");

/// Whether the config sets an attribute to another value than `before`.
inline bool changes_from(const Value& before, const Value& after, std::string_view name) {
    return !after[name].is_null() && !(before[name] == after[name]);
}

/// Where the name of a config has to be unique, as the end of a claim: " in eu-central-1 of the
/// profile work"; "" for the region and the account of the provider.
std::string scope_of(const Value& config);

/// The number that AWS writes.
std::int64_t to_number(const std::string& digits);
/// The IDs in a list or set.
std::vector<std::string> texts_of(const Value& list);
Value set_of_texts(std::vector<std::string> texts);

/// The tags that a config asks for: the provider's, with the resource's over them.
/// @throws Error(failed) if these are more than AWS allows
Tags wanted_tags(const Region& region, const Value& config);
/// The tags of a new object: those that are wanted, and those of its identity.
Tags all_tags(const Region& region, const Change& change);
/// The `tags` to compare: of the keys in the config, those removed from it, and those of the
/// provider that differ.
Value observed_tags(Region& region, const Item& item, const Value& config, const Value& recorded);
/// Checks that each of some subnets is in another availability zone, as far as they are known and
/// EC2 shows them.
/// @param least  zones that the object needs
/// @param whose  for the message: "the load balancer"
/// @throws Error(failed)
void require_zones(Region& region, const Value& subnets, std::size_t least, const char* whose);

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
std::unique_ptr<ResourceType> target_group_type();
std::unique_ptr<ResourceType> target_type();
std::unique_ptr<ResourceType> load_balancer_type();
std::unique_ptr<ResourceType> efs_type();
std::unique_ptr<ResourceType> image_type();
std::unique_ptr<ResourceType> zones_type();
std::unique_ptr<ResourceType> caller_identity_type();

} // namespace hadeploy::aws
