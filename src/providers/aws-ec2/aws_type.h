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

/// The tag with the identity of an object that hadeploy created.
inline constexpr std::string_view kIdentityTag = "hadeploy:identity";
/// The tag with the name of the project.
inline constexpr std::string_view kProjectTag = "hadeploy:project";

using Tags = std::map<std::string, std::string>;

/// An object as AWS describes it. `root()` is the object's element in a list; the tags are in EC2's
/// form, `<tagSet>`.
class Item {
  public:
    explicit Item(const pugi::xml_node& item) { document_->append_copy(item); }
    [[nodiscard]] pugi::xml_node root() const { return document_->first_child(); }
    [[nodiscard]] std::string text(const char* path) const {
        return root().first_element_by_path(path).child_value();
    }
    /// A string that every object has. If it were read as empty, the object would seem to differ,
    /// or would be replaced.
    /// @throws ServiceError without an action, if the element is missing
    [[nodiscard]] std::string required(const char* path) const;
    /// The value of a tag; nullptr if the object has no such tag.
    [[nodiscard]] const char* tag(std::string_view key) const;
    /// The value of the object's identity tag; "" if hadeploy did not create the object.
    [[nodiscard]] std::string identity() const;
    /// Adds an element with a string, for example one that a different request returns.
    void add(const char* element, const std::string& text);
    void add_tag(const std::string& key, const std::string& value);

  private:
    std::shared_ptr<pugi::xml_document> document_ = std::make_shared<pugi::xml_document>();
};

/// An object that a create or an update waits for.
struct Awaited {
    Item* item;
    const Value* config; ///< the new one
};

/// How a service names a kind of object.
struct Names {
    const char* noun;     ///< for messages: "subnet"
    const char* describe; ///< "DescribeSubnets"
    const char* id;       ///< "subnetId"
};

/// A type whose objects have an ID and, with few exceptions, tags.
class AwsType : public ResourceType {
  public:
    AwsType(const Service& s, Names n) : service(s), names(n) { provider = "aws"; }
    const Service& service;
    const Names names;
    std::chrono::minutes limit{10};         ///< for the completion of a create or an update
    std::chrono::minutes removal_limit{10}; ///< for the completion of a removal

    /// The limit for the completion of a create or an update with this config.
    [[nodiscard]] virtual std::chrono::milliseconds limit_of(const Value& /*config*/) const {
        return limit;
    }

    /// The action that describes objects: "ec2:DescribeSubnets".
    [[nodiscard]] std::string described_by() const;

    void check(const Value& config, Diagnostics& problems) const final {
        check_common(config, problems);
        check_own(config, problems);
    }
    /// Checks that are specific to this type.
    virtual void check_own(const Value& /*config*/, Diagnostics& /*problems*/) const {}

    /// The objects with these IDs, by ID, including those that are gone(). An unknown ID is not an
    /// error.
    /// @throws ServiceError also for an object without an ID
    virtual std::map<std::string, Item> by_id(Region& region,
                                              const std::vector<std::string>& ids) const = 0;
    /// The objects that carry these identities, by identity.
    /// @throws ServiceError also for an object without an ID or identity
    virtual std::map<std::string, Item>
    by_identity(Region& region, const std::vector<std::string>& identities) const = 0;
    /// For objects that cannot carry an identity: the ID that follows from the config. "" for other
    /// objects, or while the ID is not known.
    virtual std::string id_from(const Value& /*config*/) const { return {}; }
    /// The parameters of a create that give the object its tags.
    [[nodiscard]] virtual Params creation_tags(const Tags& tags) const = 0;
    /// Sets some tags of an object and removes others.
    virtual void retag(Region& region, const std::string& id, const Tags& set,
                       const std::vector<std::string>& gone) const = 0;

    /// Whether the object is removed, and AWS only still lists it for a while.
    virtual bool is_gone(const Item&) const { return false; }
    /// What the removal waits for while AWS still lists the object; "" once the removal is
    /// complete.
    virtual std::string leaving(const Item& item) const {
        return is_gone(item) ? "" : "waiting until it is gone";
    }
    /// The attributes, except for those that all types have.
    /// @param config  the current config; equivalent values keep its spelling
    virtual Value observed(Region& region, const Item& item, const Value& config) const = 0;
    /// Adds to objects what unready() needs and a description does not have, with one request for
    /// all of them, not one for each.
    virtual void add_status(Region&, const std::vector<Awaited>& /*objects*/) const {}
    /// What the object is still waiting for; "" if it is complete.
    /// @throws Error if it has failed
    virtual std::string unready(const Item&, const Value& /*config*/) const { return {}; }

