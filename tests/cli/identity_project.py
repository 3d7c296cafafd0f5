"""Projects whose objects get other addresses, or are replaced in an order."""
import json

from local_project import Project


class IdentityProject(Project):
    def plan(self, *words):
        """The plan as JSON; its exit code has to tell whether it is empty."""
        text = self.run_it("plan", "--json", *words)
        plan = json.loads(text.splitlines()[-1])
        something = plan["steps"] or plan["moved"] or plan["output_changes"]
        self.run_it("plan", "--detailed-exitcode", *words, code=2 if something else 0)
        return plan

    def moves(self, *words):
        return {(m["from"], m["to"]) for m in self.plan(*words)["moved"]}

    def assert_settled(self, *words):
        plan = self.plan(*words)
        self.assertEqual((plan["steps"], plan["moved"]), ([], []))

    def addresses(self):
        return self.run_it("state", "list").split()

    def files(self):
        return sorted(p.name for p in self.path.rglob("*.txt"))

    def log(self):
        """What commands have written since the last call."""
        log = self.path / "log"
        lines = log.read_text().split() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines
