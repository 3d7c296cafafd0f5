#!/bin/sh
# Before any change: detects problems that would make a deploy fail after it has already removed
# services. Variables: ports ("5000 53/udp", of the compose file), externals (lines "network
# NAME").
docker_up || { echo "Docker does not run; start it (systemctl start docker)" >&2; exit 1; }
[ -z "$ports$externals" ] || perl -e "$docker_perl"'
    my ($stack, $ports, $externals) = @ARGV;
    my @wrong;
    my %wanted = map { $_ => 1 } split " ", $ports;
    for my $service (@{get("/services")}) {
        my $labels = $service->{Spec}{Labels} // {};
        my $other = $labels->{"com.docker.stack.namespace"} // "";
        next if $other eq $stack;
        for my $port (@{$service->{Endpoint}{Ports} // $service->{Spec}{EndpointSpec}{Ports} // []}) {
            next if ($port->{PublishMode} // "ingress") eq "host";
            my $name = ($port->{PublishedPort} // 0) . ($port->{Protocol} eq "tcp" ? "" : "/$port->{Protocol}");
            push @wrong, "port $name is already published by the service $service->{Spec}{Name}" if $wanted{$name};
        }
    }
    for (split /\n/, $externals) {
        my ($kind, $name) = split " ", $_, 2;
        my ($status) = ask("GET", "/${kind}s/$name", "");
        push @wrong, "the external $kind $name does not exist" if $status == 404;
    }
    exit 0 unless @wrong;
    print STDERR "hadeploy: nothing was changed: ", join("; ", @wrong), "\n";
    exit 1;' "$stack" "$ports" "$externals"
