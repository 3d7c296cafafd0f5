#include "lab.h"

#include <atomic>
#include <httplib.h>
#include <thread>

using namespace hadeploy;

namespace {
/// An HTTP server on loopback that runs until it is destroyed.
class Server {
  public:
    Server() {
        server_.Get("/json", [](const httplib::Request& in, httplib::Response& out) {
            out.set_header("X-Asked", in.get_header_value("X-Ask"));
            out.set_content(R"({"version": "1.2"})", "application/json");
        });
        server_.Post("/echo", [](const httplib::Request& in, httplib::Response& out) {
            out.set_content(in.body, "text/plain");
        });
        server_.Get("/later", [this](const httplib::Request&, httplib::Response& out) {
            out.status = ++asked_ < 3 ? 503 : 200;
            out.set_content("asked " + std::to_string(asked_), "text/plain");
        });
        server_.Get("/bytes", [](const httplib::Request&, httplib::Response& out) {
            out.set_content("\xff\x01", "application/octet-stream");
        });
        server_.Get("/moved", [](const httplib::Request&, httplib::Response& out) {
            out.set_redirect("/json");
        });
        for (const int status : {302, 307})
            server_.Post(fmt::format("/to/{}", status),
                         [status](const httplib::Request& in, httplib::Response& out) {
                             out.set_redirect(in.get_header_value("X-To"), status);
                         });
        const auto tell = [](const httplib::Request& in, httplib::Response& out) {
            out.set_content(
                fmt::format("{} a={} s={} p={} c={} b={}", in.method,
                            in.get_header_value("Authorization"), in.get_header_value("X-Secret"),
                            in.get_header_value("X-Plain"), in.get_header_value("Cookie"), in.body),
                "text/plain");
        };
        server_.Get("/tell", tell);
        server_.Post("/tell", tell);
        server_.Get("/loop", [](const httplib::Request&, httplib::Response& out) {
            out.set_redirect("/loop");
        });
        port_ = server_.bind_to_any_port("127.0.0.1");
        thread_ = std::thread([this] { server_.listen_after_bind(); });
        while (!server_.is_running()) std::this_thread::yield();
    }
    ~Server() {
        server_.stop();
        thread_.join();
    }
    [[nodiscard]] std::string url(const std::string& path) const {
        return fmt::format("http://127.0.0.1:{}{}", port_, path);
    }
    [[nodiscard]] int asked() const { return asked_; }

  private:
    httplib::Server server_;
    std::atomic<int> asked_ = 0;
    int port_ = 0;
    std::thread thread_;
};

/// One data source `a`, and outputs.
std::string http(const std::string& attributes, const std::string& outputs) {
    return "name: t\ndata: {a: {type: http, " + attributes + "}}\noutputs: {" + outputs + "}\n";
}
} // namespace

TEST_CASE("http: attributes of a response") {
    const Server server;
    Lab lab;
    const Lab::Run run = lab.plan(
        http("url: " + server.url("/json") + ", request_headers: {X-Ask: me}",
             "v: \"${jsondecode(data.a.response_body).version}\", s: \"${data.a.status_code}\", "
             "h: \"${data.a.response_headers['x-asked']}\""));
    CHECK(run.plan == "");
    CHECK(run.steps.outputs["v"] == Value("1.2"));
    CHECK(run.steps.outputs["s"] == Value(200));
    CHECK(run.steps.outputs["h"] == Value("me"));
    CHECK(lab.reading == std::vector<std::string>{"http " + server.url("").substr(7)});

    CHECK(lab.plan(http("url: " + server.url("/echo") + ", method: POST, request_body: hello",
                        "b: \"${data.a.response_body}\""))
              .steps.outputs["b"] == Value("hello"));
    CHECK(lab.plan(http("url: " + server.url("/none"), "s: \"${data.a.status_code}\""))
              .steps.outputs["s"] == Value(404));
    CHECK(lab.plan(http("url: " + server.url("/moved"), "s: \"${data.a.response_body}\""))
              .steps.outputs["s"] == Value(R"({"version": "1.2"})"));
    const Value bytes =
        lab.plan(http("url: " + server.url("/bytes"), "a: \"${data.a}\"")).steps.outputs["a"];
    CHECK(bytes["response_body"].is_null());
    CHECK(bytes.text("response_body_base64") == "/wE=");
    CHECK(lab.apply(http("url: " + server.url("/json"), "")).ok());
    CHECK(lab.rows.empty()); // data sources are not recorded
}

