#include "chaos/experiment_keys.h"

namespace hadeploy::chaos::keys {

namespace {

Attribute text_key(std::string name, std::string doc, bool required = false) {
    return {.name = std::move(name),
            .type = TypeKind::string,
            .doc = std::move(doc),
            .required = required};
}

Attribute list(std::string name, std::string doc) {
    return {.name = std::move(name), .type = list_of(TypeKind::any), .doc = std::move(doc)};
}

Attribute any(std::string name, std::string doc) {
    return {.name = std::move(name), .doc = std::move(doc)};
}

Attribute type_of_provider() {
    return text_key("type", "http, tcp, process or hadeploy.", true);
}

Attribute timeout() {
    return any("timeout",
               "Time limit: seconds, or a duration such as \"30s\". Defaults to the setting "
               "`timeout` of the `chaos` section; for a process, to `patience`.");
}

const Schema& http() {
    static const Schema schema{
        type_of_provider(),
        text_key("url", "http or https.", true),
        {.name = "method",
         .type = TypeKind::string,
         .doc = "Method of the request.",
         .default_value = Value("GET")},
        {.name = "headers", .type = map_of(TypeKind::string), .doc = "Headers of the request."},
        any("arguments", "A map: query parameters of a GET request, form fields of other methods. "
                         "A string: the body."),
        timeout(),
        {.name = "verify_tls",
         .type = TypeKind::boolean,
         .doc = "Whether the server's certificate is checked.",
         .default_value = Value(true)}};
    return schema;
}

const Schema& tcp() {
    static const Schema schema{
        type_of_provider(),
        {.name = "host", .type = TypeKind::address, .doc = "Name or address.", .required = true},
        {.name = "port", .type = TypeKind::port, .doc = "Port to connect to.", .required = true},
        timeout()};
    return schema;
}

const Schema& process() {
    static const Schema schema{
        type_of_provider(),
        text_key("path", "The program: a path, or a name that is searched for in PATH.", true),
        any("arguments", "A list, a map (its keys and values in turn), or a string that the shell "
                         "splits."),
        timeout()};
    return schema;
}

const Schema& fault() {
    static const Schema schema{
        type_of_provider(),
        text_key("fault", "The fault to inject: drain, kill, ...", true),
        text_key("node", "Name of the node in the swarm.", true),
        any("hold", "How long the fault stays after the tasks have moved: seconds, or a duration. "
                    "Defaults to the setting `hold` of the `chaos` section."),
    };
    return schema;
}

const Schema& check() {
    static const Schema schema{
        type_of_provider(),
        {.name = "probe",
         .type = TypeKind::string,
         .doc = "The cluster to check.",
         .required = true,
         .one_of = {"swarm", "gluster"}},
        {.name = "check",
         .type = TypeKind::string,
         .doc = "Check only this part. Of the swarm: nodes, services or quorum. Of Gluster: quorum "
                "(of each volume's bricks), heal (nothing is left to heal) or split-brain. By "
                "default everything is checked.",
         .one_of = {"nodes", "services", "quorum", "heal", "split-brain"}}};
    return schema;
}

} // namespace

const Schema& experiment() {
    static const Schema schema{
        text_key("version", "Version of the format; ignored."),
        text_key("title", "Subject of the experiment.", true),
        text_key("description", "More information for readers."),
        list("tags", "Ignored."),
        any("contributions", "Ignored."),
        list("extensions", "Ignored."),
        {.name = "configuration",
         .type = map_of(TypeKind::any),
         .doc = "Values for `${name}` in the rest of the file: constants, or "
                "`{type: env, key: VARIABLE, default: VALUE}`."},
        {.name = "secrets", .type = map_of(TypeKind::any), .doc = "Not supported; must be empty."},
        list("controls", "Not supported; must be empty."),
        {.name = "runtime", .type = map_of(TypeKind::any), .doc = "Ignored: rollbacks always run."},
        {.name = "steady-state-hypothesis",
         .type = map_of(TypeKind::any),
         .doc = "The conditions that have to hold before and after the method."},
        {.name = "method",
         .type = list_of(TypeKind::any),
         .doc = "Actions and probes, in order.",
         .required = true},
        list("rollbacks", "Actions that run at the end in any case, in order. Faults of hadeploy "
                          "end by themselves and need none.")};
    return schema;
}

const Schema& hypothesis() {
    static const Schema schema{text_key("title", "The hypothesis as a sentence.", true),
                               {.name = "probes",
                                .type = list_of(TypeKind::any),
                                .doc = "Probes with a tolerance.",
                                .required = true},
                               list("controls", "Not supported; must be empty.")};
    return schema;
}

const Schema& activity() {
    static const Schema schema{
        {.name = "type",
         .type = TypeKind::string,
         .doc = "probe or action",
         .required = true,
         .one_of = {"probe", "action"}},
        text_key("name", "Shown in the report.", true),
        {.name = "provider",
         .type = map_of(TypeKind::any),
         .doc = "The request, program or fault to run; see the types of providers.",
         .required = true},
        any("tolerance", "Accepted results of a probe; required in the hypothesis."),
        {.name = "pauses",
         .type = map_of(TypeKind::any),
         .doc = "`before` and `after` the activity: seconds, or durations."},
        {.name = "background",
         .type = TypeKind::boolean,
         .doc = "Continue with the next activity immediately. A fault then stays until the end of "
                "the method, so that several faults can be active at the same time.",
         .default_value = Value(false)},
        list("controls", "Not supported; must be empty."),
        any("secrets", "Ignored.")};
    return schema;
}

const std::vector<std::string>& provider_types() {
    static const std::vector<std::string> types{"http", "tcp", "process", "hadeploy"};
    return types;
}

const Schema& provider(std::string_view type, bool action) {
    if (type == "http") return http();
    if (type == "tcp") return tcp();
    if (type == "process") return process();
    return action ? fault() : check();
}

} // namespace hadeploy::chaos::keys
