// Batches of changes on a real sshd: sharing an exec, commands on other hosts, and failures.
#include "core/file.h"
#include "providers/ssh/provider.h"
#include "ssh/host_case.h"
#include "ssh/server.h"
#include "support/has.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::ssh;
using namespace hadeploy::test;

namespace {
/// A resource whose state is what its commands write to a file.
class Scripted final : public SshType {
  public:
    explicit Scripted(std::string file) : file_(std::move(file)) {
        name = "test.scripted";
        schema = {{.name = "text", .type = TypeKind::string, .doc = "What the file says."}};
    }
    std::string probe(const ReadRequest&) const override {
        return "if [ -e " + file_ + " ]; then echo yes; cat " + file_ + "; fi\n";
    }
    Observation parse(const ReadRequest&, const ProbeResult& result) const override {
        if (!result.out.starts_with("yes\n")) return Observation::absent();
        return Observation::present(Value::map({{"text", result.out.substr(4)}}));
    }
    std::vector<Command> commands(const Change&) const override { return wanted; }
    std::vector<Command> wanted;

  private:
    std::string file_;
};

struct Bench {
    SshServer server;
    TempDir dir;
    std::string file = (dir.path / "file").string();
    Scripted type{file};
    SshEndpoint endpoint{std::make_shared<Pool>(), login_from(server.connection()), {}};

    Results apply(std::vector<Command> commands, Change::Kind kind = Change::Kind::create,
                  Value wanted = Value::map({}), std::vector<std::string> changed = {}) {
        type.wanted = std::move(commands);
        Change change{.kind = kind, .address = "it", .type = &type, .identity = "0"};
        change.after = std::move(wanted);
        change.changed = std::move(changed);
        Results results(1);
        endpoint.apply(std::span(&change, 1), results);
        return results;
    }
};

} // namespace

