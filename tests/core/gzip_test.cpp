#include "core/gzip.h"

#include "core/error.h"

#include <doctest/doctest.h>
#include <string>

using namespace hadeploy;

TEST_CASE("compressed data is restored, and damage is detected") {
    std::string data;
    for (int i = 0; i < 20'000; ++i) data += std::to_string(i * 7919 % 10'007) + "\n";
    const std::string file = gzip(data);
    CHECK(file.size() < data.size());
    CHECK(gzip(data) == file);
    CHECK(gunzip(file, data.size()) == data);
    CHECK(gunzip(file + file, 2 * data.size()) == data + data);
    CHECK_THROWS_WITH_AS(gunzip(file, data.size() - 1), "the result is larger than 0 MiB", Error);
    CHECK_THROWS_WITH_AS(gunzip(file.substr(0, file.size() - 1), data.size()),
                         "the data is truncated", Error);
    CHECK_THROWS_AS(gunzip(file + "x", data.size()), Error);
    for (std::size_t i = 10; i < file.size(); i += 97) {
        std::string altered = file;
        altered[i] = static_cast<char>(altered[i] ^ 0x55);
        CHECK_THROWS_AS(gunzip(altered, 10 * data.size()), Error);
    }
}

TEST_CASE("decompression stops at the limit") {
    const std::string bomb = gzip(std::string(8u << 20, 'x'));
    CHECK(bomb.size() < 20'000);
    CHECK_THROWS_WITH_AS(gunzip(bomb, 1u << 20), "the result is larger than 1 MiB", Error);
}
