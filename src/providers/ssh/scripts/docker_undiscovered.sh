#!/bin/sh
# For perl programs after docker_stack_json: `undiscovered NODE_ID` returns the services of which a
# task runs on this node, a manager, but is missing in the service discovery of a network: no name
# and no published port leads to such a task.
#
# Docker announces a task when its health check succeeds. If the manager assigns the task again in
# the meantime, as a new leader does, Docker stops waiting for the check, takes the task for running
# and never announces it (Start in moby's daemon/cluster/executor/container/controller.go, seen with
# Docker 26.1.5). A task that is being stopped is withdrawn first; only managers can tell the two
# apart.
# shellcheck disable=SC2016 # a perl program
docker_perl=$docker_perl'
    sub undiscovered {
        my $node = shift;
        my %running = map { $_->{ID} => 1 } grep { $_->{Status}{State} eq "running" }
            @{get("/tasks?filters=%7B%22node%22:%5B%22$node%22%5D,%22desired-state%22:%5B%22running%22%5D%7D")};
        my (%ends, %missing);
        for my $container (@{get("/containers/json?filters=%7B%22is-task%22:%5B%22true%22%5D%7D")}) {
            my $labels = $container->{Labels};
            next unless $running{$labels->{"com.docker.swarm.task.id"} // ""};
            # in its first minute, it may be about to be announced
            next if $container->{Status} =~ /second|health: starting|unhealthy/;
            for my $end (values %{$container->{NetworkSettings}{Networks} // {}}) {
                my $known = $ends{$end->{NetworkID}} //= do {
                    my $network = get("/networks/$end->{NetworkID}?verbose=true");
                    my @tasks = map { @{$_->{Tasks} // []} } values %{$network->{Services} // {}};
                    { overlay => $network->{Driver} eq "overlay", map { $_->{EndpointID} => 1 } @tasks };
                };
                next if !$known->{overlay} || $known->{$end->{EndpointID}};
                $missing{$labels->{"com.docker.swarm.service.name"}} = 1;
            }
        }
        return sort keys %missing;
    }'
