#include "providers/aws-ec2/aws_type.h"

#include "core/secrecy.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::aws {

namespace {

Schema with_place(Schema own) {
    own.push_back({.name = "region",
                   .type = TypeKind::string,
                   .doc = "Region. Default: the provider's region."});
    own.push_back({.name = "profile",
                   .type = TypeKind::string,
                   .doc = "Profile with the credentials. Default: the provider's credentials."});
    return own;
}

Attribute text_out(const char* name, const char* doc) {
    return {.name = name, .type = TypeKind::string, .doc = doc, .computed = true, .open = true};
}

bool is_owner(std::string_view text) {
    return text == "amazon" || text == "aws-marketplace" || text == "self" ||
           (text.size() == 12 && text.find_first_not_of("0123456789") == text.npos);
}

class Image final : public AwsData {
  public:
    Image() {
        name = "aws.image";
        summary = "The newest image with a given name";
        doc = "Finds the newest image that is available. When the owner publishes a newer one, the "
              "ID changes, which would replace instances. To prevent this, set `name` without "
              "wildcards, or list `image` under `ignore_changes` of the instances.";
        example = "debian:\n"
                  "  type: aws.image\n"
                  "  owner: \"136693071363\"\n"
                  "  name: debian-13-amd64-*\n";
        schema = with_place({
            {.name = "owner",
             .type = TypeKind::string,
             .doc = "Account ID, `amazon`, `aws-marketplace` or `self`.",
             .required = true},
            {.name = "name",
             .type = TypeKind::string,
             .doc = "Name; `*` matches any characters.",
             .required = true},
            {.name = "architecture",
             .type = TypeKind::string,
             .doc = "Architecture.",
             .default_value = Value("x86_64"),
             .one_of = {"x86_64", "arm64"}},
            text_out("id", "ID of the image."),
            text_out("image_name", "Full name of the image."),
            text_out("created", "Creation time of the image."),
        });
    }
    void check_own(const Value& config, Diagnostics& problems) const override {
        const Value& owner = config["owner"];
        if (!owner.is_string() || is_owner(owner.as_string())) return;
        problems.add(fmt::format("{} is not an owner of images", quoted(owner)), owner.loc())
            .with_hint("use an account ID (12 digits, quoted), amazon, aws-marketplace or self");
    }
    Value look(Region& region, const Value& config) const override {
        Params params;
        params.list("Owner", {config.text("owner")})
            .filter("name", {config.text("name")})
            .filter("architecture", {config.text("architecture")})
            .filter("state", {"available"});
        Value newest;
        region.each("DescribeImages", params, "imagesSet", [&](const pugi::xml_node& item) {
            const std::string created = item.child_value("creationDate");
            if (*item.child_value("imageId") == '\0')
                throw wrong_answer("ec2:DescribeImages",
                                   "the response has an image without its ID");
            if (!newest.is_null() && created <= newest.text("created")) return;
            newest = Value::map({{"id", item.child_value("imageId")},
                                 {"image_name", item.child_value("name")},
                                 {"created", created}});
        });
        if (newest.is_null())
            throw Error(ErrorKind::failed,
                        fmt::format("there is no image {} owned by {} in {}",
                                    quoted(config["name"]), quoted(config["owner"]), region.name()),
                        config["name"].loc())
                .with_hint("check `name`, `owner`, the architecture and the region");
        return newest;
    }
};

class Zones final : public AwsData {
  public:
    Zones() {
        name = "aws.zones";
        summary = "The availability zones of a region";
        doc = "The zones that the account can use, sorted by name.";
        example = "zones: {type: aws.zones}\n";
        schema = with_place({{.name = "names",
                              .type = list_of(TypeKind::string),
                              .doc = "Names of the zones.",
                              .computed = true,
                              .open = true}});
    }
    Value look(Region& region, const Value&) const override {
        std::vector<std::string> names;
        region.each(
            "DescribeAvailabilityZones",
            Params().filter("state", {"available"}).filter("zone-type", {"availability-zone"}),
            "availabilityZoneInfo",
            [&](const pugi::xml_node& item) { names.emplace_back(item.child_value("zoneName")); });
        if (names.empty() || std::find(names.begin(), names.end(), "") != names.end())
            throw wrong_answer("ec2:DescribeAvailabilityZones", "the response has a zone without "
                                                                "its name");
        return Value::map({{"names", set_of_texts(std::move(names))}});
    }
};

class CallerIdentity final : public AwsData {
  public:
    CallerIdentity() {
        name = "aws.caller_identity";
        summary = "The account and user of the credentials";
        doc = "The account and the identity to which AWS assigns the requests.";
        example = "me: {type: aws.caller_identity}\n";
        schema = with_place({text_out("account", "Account ID."),
                             text_out("arn", "ARN of the user or of the role session."),
                             text_out("region_name", "The region.")});
    }
    Value look(Region& region, const Value&) const override {
        return Value::map({{"account", region.account()},
                           {"arn", region.caller()},
                           {"region_name", region.name()}});
    }
};

} // namespace

std::unique_ptr<ResourceType> image_type() {
    return std::make_unique<Image>();
}
std::unique_ptr<ResourceType> zones_type() {
    return std::make_unique<Zones>();
}
std::unique_ptr<ResourceType> caller_identity_type() {
    return std::make_unique<CallerIdentity>();
}

} // namespace hadeploy::aws
