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
            if (random() % 3 == 0) atom.description = "why";
            atoms.insert(atom);
        }
        CHECK(atoms_of(rules_of(atoms, "sg-1"), "sg-1") == atoms);
    }
}
