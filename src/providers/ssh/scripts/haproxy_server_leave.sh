#!/bin/sh
# Variables: socket, backend, server, seconds, force ("yes" or ""). In the state "drain" HAProxy still
# sends the requests of clients that are bound to the server, so "maint" follows.
[ -S "$socket" ] || exit 0
perl -e "$haproxy_perl"'
    my ($seconds, $force) = @ARGV;
    my %all = servers();
    my $row = $all{$server} or exit 0;
    my @others = map { $all{$_} } grep { $_ ne $server } sort keys %all;
    my @down = map { "$_->{svname} is $_->{status}" } grep { $_->{status} =~ /^(DOWN|NOLB)/ } @others;
    die "hadeploy: no other server of the backend $backend takes requests (", join(", ", @down), ")\n"
        if !$force && takes_requests($row) && @down && !grep { takes_requests($_) } @others;
    for my $state ("drain", "maint") {
        set_state("state $state");
        my $began = time;
        while (1) {
            $row = {servers()}->{$server} or exit 0;
            last if $row->{scur} == 0 || time - $began >= $seconds;
            select undef, undef, undef, 0.2;
        }
    }
    ask("shutdown sessions server $backend/$server") if $row->{scur} > 0;' "$socket" "$backend" "$server" "$seconds" "$force"
