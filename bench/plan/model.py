"""One model in several shapes, as a spec of hadeploy and as a configuration of the peers.

Both contain the same resources without effect (`local.value`, `terraform_data`), whose inputs refer to
each other.

  fanout    one root, all others refer to its output
  chain     each refers to the identity of the previous one
  layered   layers of 100, each refers to two of the previous layer
  count     one block with count
  for_each  one block with for_each over a computed map
  modules   instances of a module of ten resources in a chain
  flat      no references at all
"""
import json
import pathlib
import random
import uuid

LAYER = 100
SHAPES = ("fanout", "chain", "layered", "count", "for_each", "modules", "flat")


def inputs(shape, n, seed=1):
    """(name, input) of each resource; an input is text, with {NAME.attribute} for references."""
    draw = random.Random(seed)
    if shape == "flat":
        return [(f"r{i}", f"value-{draw.randrange(10**6)}") for i in range(n)]
    if shape == "fanout":
        return [("r0", "root")] + [(f"r{i}", f"{{r0.output}}-{i}") for i in range(1, n)]
    if shape == "chain":
        return [("r0", "root")] + [(f"r{i}", f"{{r{i - 1}.id}}") for i in range(1, n)]
    if shape == "layered":
        out = []
        for i in range(n):
            base = (i // LAYER - 1) * LAYER
            a, b = base + i % LAYER, base + draw.randrange(LAYER)
            out.append((f"r{i}", f"leaf-{i}" if i < LAYER else f"{{r{a}.id}}/{{r{b}.id}}"))
        return out
    raise ValueError(shape)


def ours(shape, n, directory):
    """Writes hadeploy.yaml (and modules) into the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    lines = ["name: bench"]
    if shape == "count":
        lines += ["resources:", "  r:", "    type: local.value", f"    count: {n}",
                  '    input: "value-${count.index}"']
    elif shape == "for_each":
        lines += ["resources:", "  r:", "    type: local.value",
                  f'    for_each: "${{ {{for i in range({n}): \\"k${{i}}\\" => i}} }}"',
                  '    input: "value-${each.value}"']
    elif shape == "modules":
        ten = ["variables:", "  name: {type: string}", "resources:"]
        for i in range(10):
            value = "${var.name}" if i == 0 else f"${{r{i - 1}.id}}"
            ten += [f"  r{i}:", "    type: local.value", f'    input: "{value}"']
        (directory / "ten").mkdir(exist_ok=True)
        (directory / "ten" / "module.yaml").write_text("\n".join(ten) + "\n")
        lines += ["modules:", "  group:", "    source: ./ten",
                  f'    for_each: "${{[for i in range({n // 10}) : \\"g${{i}}\\"]}}"',
                  "    with: {name: \"${each.key}\"}"]
    else:
        lines.append("resources:")
        for name, value in inputs(shape, n):
            lines += [f"  {name}:", "    type: local.value",
                      '    input: "' + value.replace("{", "${") + '"']
    (directory / "hadeploy.yaml").write_text("\n".join(lines) + "\n")


def hcl_range(n):
    """range(n); Terraform's has at most 1,024 numbers, so a larger n has to be a multiple of 1,000."""
    return (f"range({n})" if n <= 1024 else
            f"flatten([for t in range({n // 1000}) : [for i in range(1000) : t * 1000 + i]])")


def theirs(shape, n, directory):
    """Writes main.tf (and modules) into the directory."""
    directory.mkdir(parents=True, exist_ok=True)

    def resource(name, value, more=""):
        return f'resource "terraform_data" "{name}" {{\n{more}  input = {value}\n}}\n'

    if shape == "count":
        text = resource("r", '"value-${count.index}"', f"  count = {n}\n")
    elif shape == "for_each":
        text = resource("r", '"value-${each.value}"',
                        f'  for_each = {{ for i in {hcl_range(n)} : "k${{i}}" => i }}\n')
    elif shape == "modules":
        ten = 'variable "name" {}\n' + resource("r0", "var.name") + "".join(
            resource(f"r{i}", f"terraform_data.r{i - 1}.id") for i in range(1, 10))
        (directory / "ten").mkdir(exist_ok=True)
        (directory / "ten" / "main.tf").write_text(ten)
        text = (f'module "group" {{\n  source   = "./ten"\n'
                f'  for_each = toset([for i in {hcl_range(n // 10)} : "g${{i}}"])\n'
                "  name     = each.key\n}\n")
    else:
        text = "".join(resource(name, '"' + value.replace("{", "${terraform_data.") + '"')
                       for name, value in inputs(shape, n))
    (directory / "main.tf").write_text(text)


def their_state(shape, n, directory):
    """Writes the terraform.tfstate of an apply, for peers whose apply takes too long."""
    ident = lambda name: str(uuid.uuid5(uuid.NAMESPACE_URL, name))
    resources = []

    def instance(value, name, key=None, deps=()):
        out = {"schema_version": 0, "sensitive_attributes": [], "identity_schema_version": 0,
               "attributes": {"id": ident(name), "triggers_replace": None,
                              "input": {"value": value, "type": "string"},
                              "output": {"value": value, "type": "string"}}}
        if key is not None:
            out["index_key"] = key
        if deps:
            out["dependencies"] = list(deps)
        return out

    def add(name, instances, module=None):
        entry = {"mode": "managed", "type": "terraform_data", "name": name,
                 "provider": 'provider["terraform.io/builtin/terraform"]', "instances": instances}
        resources.append({"module": module, **entry} if module else entry)

    if shape == "count":
        add("r", [instance(f"value-{i}", f"r{i}", i) for i in range(n)])
    elif shape == "for_each":
        add("r", [instance(f"value-{i}", f"r{i}", f"k{i}") for i in range(n)])
    elif shape == "modules":
        for g in range(n // 10):
            for i in range(10):
                value = f"g{g}" if i == 0 else ident(f"g{g}.r{i - 1}")
                deps = [f"module.group.terraform_data.r{k}" for k in range(i)]
                add(f"r{i}", [instance(value, f"g{g}.r{i}", None, deps)], f'module.group["g{g}"]')
    else:
        # The peers record transitive dependencies. For many resources the state would have gigabytes, so
        # it gets only the direct ones, which makes it faster to read for them.
        transitive = n <= 2000
        above = {}
        for name, value in inputs(shape, n):
            known = {"output": lambda r: "root", "id": ident}
            deps, out, rest = set(), "", value
            while "{" in rest:
                head, _, tail = rest.partition("{")
                reference, _, rest = tail.partition("}")
                target, _, attribute = reference.partition(".")
                out += head + known[attribute](target)
                deps |= {target} | (above[target] if transitive else set())
            if transitive:
                above[name] = deps
            add(name, [instance(out + rest, name, None,
                                sorted(f"terraform_data.{d}" for d in deps))])
    state = {"version": 4, "terraform_version": "1.6.0", "serial": 1, "lineage": ident("bench"),
             "outputs": {}, "resources": resources, "check_results": None}
    pathlib.Path(directory / "terraform.tfstate").write_text(json.dumps(state))