TEST_CASE("http: retries") {
    const Server server;
    Lab lab;
    const Lab::Run run =
        lab.plan(http("url: " + server.url("/later") + ", retries: 2, retry_delay: 1ms",
                      "b: \"${data.a.response_body}\""));
    CHECK(run.steps.outputs["b"] == Value("asked 3"));
    CHECK(server.asked() == 3);
    std::string dead;
    {
        const Server gone;
        dead = gone.url("/");
    }
    const Lab::Run failed = lab.plan(http("url: " + dead + ", retries: 1, retry_delay: 1ms", ""));
    CHECK(failed.plan.starts_with("data.a: \"127.0.0.1:"));
    CHECK(failed.plan.find("does not respond") != std::string::npos);
    CHECK(lab.plan(http("url: ftp://x/", "")).plan ==
          "url has to begin with http:// or https://; ");
    CHECK(lab.plan(http("url: http://x/, request_headers: {\"a b\": c}", "")).plan ==
          "\"a b\" is not a header name; ");
}

TEST_CASE("http: secrets do not follow a redirect to another host") {
    const Server server, other;
    Lab lab;
    const auto asked = [&](const std::string& to, int status) {
        const Lab::Run run = lab.plan(fmt::format(R"(
name: t
variables: {{token: {{type: string, secret: true, default: abcdefgh}}}}
data:
  a:
    type: http
    url: {}
    method: POST
    request_body: "${{var.token}}"
    request_headers: {{X-To: "{}", Authorization: plain, X-Secret: "${{var.token}}", X-Plain: x, Cookie: y}}
outputs: {{b: "${{data.a.response_body}}"}}
)",
                                                  server.url(fmt::format("/to/{}", status)), to));
        INFO(run.plan);
        REQUIRE(run.steps.outputs["b"].is_string());
        return run.steps.outputs["b"].as_string();
    };
    CHECK(asked("/tell", 307) == "POST a=plain s=abcdefgh p=x c=y b=abcdefgh");
    CHECK(asked("/tell", 302) == "GET a=plain s=abcdefgh p=x c=y b=");
    CHECK(asked(other.url("/tell"), 307) == "POST a= s= p=x c= b=");
    CHECK(asked(other.url("/tell"), 302) == "GET a= s= p=x c= b=");
    CHECK(lab.plan(http("url: " + server.url("/loop"), ""))
              .plan.find("redirects more than 10 times") != std::string::npos);
}

TEST_CASE("http: a response to a request with a secret is secret, its status is not") {
    const Server server;
    Lab lab;
    const Lab::Run run = lab.plan(R"(
name: t
variables: {token: {type: string, secret: true, default: abcdefgh}}
data:
  a: {type: http, url: ")" + server.url("/json") +
                                  R"(", request_headers: {Authorization: "${var.token}"}}
outputs: {s: "${data.a.status_code}", b: "${data.a.response_body}"}
)");
    CHECK(run.steps.outputs["b"].secret());
    CHECK(run.steps.outputs["s"] == Value(200));
    CHECK_FALSE(run.steps.outputs["s"].secret());
}

TEST_CASE("a data source with known inputs is read before planning") {
    Lab lab;
    lab.write("in", "one");
    const std::string spec = R"(
name: t
data:
  in: {type: local.file_content, path: in}
  said: {type: local.command, run: "cat; echo $X", input: "${data.in.content} ", environment: {X: y}}
  both: {type: local.command, for_each: [a, b], run: "echo ${each.key}"}
resources:
  out: {type: local.file, path: out, content: "${data.said.outputs.stdout} ${data.both[\"b\"].outputs.stdout}"}
outputs: {all: "${data.both[*].outputs.stdout}", sum: "${data.in.sha256}"}
)";
    const Lab::Run first = lab.apply(spec);
    CHECK(first.plan == "create out");
    CHECK(first.step("out").after.text("content") == "one y b");
    CHECK(lab.text("out") == "one y b");
    CHECK(first.steps.outputs["all"] == Value::map({{"a", "a"}, {"b", "b"}}));
    CHECK(lab.plan(spec).plan == "");
    lab.write("in", "two");
    CHECK(lab.apply(spec).plan == "update out (content,sha256)");
    CHECK(lab.text("out") == "two y b");
    REQUIRE(lab.rows.size() == 1);
    CHECK(lab.rows[0].depends_on.empty()); // a data source is not recorded as a dependency
}

