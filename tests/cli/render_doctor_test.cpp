#include "cli/render/doctor.h"
#include "cli/templates.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::cli;

namespace {
const std::vector<CheckedArea> kChecked{
    {"state", {Prerequisite::met("directory", "/srv/site can be written")}},
    {"libvirt",
     {Prerequisite::limited("KVM", "machines are emulated", "modprobe kvm_intel"),
      Prerequisite::missing("base image", "mmdebstrap\nis missing",
                            "apt-get install mmdebstrap")}}};
} // namespace

TEST_CASE("doctor: a line for each prerequisite, and its fix below it") {
    CHECK(render_doctor(kChecked, false, Style{}) ==
          "state\n"
          "  met       directory   /srv/site can be written\n"
          "libvirt\n"
          "  limited   KVM         machines are emulated\n"
          "                        fix: modprobe kvm_intel\n"
          "  missing   base image  mmdebstrap\\nis missing\n"
          "                        fix: apt-get install mmdebstrap\n"
          "\n"
          "1 of 3 prerequisites is missing.\n");
    CHECK(missing_in(kChecked) == 1);
}

TEST_CASE("doctor: without a spec nothing is required") {
    const std::string text = render_doctor(kChecked, true, Style{});
    CHECK(text.find("  optional  base image  ") != text.npos);
    CHECK(text.find("nothing is required yet") != text.npos);
    CHECK(prerequisite_json("libvirt", kChecked[1].checks[1], true)["status"] == "optional");
    CHECK(prerequisite_json("libvirt", kChecked[1].checks[1], false)["status"] == "missing");
    CHECK(doctor_summary({kChecked[0]}, false) ==
          "this machine has everything that the spec needs");
}

TEST_CASE("an error becomes a prerequisite, without the advice to run doctor") {
    const Error error = Error(ErrorKind::unreachable, "no daemon")
                            .with_hint(std::string("start it").append(kSeeDoctor));
    const Prerequisite one = Prerequisite::missing("daemon", error);
    CHECK(one.message == "no daemon");
    CHECK(one.fix == "start it");
}

TEST_CASE("measured sizes are rounded down") {
    constexpr std::int64_t mebibyte = std::int64_t{1} << 20;
    CHECK(rounded_bytes(0) == "0 MiB");
    CHECK(rounded_bytes(mebibyte / 2) == "0.5 MiB");
    CHECK(rounded_bytes(1024 * mebibyte - 1) == "1023.9 MiB");
    CHECK(rounded_bytes(1024 * mebibyte) == "1 GiB");
    CHECK(rounded_bytes(71'104'036 * std::int64_t{1024}) == "67.8 GiB");
}

TEST_CASE("a path with special characters is quoted in the spec of a new project") {
    std::string spec;
    for (const ProjectFile& file : project_files("ha3", "x", "/opt/it's: here/images"))
        if (file.path == "hadeploy.yaml") spec = file.text;
    CHECK(spec.find("default: '/opt/it''s: here/images'\n") != spec.npos);
    CHECK(spec.find("source: modules/ha-demo\n") != spec.npos);
    CHECK(spec.find("../") == spec.npos);
}
