// Columns that are not what the store writes: each is an error of the state, nothing worse.
#include "helpers.h"
#include "state/codec.h"

using namespace hadeploy;
using namespace testing;

TEST_CASE("a column of names holds a list of texts, or is refused") {
    CHECK(codec::decode_names(R"(["a","b"])") == std::vector<std::string>{"a", "b"});
    for (const char* column : {"", "7", "{}", "null", "[1]", R"(["a",["b"]])", "[\"a\""}) {
        CAPTURE(column);
        CHECK(error_of([&] { codec::decode_names(column); }).kind == ErrorKind::state);
    }
}

TEST_CASE("what was sealed but is no value is refused") {
    const Cipher cipher = Cipher::for_memory();
    const std::string column = R"({"$sealed":")" + cipher.seal("no JSON", "here") + "\"}";
    CHECK(error_of([&] { codec::decode(column, cipher, "here"); }).kind == ErrorKind::state);
}

TEST_CASE("a column that nests without end is refused before anything follows it") {
    const Cipher cipher = Cipher::for_memory();
    const std::string deep(1'000'000, '[');
    const std::string with_mark = R"(["$sealed",)" + deep + std::string(deep.size(), ']') + "]";
    CHECK(error_of([&] { codec::decode(deep, cipher, "here"); }).kind == ErrorKind::state);
    CHECK(error_of([&] { codec::decode(with_mark, cipher, "here"); }).kind == ErrorKind::state);
}

TEST_CASE("a lock with a salt that is none says that it is damaged") {
    const std::string lock =
        R"({"kdf":"argon2id","salt":"***","passes":3,"memory":67108864,"key":"x"})";
    const Error error = error_of([&] { Cipher::unlock(lock, {.passphrase = "p"}, "the plan"); });
    CHECK(error.kind == ErrorKind::state);
    CHECK(error.message == "the lock of the plan is damaged");
}
