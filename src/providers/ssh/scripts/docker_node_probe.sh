#!/bin/sh
# On the node. Variables: marker (path).
# If the daemon is down, Docker's state files show whether the node is in a swarm.
identity=
{ read -r identity <"$marker"; } 2>/dev/null
command -v dockerd >/dev/null || { echo none; exit 0; }
if ! docker_up; then
    if [ -e /var/lib/docker/swarm/docker-state.json ]; then echo stopped; else echo none; fi
    exit 0
fi
echo "up $identity"
# A failure of the last query must not fail the probe: the network or the task may just have gone.
perl -e "$docker_perl"'
    my @answers = map { [ask("GET", $_, "")] } "/info", "/nodes";
    my ($node) = $answers[0][2] =~ /"NodeID":"(\w+)"/;
    my @lost = $answers[0][2] =~ /"ControlAvailable":true/ ? eval { undiscovered($node) } : ();
    print "undiscovered ", join(", ", @lost), "\n" if @lost;
    printf "reply %d %d %s\n%s\n", $_->[0], length $_->[2], $_->[1], $_->[2] for @answers;'
