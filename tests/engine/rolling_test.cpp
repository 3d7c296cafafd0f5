// Instances of a `serial` block that are changed together with the resources that follow them: a
// rolling deployment of an app behind balancers.
#include "engine/lab.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace hadeploy;

namespace {

using Changes = std::vector<std::string>;

/// Three instances of an app, each in two balancers, and a file that each instance needs.
std::string rolling(const std::string& version, const std::string& image = "i1",
                    const std::string& more = "serial: true") {
    std::string out =
        "name: test\nresources:\n"
        "  image: {type: fake.thing, for_each: [a, b, c], name: \"image-${each.key}\", "
        "value: " +
        image +
        "}\n"
        "  app: {type: fake.thing, for_each: [a, b, c], name: \"app-${each.key}\", "
        "value: " +
        version + ", depends_on: [image], " + more + "}\n";
    for (const char* balancer : {"l1", "l2"})
        out += fmt::format("  {0}: {{type: fake.thing, for_each: [a, b, c], name: "
                           "\"{0}-${{each.key}}\", lifecycle: {{replace_triggered_by: "
                           "['app[each.key]']}}}}\n",
                           balancer);
    return out;
}

std::size_t place(const Changes& all, const std::string& change) {
    const auto it = std::find(all.begin(), all.end(), change);
    REQUIRE_MESSAGE(it != all.end(), change);
    return static_cast<std::size_t>(it - all.begin());
}

/// The changes, each of which comes after the groups before it; the order in a group is free.
void check_groups(const Changes& changes, const std::vector<Changes>& groups) {
    std::size_t count = 0;
    for (const Changes& group : groups) {
        for (const std::string& change : group) {
            const std::size_t at = place(changes, change);
            CHECK_MESSAGE(at >= count, change);
            CHECK_MESSAGE(at < count + group.size(), change);
        }
        count += group.size();
    }
    CHECK(changes.size() == count);
}

std::vector<Changes> rolled(const std::vector<std::string>& keys) {
    std::vector<Changes> out;
    for (const std::string& k : keys) {
        out.push_back({"remove l1-" + k, "remove l2-" + k});
        out.push_back({"update app-" + k});
        out.push_back({"create l1-" + k, "create l2-" + k});
    }
    return out;
}

} // namespace

TEST_CASE("rolling: each instance leaves its balancers, changes and joins before the next one") {
    Lab lab;
    REQUIRE(lab.apply(rolling("v1")).result.ok());
    CHECK(lab.apply(rolling("v1")).plan == "");
    const auto run = lab.apply(rolling("v2"));
    CHECK(run.result.ok());
    check_groups(lab.world.changes(), rolled({"a", "b", "c"}));
    CHECK(lab.apply(rolling("v2")).plan == "");
    CHECK(lab.intents.empty());
}

TEST_CASE("rolling: an instance that fails stops the deployment, the next run continues there") {
    Lab lab;
    REQUIRE(lab.apply(rolling("v1")).result.ok());
    lab.world.broken = {"app-b"};
    const auto failed = lab.apply(rolling("v2"));
    CHECK(!failed.result.ok());
    REQUIRE(failed.result.errors.size() == 1);
    CHECK(failed.result.errors[0].address == "app[\"b\"]");
    std::vector<Changes> until_b = rolled({"a"});
    until_b.push_back({"remove l1-b", "remove l2-b"}); // it stays out of the balancers
    check_groups(lab.world.changes(), until_b);
    CHECK(lab.world.objects["app-c"].text("value") == "v1");
    CHECK(lab.world.objects.contains("l1-c"));
    for (const RecordedResource& row : lab.rows) CHECK_MESSAGE(!row.tainted, row.address);

    lab.world.broken.clear();
    REQUIRE(lab.apply(rolling("v2")).result.ok());
    std::vector<Changes> rest = rolled({"b", "c"});
    rest.erase(rest.begin()); // it is out of the balancers already
    check_groups(lab.world.changes(), rest);
    CHECK(lab.apply(rolling("v2")).plan == "");
}

TEST_CASE("rolling: back to the old version after a failure") {
    Lab lab;
    REQUIRE(lab.apply(rolling("v1")).result.ok());
    lab.world.broken = {"app-a"};
    CHECK(!lab.apply(rolling("v2")).result.ok());
    check_groups(lab.world.changes(), {{"remove l1-a", "remove l2-a"}});
    lab.world.broken.clear();
    REQUIRE(lab.apply(rolling("v1")).result.ok());
    check_groups(lab.world.changes(), {{"create l1-a", "create l2-a"}});
    CHECK(lab.apply(rolling("v1")).plan == "");
}

TEST_CASE("rolling: an instance that cannot leave is not changed") {
    Lab lab;
    REQUIRE(lab.apply(rolling("v1")).result.ok());
    lab.world.broken = {"l2-a"};
    CHECK(!lab.apply(rolling("v2")).result.ok());
    for (const char* key : {"a", "b", "c"})
        CHECK(lab.world.objects[std::string("app-") + key].text("value") == "v1");
    for (const char* key : {"b", "c"}) CHECK(lab.world.objects.contains(std::string("l1-") + key));
}

