#pragma once

#include "providers/aws-ec2/aws_type.h"

#include <map>
#include <string>
#include <vector>

namespace hadeploy::aws {

/// How EC2 names a kind of object.
struct Ec2Names {
    const char* noun;        ///< for messages: "subnet"
    const char* describe;    ///< "DescribeSubnets"
    const char* set;         ///< "subnetSet"
    const char* id;          ///< "subnetId"
    const char* id_filter;   ///< "subnet-id"
    const char* tagged;      ///< ResourceType in a TagSpecification: "subnet"
    int page = 0;            ///< MaxResults; 0: the action has no such parameter
    const char* option = ""; ///< another parameter of Describe to set to true
};

/// A type whose objects belong to EC2: they are found by filters and described with their tags.
class Ec2Type : public AwsType {
  public:
    explicit Ec2Type(Ec2Names n)
        : AwsType(kEc2, {.noun = n.noun, .describe = n.describe, .id = n.id}), names_(n) {}

    /// The objects in an `<item>` of the set. An `<item>` is one object, except in a set of
    /// reservations: each reservation contains several instances.
    /// @throws ServiceError for a malformed item
    virtual void unfold(const pugi::xml_node& item,
                        const std::function<void(const pugi::xml_node&)>& take) const {
        take(item);
    }
    std::map<std::string, Item> by_id(Region& region,
                                      const std::vector<std::string>& ids) const override;
    std::map<std::string, Item>
    by_identity(Region& region, const std::vector<std::string>& identities) const override;
    [[nodiscard]] Params creation_tags(const Tags& tags) const override;
    void retag(Region& region, const std::string& id, const Tags& set,
               const std::vector<std::string>& gone) const override;

  private:
    std::map<std::string, Item> found(Region& region, std::vector<std::string> wanted,
                                      const std::string& filter,
                                      const std::function<std::string(const Item&)>& key) const;
    const Ec2Names names_;
};

/// TagSpecification number `n` of a create.
void specify_tags(Params& params, int n, const char* what, const Tags& tags);

} // namespace hadeploy::aws
