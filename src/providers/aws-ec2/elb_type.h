#pragma once

#include "providers/aws-ec2/aws_type.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hadeploy::aws {

/// How Elastic Load Balancing names a kind of object.
struct ElbNames {
    const char* noun;     ///< for messages: "target group"
    const char* describe; ///< "DescribeTargetGroups"
    const char* create;   ///< "CreateTargetGroup"
    const char* set;      ///< "TargetGroups"
    const char* id;       ///< "TargetGroupArn"
    const char* name;     ///< "TargetGroupName"
};

/// A type whose objects Elastic Load Balancing keeps. Their ID is an ARN, and their name is unique
/// in the region. There are no filters, and one unknown ARN fails a request: so all objects are
/// listed, and the tags of those in question are asked for, 20 objects a request.
class ElbType : public AwsType {
  public:
    explicit ElbType(ElbNames n)
        : AwsType(kElb, {.noun = n.noun, .describe = n.describe, .id = n.id}), names_(n) {}

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
    /// The object that has a name.
    std::optional<Item> named(Region& region, const std::string& name) const;
    /// The parameters of a create besides the name and the tags.
    virtual void specify(Region& region, Params& params, const Value& config) const = 0;
    /// The `name` to compare: the config's, if the object has it for its generation.
    [[nodiscard]] std::string observed_name(const Item& item, const Value& config) const;
    void check_name(const Value& name, Diagnostics& problems) const;

  private:
    std::vector<Item> listed(Region& region, const Params& params) const;
    std::vector<Item> with_tags(Region& region, std::vector<Item> items) const;

    const ElbNames names_;
};

/// The name of an object while another generation has its name: with a part of its identity. It has
/// at most 32 characters.
std::string generation_name(const std::string& name, const std::string& identity);

/// The texts in a list of an object.
std::vector<std::string> members_of(const pugi::xml_node& list, const char* element = nullptr);

/// Attributes that are read and changed as pairs of a key and a value.
std::map<std::string, std::string> elb_attributes(Region& region, const char* action,
                                                  const char* parameter, const std::string& id);
void set_elb_attributes(Region& region, const char* action, const char* parameter,
                        const std::string& id, const std::map<std::string, std::string>& values);

/// Durations of AWS are numbers of seconds.
std::string in_seconds(const Value& duration);
/// @param seconds  of an answer
Value from_seconds(const std::string& seconds);
/// A duration of another part than whole seconds.
void check_seconds(const Value& duration, const char* noun, Diagnostics& problems);

} // namespace hadeploy::aws