TEST_CASE("rolling: an instance that cannot join again stops the deployment") {
    Lab lab;
    REQUIRE(lab.apply(rolling("v1")).result.ok());
    lab.world.broken = {"app-a"};
    CHECK(!lab.apply(rolling("v2")).result.ok());
    lab.world.broken = {"l1-a"};
    CHECK(!lab.apply(rolling("v2")).result.ok());
    check_groups(lab.world.changes(), {{"update app-a"}, {"create l2-a"}});
    lab.world.broken.clear();
    REQUIRE(lab.apply(rolling("v2")).result.ok());
    std::vector<Changes> rest = rolled({"b", "c"});
    rest.insert(rest.begin(), {"create l1-a"});
    check_groups(lab.world.changes(), rest);
}

TEST_CASE("rolling: an instance leaves only when everything that it needs is there") {
    Lab lab;
    REQUIRE(lab.apply(rolling("v1")).result.ok());
    lab.world.broken = {"image-a"};
    CHECK(!lab.apply(rolling("v2", "i2")).result.ok());
    for (const std::string& change : lab.world.changes())
        CHECK_MESSAGE(change.starts_with("update image-"), change);
    for (const char* key : {"a", "b", "c"})
        CHECK(lab.world.objects.contains(std::string("l1-") + key));
}

TEST_CASE("rolling: an update that may be unnecessary is rolled too") {
    const auto spec = [](const char* size) {
        std::string text = rolling("'${image[\"a\"].token}'");
        const std::string name = "name: \"image-${each.key}\"";
        text.insert(text.find(name), fmt::format("size: {}, ", size));
        return text;
    };
    Lab lab;
    REQUIRE(lab.apply(spec("1")).result.ok());
    REQUIRE(lab.apply(spec("2")).result.ok()); // the images are replaced; their tokens are the same
    const Changes changes = lab.world.changes();
    for (const char* key : {"a", "b", "c"}) {
        const std::string k = key;
        CHECK(place(changes, "remove l1-" + k) < place(changes, "create l1-" + k));
        CHECK(place(changes, "remove l2-" + k) < place(changes, "create l2-" + k));
    }
    CHECK(place(changes, "create l1-a") < place(changes, "remove l1-b"));
    CHECK(place(changes, "create l2-b") < place(changes, "remove l1-c"));
}

TEST_CASE("rolling: without `serial` a trigger does not order the instances") {
    Lab lab;
    const auto spec = [](const char* version) { return rolling(version, "i1", "size: 1"); };
    REQUIRE(lab.apply(spec("v1")).result.ok());
    const auto run = lab.apply(spec("v2"));
    CHECK(run.result.ok());
    CHECK(lab.world.changes().size() == 15);
}

TEST_CASE("rolling: a resource that follows all instances is replaced once, after all of them") {
    Lab lab;
    const auto spec = [](const char* version) {
        return rolling(version) + "  all: {type: fake.thing, name: all, lifecycle: "
                                  "{replace_triggered_by: [app]}}\n";
    };
    REQUIRE(lab.apply(spec("v1")).result.ok());
    REQUIRE(lab.apply(spec("v2")).result.ok());
    const Changes changes = lab.world.changes();
    CHECK(changes.size() == 17);
    CHECK(place(changes, "update app-c") < place(changes, "create all"));
}

namespace {
/// A cluster of three machines; `y` is replaced when its size changes.
std::string machines(int size) {
    return fmt::format("name: test\nresources:\n"
                       "  vm: {{type: fake.vm, for_each: [x, y, z], name: \"${{each.key}}\", "
                       "size: \"${{each.key == 'y' ? {} : 1}}\"}}\n"
                       "  member: {{type: fake.member, for_each: [x, y, z], name: "
                       "\"m-${{each.key}}\", host: \"${{vm[each.key].connection}}\", peers: "
                       "\"${{vm[*].connection}}\"}}\n"
                       "  file: {{type: fake.thing, for_each: [x, y, z], name: "
                       "\"f-${{each.key}}\", host: \"${{vm[each.key].connection}}\"}}\n",
                       size);
}
} // namespace

TEST_CASE(
    "rolling: a member leaves before its machine is replaced, and joins with its new host key") {
    Lab lab;
    REQUIRE(lab.apply(machines(1)).result.ok());
    CHECK(lab.apply(machines(1)).plan == "");
    const auto run = lab.apply(machines(2));
    CHECK(run.result.ok());
    check_groups(lab.world.changes(), {{"remove m-y"}, {"remove y"}, {"create y"}, {"create m-y"}});
    CHECK(lab.apply(machines(2)).plan == "");
    CHECK(lab.intents.empty());
}
