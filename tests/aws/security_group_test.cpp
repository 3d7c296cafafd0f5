#include "providers/aws-ec2/address_range.h"
#include "providers/aws-ec2/security_group.h"

#include <doctest/doctest.h>
#include <random>

using namespace hadeploy;
using namespace hadeploy::aws;

namespace {
Value rule(const char* protocol, const Value& ports, Value::List peers) {
    Value out = Value::map({{"protocol", protocol}, {"peers", Value::list(std::move(peers))}});
    return ports.is_null() ? out : out.with("ports", ports);
}
} // namespace

TEST_CASE("security group: ports") {
    std::int64_t first = 0, last = 0;
    CHECK(parse_ports("443", first, last));
    CHECK(first == 443);
    CHECK(last == 443);
    CHECK(parse_ports("8000-8100", first, last));
    CHECK(last == 8100);
    for (const char* wrong : {"", "-", "1-", "-1", "a", "70000", "2-1", "1 - 2", "80,443", "0x50"})
        CHECK_FALSE(parse_ports(wrong, first, last));
}

TEST_CASE("security group: rules are equal if their atoms are, however they are grouped") {
    const auto one = atoms_of(Value::list({rule("tcp", "80", {"10.0.0.0/8", "self"})}), "sg-1");
    const auto two =
        atoms_of(Value::list({rule("tcp", "80-80", {"sg-1"}), rule("tcp", "80", {"10.0.0.0/8"}),
                              rule("tcp", "80", {"10.0.0.0/8"})}),
                 "sg-1");
    CHECK(one == two);
    CHECK(one.size() == 2);
    CHECK_FALSE(one == atoms_of(Value::list({rule("udp", "80", {"10.0.0.0/8", "self"})}), "sg-1"));
}

TEST_CASE("security group: atoms that EC2 describes") {
    pugi::xml_document document;
    document.load_string(
        "<ipPermissions><item><ipProtocol>tcp</ipProtocol><fromPort>22</fromPort><toPort>22</"
        "toPort>"
        "<groups><item><userId>1</userId><groupId>sg-2</groupId></item></groups>"
        "<ipRanges><item><cidrIp>10.0.0.0/8</cidrIp><description>d</description></item></ipRanges>"
        "<ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges></item>"
        "<item><ipProtocol>-1</ipProtocol><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item>"
        "</ipRanges></item></ipPermissions>");
    const std::set<RuleAtom> wanted{{"tcp", 22, 22, "sg-2"},
                                    {"tcp", 22, 22, "10.0.0.0/8", "d"},
                                    {"tcp", 22, 22, "::/0"},
                                    {"-1", -1, -1, "0.0.0.0/0"}};
    CHECK(atoms_of(document.child("ipPermissions")) == wanted);
    CHECK(atoms_of(pugi::xml_node()).empty());
}

TEST_CASE("security group: atoms survive the way into rules and back") {
    std::mt19937 random(3);
    const char* protocols[] = {"tcp", "udp", "-1", "icmp"};
    const char* peers[] = {"10.0.0.0/8", "sg-1", "sg-2", "::/0", "pl-7"};
    for (int round = 0; round < 200; ++round) {
        std::set<RuleAtom> atoms;
        for (unsigned i = 0; i < random() % 8; ++i) {
            RuleAtom atom{.protocol = protocols[random() % 4], .peer = peers[random() % 5]};
            if (atom.protocol == "tcp" || atom.protocol == "udp") {
                atom.first = random() % 4 == 0 ? 0 : random() % 60000;
                atom.last = atom.first == 0 ? 65535 : atom.first + random() % 3;
            }
            // EC2 keeps one description for each atom
            if (atom.peer.starts_with("sg-")) atom.description = "why";
            atoms.insert(atom);
        }
        CHECK(atoms_of(rules_of(atoms, "sg-1"), "sg-1") == atoms);
    }
}

TEST_CASE("security group: a range is compared as EC2 writes it") {
    const auto config = atoms_of(
        Value::list({rule("tcp", "80", {"10.1.2.3/8", "2001:DB8::0/32", "2001:db8:0:0::1/32"})}),
        "sg-1");
    const std::set<RuleAtom> wanted{{"tcp", 80, 80, "10.0.0.0/8"},
                                    {"tcp", 80, 80, "2001:db8::/32"}};
    CHECK(config == wanted);
}

TEST_CASE("security group: of two descriptions of a rule, which EC2 cannot keep, one is taken") {
    const Value::List rules{rule("tcp", "80", {"sg-1"}).with("description", "a"),
                            rule("tcp", "80", {"self"}).with("description", "b")};
    const std::set<RuleAtom> wanted{{"tcp", 80, 80, "sg-1", "a"}};
    CHECK(atoms_of(Value::list(rules), "sg-1") == wanted);
}

TEST_CASE("address range: what is one, and how it is written") {
    const auto written = [](const char* text) {
        const auto range = AddressRange::parse(text);
        return range ? range->text() : "none";
    };
    CHECK(written("10.1.2.3/8") == "10.0.0.0/8");
    CHECK(written("10.1.2.3/32") == "10.1.2.3/32");
    CHECK(written("255.255.255.255/0") == "0.0.0.0/0");
    CHECK(written("2001:DB8:0::f/33") == "2001:db8::/33");
    CHECK(written("::/0") == "::/0");
    for (const char* wrong : {"", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/08", "10.0.0/8", "::/129",
                              "::1", "10.0.0.0/-1", "/8", "10.0.0.0/8 ", "a/8", "::g/8"})
        CHECK(written(wrong) == "none");
    for (const char* huge : {"0.0.0.0/0", "128.0.0.0/1", "10.0.0.0/7", "::/0", "2000::/3"})
        CHECK(AddressRange::parse(huge)->is_huge());
    for (const char* small : {"10.0.0.0/8", "fc00::/7", "fd00::/8", "2001:db8::/32"})
        CHECK_FALSE(AddressRange::parse(small)->is_huge());
}
