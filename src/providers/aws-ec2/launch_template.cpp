#include "core/hash.h"
#include "core/secrecy.h"
#include "providers/aws-ec2/ec2_type.h"
#include "providers/aws-ec2/launch.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace hadeploy::aws {

namespace {

constexpr const char* kTemplatePage = "200";
constexpr std::size_t kMostTemplateName = 128, kLeastTemplateName = 3;
constexpr std::size_t kTokenPart = 16;
/// Names of the elements of a version for which the type has no attribute.
constexpr const char* kOthers = "others";

/// `nameSet/item` and other lists of texts.
Value texts_in(const pugi::xml_node& list) {
    std::vector<std::string> out;
    for (const pugi::xml_node& item : list.children()) out.emplace_back(item.child_value());
    return set_of_texts(std::move(out));
}

Value root_volume_in(const pugi::xml_node& ebs) {
    Value out = Value::map({});
    const std::string size = ebs.child_value("volumeSize"),
                      encrypted = ebs.child_value("encrypted");
    if (!size.empty()) out = out.with("size", to_number(size) * kGib);
    if (const std::string type = ebs.child_value("volumeType"); !type.empty())
        out = out.with("type", type);
    for (const char* name : {"iops", "throughput"})
        if (const std::string number = ebs.child_value(name); !number.empty())
            out = out.with(name, to_number(number));
    return encrypted.empty() ? out : out.with("encrypted", encrypted == "true");
}

/// Adds the attributes in an element of `<launchTemplateData>`, or the name of the element, under
/// kOthers, if the type has no attribute for it.
void add_element(Value& out, const pugi::xml_node& element) {
    static constexpr std::array<std::pair<std::string_view, const char*>, 3> texts{
        {{"imageId", "image"}, {"instanceType", "instance_type"}, {"keyName", "key"}}};
    const std::string_view name = element.name();
    const auto set = [&](const char* attribute, Value value) {
        out = out.with(attribute, std::move(value));
    };
    const auto only = [&] { // the item of a list, if there is one: attributes describe only one
        const auto items = element.children("item");
        return std::distance(items.begin(), items.end()) == 1 ? *items.begin() : pugi::xml_node();
    };
    for (const auto& [its, attribute] : texts)
        if (name == its) return set(attribute, std::string(element.child_value()));
    if (name == "userData") return set("user_data", base64_decode(element.child_value()));
    if (name == "metadataOptions")
        return set("metadata_tokens", std::string(element.child_value("httpTokens")));
    if (name == "securityGroupIdSet") return set("security_groups", texts_in(element));
    if (name == "iamInstanceProfile" && element.child("name"))
        return set("iam_profile", std::string(element.child_value("name")));
    if (const pugi::xml_node one = only(); name == "networkInterfaceSet" && one) {
        set("security_groups", texts_in(one.child("groupSet")));
        if (const std::string open = one.child_value("associatePublicIpAddress"); !open.empty())
            set("public_ip", open == "true");
        return;
    }
    if (const pugi::xml_node one = only(); name == "blockDeviceMappingSet" && one)
        return set("root_volume", root_volume_in(one.child("ebs")));
    if (name != "tagSpecificationSet") set(kOthers, out.text(kOthers) + std::string(name) + " ");
}

/// The attributes of `<launchTemplateData>` that are set.
Value data_in(const pugi::xml_node& data) {
    Value out = Value::map({});
    for (const pugi::xml_node& element : data.children())
        if (element.first_child()) add_element(out, element);
    return out;
}

/// The same attributes of a config.
Value data_of(const Value& config) {
    Value out = Value::map({});
    for (const Attribute& a : launch_fields()) {
        Value value = config[a.name];
        if (value.is_map())
            for (const Attribute& field : *a.type.fields)
                if (value[field.name].is_null()) value = value.without(field.name);
        if (!value.is_null()) out = out.with(a.name, value);
    }
    return out;
}

/// The observed value of an attribute that the template does not set. Unlike null, it counts as a
/// difference from the value in a config.
Value nothing_like(const Value& value) {
    if (value.is_map()) return Value::map({});
    if (value.is_list()) return Value::list({});
    return value.is_bool() ? Value(!value.as_bool()) : Value("");
}

/// A template with its default and its latest version.
class LaunchTemplate final : public Ec2Type {
  public:
    LaunchTemplate();
    void check_own(const Value& config, Diagnostics& problems) const override;
    std::vector<std::string> claims(const Value& config) const override {
        if (!config["name"].is_string() || config["region"].is_unknown() ||
            config["profile"].is_unknown())
            return {};
        return {fmt::format("aws launch template {}{}", config.text("name"), scope_of(config))};
    }
    std::map<std::string, Item> by_id(Region& region,
                                      const std::vector<std::string>& ids) const override;
    std::map<std::string, Item>
    by_identity(Region& region, const std::vector<std::string>& identities) const override;
    std::string conflict(Region& region, const Value& config) const override {
        if (!config["name"].is_string()) return {};
        std::string found;
        region.each(names.describe, Params().filter("launch-template-name", {config.text("name")}),
                    "launchTemplates", [&](const pugi::xml_node& item) {
                        found = fmt::format("the launch template {}", item.child_value(names.id));
                    });
        return found;
    }
    Value observed(Region&, const Item& item, const Value& config) const override;
    std::string create(Region& region, const Change& change, Params params) const override {
        params.add("LaunchTemplateName", change.after.text("name"))
            .add("ClientToken", change.identity);
        specify_launch(region, params, "LaunchTemplateData.", change.after);
        const auto answer = region.change("CreateLaunchTemplate", params, true);
        return root_of(*answer).child("launchTemplate").child_value(names.id);
    }
    void change(Region& region, const Item& item, const Value& before, const Value& after,
                const Notice& progress) const override;
    void remove(Region& region, const std::string& id, const Value&) const override {
        region.change("DeleteLaunchTemplate", Params().add("LaunchTemplateId", id), true);
    }