    /// The existing object that has the name that the config needs; "" if the name is free.
    virtual std::string conflict(Region&, const Value& /*config*/) const { return {}; }
    /// Creates the object with its tags and returns its ID. A request with a client token can be
    /// retried. If the response to any other request is lost, it is unknown whether the object
    /// exists.
    virtual std::string create(Region& region, const Change& change, Params tags) const = 0;
    /// Whether change() has to complete a new object.
    virtual bool needs_more(const Value& /*config*/) const { return false; }
    /// Changes an object from `before` to `after`.
    virtual void change(Region&, const Item&, const Value& /*before*/, const Value& /*after*/,
                        const Notice& /*progress*/) const {}
    /// @throws ServiceError; if other objects still use this one, the removal is retried
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

/// A type's own attributes, followed by the attributes that all types have.
/// @param id  the meaning of the ID, "the instance ID (i-...)"
Schema with_common(Schema own, bool tagged = true, const char* id = "ID.");

/// Whether the config sets an attribute to a value that differs from `before`.
inline bool changes_from(const Value& before, const Value& after, std::string_view name) {
    return !after[name].is_null() && !(before[name] == after[name]);
}

/// The scope in which a config's name has to be unique, as the end of a claim: " in eu-central-1 of
/// the profile work"; "" for the provider's region and account.
std::string scope_of(const Value& config);

/// The name of an object while an older generation still has the configured name: it ends with a
/// part of the identity.
/// @param most  maximum number of characters
std::string generation_name(const std::string& name, const std::string& identity,
                            std::size_t most = 32);

/// A number in the form that AWS writes.
std::int64_t to_number(const std::string& digits);
/// The IDs in a list or set.
std::vector<std::string> texts_of(const Value& list);
Value set_of_texts(std::vector<std::string> texts);

/// The configured tags: those of the provider, overridden by those of the resource.
/// @throws Error(failed) if there are more tags than AWS allows
Tags wanted_tags(const Region& region, const Value& config);
/// The tags of a new object: the configured ones and those with its identity.
Tags all_tags(const Region& region, const Change& change);
/// The object's tags for comparison with the config: the tags whose keys are in the config or were
/// removed from it, and the tags of the provider whose values differ.
Value observed_tags(Region& region, const Item& item, const Value& config, const Value& recorded);
/// Checks that subnets are in enough availability zones, where the subnets are known and EC2 lists
/// them.
/// @param least  minimum number of zones
/// @param whose  owner of the subnets, for the message: "the load balancer"
/// @param apart  each has to be in a different zone
/// @throws Error(failed)
void require_zones(Region& region, const Value& subnets, std::size_t least, const char* whose,
                   bool apart = true);

/// Polls until an object is in the state that the next request needs. `state` names it in the
/// error: "available".
/// @throws Error(failed) after the limit of the type; Interrupted
void wait_until(Region& region, const AwsType& type, const std::string& id, const char* state,
                const std::function<bool(const Item&)>& reached);

std::unique_ptr<ResourceType> key_pair_type();
std::unique_ptr<ResourceType> vpc_type();
std::unique_ptr<ResourceType> subnet_type();
std::unique_ptr<ResourceType> internet_gateway_type();
std::unique_ptr<ResourceType> route_table_type();
std::unique_ptr<ResourceType> security_group_type();
std::unique_ptr<ResourceType> security_group_rule_type();
std::unique_ptr<ResourceType> instance_type();
std::unique_ptr<ResourceType> volume_type();
std::unique_ptr<ResourceType> eip_type();
std::unique_ptr<ResourceType> target_group_type();
std::unique_ptr<ResourceType> target_type();
std::unique_ptr<ResourceType> load_balancer_type();
std::unique_ptr<ResourceType> classic_load_balancer_type();
std::unique_ptr<ResourceType> classic_target_type();
std::unique_ptr<ResourceType> efs_type();
std::unique_ptr<ResourceType> db_subnet_group_type();
std::unique_ptr<ResourceType> db_parameter_group_type();
std::unique_ptr<ResourceType> db_instance_type();
std::unique_ptr<ResourceType> launch_template_type();
std::unique_ptr<ResourceType> scaling_group_type();
std::unique_ptr<ResourceType> image_type();
std::unique_ptr<ResourceType> zones_type();
std::unique_ptr<ResourceType> caller_identity_type();

} // namespace hadeploy::aws
