#!/bin/sh
# Creates, updates or removes an object of the Docker API that carries the label hadeploy.identity. A run
# that was killed may have done so already. Arguments: the paths of list requests. Variables: action, kind
# ("network"), name, identity, by_id ("yes": the identity may be the ID of an imported object), path
# ("/networks/"), in_use (begins the error if something uses the object), patience
# (seconds for which a removal waits then). Standard input of a create or update: the body of the request.
docker_up || { echo "hadeploy: Docker does not run on the host; start it (systemctl start docker)" >&2; exit 1; }
perl -e "$docker_perl"'
    my ($action, $kind, $name, $identity, $by_id, $path, $in_use, $patience, @lists) = @ARGV;
    my $body = $action eq "remove" ? "" : do { local $/; <STDIN> };
    my $removed = 0;
    sub refuse { print STDERR "hadeploy: @_\n"; exit 1 }
    sub objects {
        return map { my $all = get($_); @{(ref $all eq "HASH" ? $all->{Volumes} : $all) // []} } @lists;
    }
    sub name_of {
        my ($o) = @_;
        return $o->{Names} ? substr($o->{Names}[0], 1) : $o->{Spec} ? $o->{Spec}{Name} : $o->{Name};
    }
    sub id_of { $_[0]{Id} // $_[0]{ID} // $_[0]{Name} }
    sub is_ours {
        my ($o) = @_;
        my $label = ($o->{Spec} // $o)->{Labels}{"hadeploy.identity"};
        return defined $label ? $label eq $identity : $by_id && id_of($o) eq $identity;
    }
    # Returns "" if the object is as it should be, otherwise why it is not.
    sub attempt {
        my @all = objects();
        my ($mine) = grep { is_ours($_) } @all;
        return "" if $action eq "create" ? $mine : $action eq "remove" && !$mine;
        refuse("there is a $kind $name that this resource did not create") if $action eq "create" && grep { name_of($_) eq $name } @all;
        refuse("the $kind $name is gone") if !$mine && $action eq "update";
        return "Docker still lists the $kind $name" if $removed;
        my $id = $mine ? id_of($mine) : "";
        my ($status, $server, $answer) =
            $action eq "create" ? ask("POST", "${path}create", $body)
            : $action eq "update" ? ask("POST", "$path$id/update?version=$mine->{Version}{Index}", $body)
            : ask("DELETE", "$path$id", "");
        if ($status =~ /^2/) {
            return "" if $action ne "remove";
            $removed = 1;
            return attempt();
        }
        return attempt() if $status == 404 && $action eq "remove" && !$removed++;
        my ($message) = $answer =~ /"message":"((?:[^"\\]|\\.)*)"/;
        $message //= "status $status";
        $message =~ s/\\n/ /g;
        $message =~ s/\\(["\\\/])/$1/g;
        return $message;
    }
    my $began = time;
    while (1) {
        my $why = eval { attempt() };
        $why = $@ unless defined $why;
        exit 0 if $why eq "";
        chomp $why;
        my $used = $action eq "remove" && $why =~ /in use|active endpoints/;
        my $busy = $removed || $why =~ /DeadlineExceeded|deadline exceeded|out of sequence|code = Unavailable|does not have a leader/;
        my $limit = $used ? $patience : $busy ? 180 : 0;
        if (time - $began >= $limit) {
            refuse("the host is not a swarm manager; list the managers first in `hosts`") if $why =~ /not a swarm manager/;
            refuse($used ? "$in_use $name: $why" : "$why");
        }
        sleep 1;
    }' "$action" "$kind" "$name" "$identity" "$by_id" "$path" "$in_use" "$patience" "$@"
