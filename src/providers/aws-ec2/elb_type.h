#pragma once

#include "providers/aws-ec2/aws_type.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hadeploy::aws {

/// How Elastic Load Balancing names a kind of object. The classic one differs in the second half.
struct ElbNames {
    const char* noun;     ///< for messages: "target group"
    const char* describe; ///< "DescribeTargetGroups"
    const char* create;   ///< "CreateTargetGroup"
    const char* set;      ///< "TargetGroups"
    const char* id;       ///< "TargetGroupArn"
    const char* name;     ///< "TargetGroupName"

    const Service& service = kElb;
    const char* new_name = "Name";          ///< of a create
    const char* looked_up = "Names.member"; ///< parameter with the names in a describe request
    const char* tagged = "ResourceArns.member";
    const char* owner = "ResourceArn"; ///< element with the owner of tags in a response
};

/// A type whose objects belong to Elastic Load Balancing. Their ID is an ARN or their name, which
/// is unique in the region. There are no filters, and one unknown ID fails a request. So all
/// objects are listed, and the tags of candidates are requested, 20 objects per request.
class ElbType : public AwsType {
  public:
    explicit ElbType(ElbNames n)
        : AwsType(n.service, {.noun = n.noun, .describe = n.describe, .id = n.id}), names_(n) {}

    std::vector<std::string> claims(const Value& config) const override;
    std::map<std::string, Item> by_id(Region& region,
                                      const std::vector<std::string>& ids) const override;
    std::map<std::string, Item>
    by_identity(Region& region, const std::vector<std::string>& identities) const override;
    std::string conflict(Region& region, const Value& config) const override;
    std::string create(Region& region, const Change& change, Params tags) const override;
    [[nodiscard]] Params creation_tags(const Tags& tags) const override;
    void retag(Region& region, const std::string& id, const Tags& set,
               const std::vector<std::string>& gone) const override;

  protected:
    [[nodiscard]] virtual Client& client(Region& region) const { return region.elb(); }
    /// The object with a name.
    std::optional<Item> named(Region& region, const std::string& name) const;
    /// The parameters of a create, except for the name and the tags.
    virtual void specify(Region& region, Params& params, const Value& config) const = 0;
    /// The `name` for comparison: the name in the config if the object has the generation_name() of
    /// that name, otherwise the object's own name.
    [[nodiscard]] std::string observed_name(const Item& item, const Value& config) const;
    void check_name(const Value& name, Diagnostics& problems) const;

  private:
    std::vector<Item> listed(Region& region, const Params& params) const;
    std::vector<Item> with_tags(Region& region, std::vector<Item> items) const;

    const ElbNames names_;
};

/// The strings in a list of an object.
std::vector<std::string> members_of(const pugi::xml_node& list, const char* element = nullptr);

/// Attributes that are read and changed as pairs of a key and a value.
std::map<std::string, std::string> elb_attributes(Region& region, const char* action,
                                                  const char* parameter, const std::string& id);
void set_elb_attributes(Region& region, const char* action, const char* parameter,
                        const std::string& id, const std::map<std::string, std::string>& values);

/// AWS writes durations as numbers of seconds.
std::string in_seconds(const Value& duration);
/// @param seconds  the number in a response
Value from_seconds(const std::string& seconds);
/// Adds a problem if the duration is not a whole number of seconds.
void check_seconds(const Value& duration, const char* noun, Diagnostics& problems);

} // namespace hadeploy::aws