TEST_SUITE("real sshd" * doctest::skip(!SshServer::possible())) {

    TEST_CASE("the output of a command on another host is the input of the next one") {
        Bench bench;
        const Value one = bench.server.connection("127.0.1.1"),
                    two = bench.server.connection("127.0.1.2");
        const std::string where = "set -- $SSH_CONNECTION; ";
        Results r = bench.apply({{.script = where + "[ $3 = 127.0.1.2 ] && echo token from $3",
                                  .on = {one, two},
                                  .step = "asking for a token"},
                                 {.script = "cat >" + bench.file, .step = "joining"}});
        REQUIRE(!r.errors[0]);
        CHECK(r.attributes[0]["text"] == Value("token from 127.0.1.2\n"));
        CHECK(r.steps == std::vector<std::string>{"asking for a token", "joining"});
    }

    TEST_CASE("a command's input is built when the command runs") {
        Bench bench;
        const auto built = [&](const std::filesystem::path& cache, const Notice& progress,
                               const std::string&) {
            progress("building in " + cache.string());
            write_file(bench.dir.path / "built", "content\n");
            return bench.dir.path / "built";
        };
        bench.endpoint = SshEndpoint(std::make_shared<Pool>(),
                                     login_from(bench.server.connection()), {}, "/cache");
        Results r = bench.apply(
            {{.script = "true"},
             {.script = "cat >" + bench.file, .build_input = built, .step = "loading"}});
        REQUIRE(!r.errors[0]);
        CHECK(r.attributes[0]["text"] == Value("content\n"));
        CHECK(r.steps == std::vector<std::string>{"building in /cache", "loading"});

        const auto broken = [](const std::filesystem::path&, const Notice&,
                               const std::string&) -> std::filesystem::path {
            throw Error(ErrorKind::failed, "cannot build");
        };
        r = bench.apply({{.script = "echo ran >" + bench.file, .build_input = broken}});
        REQUIRE(r.errors[0]);
        CHECK(r.errors[0]->message == "cannot build");
        CHECK(read_file(bench.file) == "content\n"); // the script did not run
    }

    TEST_CASE("no host succeeds: empty input if allowed, but not if a host did not answer") {
        Bench bench;
        const Value here = bench.server.connection("127.0.1.1");
        const Value nowhere = here.with("port", 1);
        const auto ask = [&](std::vector<Value> on, bool none_is_empty) {
            return bench.apply({{.script = "echo no manager >&2; exit 1",
                                 .on = std::move(on),
                                 .none_is_empty = none_is_empty,
                                 .step = "asking"},
                                {.script = "echo \"[$(cat)]\" >" + bench.file}});
        };
        CHECK(ask({here}, true).attributes[0]["text"] == Value("[]\n"));
        const Results refused = ask({here}, false);
        REQUIRE(refused.errors[0]);
        CHECK(has(refused.errors[0]->message, "asking failed on every host"));
        CHECK(has(refused.errors[0]->notes.at(0).text, "no manager"));
        SshEndpoint impatient(std::make_shared<Pool>(),
                              [&] {
                                  Login login = login_from(here);
                                  login.timeout = std::chrono::milliseconds(300);
                                  return login;
                              }(),
                              {});
        Change change{.address = "it", .type = &bench.type, .identity = "0"};
        bench.type.wanted = {{.script = "exit 1", .on = {here, nowhere}, .none_is_empty = true}};
        Results results(1);
        impatient.apply(std::span(&change, 1), results);
        REQUIRE(results.errors[0]);
        CHECK(results.errors[0]->kind == ErrorKind::unreachable);
    }

    TEST_CASE("the object is read back after its commands succeed") {
        Bench bench;
        CHECK(
            has(bench.apply({{.script = "true"}}).errors[0]->message, "the object does not exist"));
        const Results other =
            bench.apply({{.script = "printf bad >" + bench.file}}, Change::Kind::update,
                        Value::map({{"text", "good"}}), {"text"});
        REQUIRE(other.errors[0]);
        CHECK(has(other.errors[0]->message, "`text` is bad and not good"));
        CHECK(has(bench.apply({{.script = "true"}}, Change::Kind::remove).errors[0]->message,
                  "still exists"));
        CHECK(!bench.apply({{.script = "rm " + bench.file}}, Change::Kind::remove).errors[0]);
        CHECK(!bench.apply({}, Change::Kind::remove).errors[0]);
    }

    TEST_CASE("a connection dies during a change: the change continues and its result arrives") {
        Bench bench;
        const Results r = bench.apply({{.script = "echo one >>" + bench.file + "; kill -9 $PPID" +
                                                  "; sleep 1; echo two >>" + bench.file,
                                        .step = "working"},
                                       {.script = "cat >>" + bench.file, .input = "three\n"}});
        REQUIRE(!r.errors[0]);
        CHECK(r.attributes[0]["text"] == Value("one\ntwo\nthree\n"));
        CHECK(r.steps == std::vector<std::string>{"working", "the connection broke; reconnecting"});
    }

    TEST_CASE("a shell is killed during a change: the result is unknown") {
        Bench bench;
        const Results r = bench.apply({{.script = "kill -9 $$; sleep 1", .step = "working"}});
        REQUIRE(r.errors[0]);
        CHECK(r.errors[0]->kind == ErrorKind::unreachable);
        CHECK(!r.errors[0]->transient);
        CHECK(has(r.errors[0]->notes.back().text, "not known whether"));
        CHECK(!bench.apply({{.script = "echo x >" + bench.file}}).errors[0]);
    }

    TEST_CASE("each command of a bounded type is killed after the timeout") {
        Bench bench;
        bench.type.bounded = true;
        const std::string large = (bench.dir.path / "large").string();
        write_file(large, std::string(100'000, '\0'));
        const Value here = bench.server.connection("127.0.1.1");
        const std::string hangs = "echo begun >>" + bench.file + "; sleep 600";
        for (const Command& command :
             {Command{.script = hangs}, Command{.script = hangs, .on = {here}},
              Command{.script = hangs, .input_file = large}}) {
            const Results r = bench.apply({command}, Change::Kind::create,
                                          Value::map({{"timeout", std::int64_t{1000}}}));
            REQUIRE(r.errors[0]);
            std::string text = r.errors[0]->message;
            for (const Note& note : r.errors[0]->notes) text += "\n" + note.text;
            CHECK(has(text, "it took longer than 1 s"));
        }
        CHECK(read_file(bench.file) == "begun\nbegun\nbegun\n");
        // intended waiting time does not count
        const Results r =
            bench.apply({{.script = "sleep 1.5", .waits = std::chrono::seconds(60)}},
                        Change::Kind::create, Value::map({{"timeout", std::int64_t{1000}}}));
        CHECK(!r.errors[0]);
    }

    TEST_CASE("commands of one change are separate steps in one exec") {
        Bench bench;
        const Counters before = counters();
        const Results r =
            bench.apply({{.script = "echo a >" + bench.file, .step = "one"},
                         {.script = "cat >>" + bench.file, .input = "secret", .step = "two"}});
        CHECK(r.attributes[0]["text"] == Value("a\nsecret"));
        CHECK(r.steps == std::vector<std::string>{"one", "two"});
        CHECK(counters().execs - before.execs == 1);
        const Results binary =
            bench.apply({{.script = "wc -c >" + bench.file, .input = std::string(100'000, '\0')}});
        CHECK(binary.attributes[0]["text"] == Value("100000\n"));
    }

} // TEST_SUITE