  private:
    static std::map<std::string, Item> with_versions(Region& region,
                                                     std::map<std::string, Item> items);
    static std::string new_version(Region& region, const Item& item, const Value& after);
};

void LaunchTemplate::check_own(const Value& config, Diagnostics& problems) const {
    const Value& called = config["name"];
    check_text(
        called,
        {.noun = "the name of a launch template", .most = kMostTemplateName, .others = "().-/_"},
        problems);
    if (called.is_string() && called.as_string().size() < kLeastTemplateName)
        problems
            .add(fmt::format("{} cannot be the name of a launch template", quoted(called)),
                 called.loc())
            .with_hint("a name has at least three characters");
    check_launch(config, problems);
}

/// Adds `<default>` and `<latest>` to each template: a version number and its data. One request for
/// all templates of the region, because a request can name only one.
std::map<std::string, Item> LaunchTemplate::with_versions(Region& region,
                                                          std::map<std::string, Item> items) {
    if (items.empty()) return items;
    Params params;
    params.list("LaunchTemplateVersion", {"$Default", "$Latest"});
    params.add("MaxResults", std::string(kTemplatePage));
    if (items.size() == 1) params.add("LaunchTemplateId", items.begin()->first);
    region.each("DescribeLaunchTemplateVersions", params, "launchTemplateVersionSet",
                [&](const pugi::xml_node& version) {
                    const auto it = items.find(version.child_value("launchTemplateId"));
                    if (it == items.end()) return;
                    const auto keep = [&](const char* as) {
                        pugi::xml_node to = it->second.root();
                        to.remove_child(as);
                        to.append_child(as).append_copy(version.child("versionNumber"));
                        to.child(as).append_copy(version.child("launchTemplateData"));
                    };
                    const std::int64_t number = to_number(version.child_value("versionNumber"));
                    if (std::string_view(version.child_value("defaultVersion")) == "true")
                        keep("default");
                    if (number >= to_number(it->second.text("latest/versionNumber")))
                        keep("latest");
                });
    for (const auto& [id, item] : items)
        for (const char* one : {"default/versionNumber", "latest/versionNumber"})
            if (item.text(one).empty())
                throw wrong_answer("ec2:DescribeLaunchTemplateVersions",
                                   fmt::format("the response has no versions of {}", id));
    return items;
}

/// Lists all templates, because a request with an unknown ID fails.
std::map<std::string, Item> LaunchTemplate::by_id(Region& region,
                                                  const std::vector<std::string>& ids) const {
    std::map<std::string, Item> out;
    if (ids.empty()) return out;
    region.each(names.describe, Params().add("MaxResults", std::string(kTemplatePage)),
                "launchTemplates", [&](const pugi::xml_node& node) {
                    const std::string id = node.child_value(names.id);
                    if (id.empty())
                        throw wrong_answer(described_by(),
                                           "the response has a launch template without its ID");
                    if (std::find(ids.begin(), ids.end(), id) != ids.end())
                        out.emplace(id, Item(node));
                });
    return with_versions(region, std::move(out));
}

std::map<std::string, Item>
LaunchTemplate::by_identity(Region& region, const std::vector<std::string>& identities) const {
    std::map<std::string, Item> by_own, out;
    for (const auto& [identity, item] : Ec2Type::by_identity(region, identities))
        by_own.emplace(item.text(names.id), item);
    for (const auto& [id, item] : with_versions(region, std::move(by_own)))
        out.emplace(item.identity(), item);
    return out;
}

/// Shows the version that differs from the config: the default version, or else the latest version,
/// which was then created outside of hadeploy. A version with the same data and a different number
/// is no difference.
Value LaunchTemplate::observed(Region&, const Item& item, const Value& config) const {
    const pugi::xml_node root = item.root();
    const Value wanted = data_of(config);
    const Value usual = data_in(root.child("default").child("launchTemplateData"));
    const Value last = data_in(root.child("latest").child("launchTemplateData"));
    const bool shows_last = usual == wanted && !(last == wanted);
    const Value& shown = shows_last ? last : usual;
    Value out = Value::map({{"name", item.required("launchTemplateName")},
                            {"version", item.required(shows_last ? "latest/versionNumber"
                                                                 : "default/versionNumber")}});
    for (const Entry& e : wanted.as_map())
        out = out.with(e.key, shown.has(e.key) ? shown[e.key] : nothing_like(e.value));
    return out;
}

/// The client token depends on the latest version and the data: a repeated request creates no
/// second version, and a return to earlier data creates a new one.
std::string LaunchTemplate::new_version(Region& region, const Item& item, const Value& after) {
    Params data;
    specify_launch(region, data, "LaunchTemplateData.", after);
    std::string all = item.required("launchTemplateId") + item.required("latest/versionNumber");
    for (const auto& [name, value] : data.all()) all += fmt::format("\n{}={}", name, value);
    data.add("LaunchTemplateId", item.text("launchTemplateId"))
        .add("ClientToken", "hadeploy-" + sha256_hex(all).substr(0, 2 * kTokenPart));
    const auto answer = region.change("CreateLaunchTemplateVersion", data, true);
    const std::string number =
        root_of(*answer).child("launchTemplateVersion").child_value("versionNumber");
    if (number.empty())
        throw wrong_answer("ec2:CreateLaunchTemplateVersion",
                           "the response has no <versionNumber>");
    return number;
}

void LaunchTemplate::change(Region& region, const Item& item, const Value&, const Value& after,
                            const Notice& progress) const {
    const bool has_it =
        data_in(item.root().child("latest").child("launchTemplateData")) == data_of(after);
    const std::string number =
        has_it ? item.required("latest/versionNumber") : new_version(region, item, after);
    if (number == item.required("default/versionNumber")) return;
    progress(fmt::format("making version {} the default version", number));
    Params params;
    params.add("LaunchTemplateId", item.text(names.id)).add("SetDefaultVersion", number);
    region.change("ModifyLaunchTemplate", params, true);
}

LaunchTemplate::LaunchTemplate()
    : Ec2Type({.noun = "launch template",
               .describe = "DescribeLaunchTemplates",
               .set = "launchTemplates",
               .id = "launchTemplateId",
               .id_filter = "", // there is none
               .tagged = "launch-template",
               .page = 200}) {
    name = "aws.launch_template";
    summary = "The settings with which an autoscaling group launches instances";
    doc =
        "A change creates a new version, which becomes the default version; earlier versions are "
        "kept. Use `${NAME.version}` in an aws.autoscaling_group, so that the group follows.\n\n"
        "Detected and repaired: attributes and tags, a different default version, and a later "
        "version with different data, which `$Latest` would launch; a launch template that is gone "
        "is created again. Destroy removes it with all its versions; instances keep running.";
    import_id = "the ID of the launch template (lt-...)";
    create_before_destroy = true;
    example = "web:\n"
              "  type: aws.launch_template\n"
              "  name: web\n"
              "  image: ${data.debian.id}\n"
              "  instance_type: t3.small\n"
              "  security_groups: [\"${web_group.id}\"]\n"
              "  user_data: ${file(\"web.sh\")}\n";
    schema = {{.name = "name",
               .type = TypeKind::string,
               .doc = "Name, unique in the region.",
               .required = true,
               .replaces = true}};
    for (Attribute& a : launch_fields()) schema.push_back(std::move(a));
    schema.push_back({.name = "version",
                      .type = TypeKind::string,
                      .doc = "Number of the default version.",
                      .computed = true,
                      .tracked = true,
                      .open = true,
                      .changes_on_update = true});
    schema = with_common(std::move(schema), true, "ID (lt-...).");
}

} // namespace

std::unique_ptr<ResourceType> launch_template_type() {
    return std::make_unique<LaunchTemplate>();
}

} // namespace hadeploy::aws