TEST_CASE("a data source that depends on a change is read during apply") {
    Lab lab;
    const std::string spec = R"(
name: t
variables: {text: {type: string, default: first}}
data:
  copy: {type: local.file_content, path: a, depends_on: [a]}
  more: {type: local.command, run: "cat a; echo ' ${id.hex}'"}
resources:
  id: {type: random.id, depends_on: [a]}
  a: {type: local.file, path: a, content: "${var.text}"}
  b: {type: local.file, path: b, content: "${data.copy.content}"}
  c: {type: local.file, path: c, content: "${data.more.outputs.stdout}", depends_on: [a]}
)";
    const Lab::Run first = lab.apply(spec);
    CHECK(first.plan == "create a; read data.copy; create id; create b; read data.more; create c");
    CHECK(first.step("data.copy").reason == "a must be applied first");
    CHECK(first.step("data.more").reason == "run is known only after apply");
    REQUIRE_MESSAGE(first.ok(), errors_of(first));
    CHECK(first.result.count(StepResult::read) == 2);
    CHECK(lab.text("b") == "first");
    CHECK(lab.rows.size() == 4);
    CHECK(lab.plan(spec).plan == "");

    std::string other = spec;
    other.replace(other.find("first"), 5, "second");
    const Lab::Run second = lab.apply(other);
    CHECK(second.plan == "update a (content,sha256); read data.copy; update b (content)");
    CHECK(second.ok());
    CHECK(lab.text("b") == "second");
    CHECK(lab.plan(other).plan.starts_with("update c")); // read before the change of a

    // dependents are removed first, also those that depend through a data source
    const Lab::Run destroyed = lab.destroy(other);
    CHECK(destroyed.ok());
    CHECK(destroyed.plan.find("remove b") < destroyed.plan.find("remove a"));
    CHECK(destroyed.plan.find("remove c") < destroyed.plan.find("remove id"));
}

TEST_CASE("an unreadable data source is an error of the plan, or of its step") {
    Lab lab;
    CHECK(lab.plan("name: t\ndata: {a: {type: local.file_content, path: none}}\n")
              .plan.starts_with("data.a: cannot open"));
    CHECK(
        lab.plan("name: t\ndata: {a: {type: local.command, run: 'echo no >&2; exit 4'}}\n").plan ==
        "data.a: `run` ended with exit status 4 [no]; ");
    const Lab::Run run = lab.apply(R"(
name: t
data: {a: {type: local.file_content, path: none, depends_on: [x]}}
resources:
  x: {type: fake.thing, name: x}
  y: {type: fake.thing, name: y, value: "${data.a.content}"}
)");
    CHECK(run.plan == "create x; read data.a; create y");
    CHECK(errors_of(run).starts_with("data.a: cannot open"));
    CHECK(lab.world.changes() == std::vector<std::string>{"create x"});
}

TEST_CASE("a data source that fails is read again after the changes that it refers to") {
    Lab lab;
    const auto spec = [](int value) {
        return fmt::format(R"(
name: t
resources: {{x: {{type: fake.thing, name: x, value: v{}}}}}
data: {{a: {{type: local.command, run: "grep -q yes in && echo ${{x.name}}"}}}}
outputs: {{a: "${{data.a.outputs.stdout}}"}}
)",
                           value);
    };
    lab.write("in", "yes");
    REQUIRE(lab.apply(spec(1)).ok());
    CHECK(lab.plan(spec(2)).plan == "update x (value,shout); read data.a");
    CHECK(lab.plan(spec(1)).plan == "");
    lab.write("in", "no");
    CHECK(lab.plan(spec(1)).plan == "data.a: `run` ended with exit status 1; ");
    CHECK(lab.plan(spec(2)).plan == "update x (value,shout); read data.a");
}

TEST_CASE("data sources in modules, with inputs and outputs") {
    Lab lab;
    std::filesystem::create_directory(lab.path("m"));
    lab.write("m/module.yaml", R"(
variables: {name: {type: string}}
data: {in: {type: local.command, run: "echo ${var.name}!"}}
outputs: {said: "${data.in.outputs.stdout}"}
)");
    const std::string spec = R"(
name: t
modules: {m: {source: m, with: {name: hi}}}
resources: {out: {type: local.file, path: out, content: "${module.m.said}"}}
)";
    REQUIRE(lab.apply(spec).ok());
    CHECK(lab.text("out") == "hi!");
    CHECK(lab.plan(spec).plan == "");
}
