#pragma once

#include <string_view>

/// The scripts of docker.stack, each to stand behind docker::functions() and the assignment of the
/// variables that it names. In all of them: stack (name), by_stack and by_identity (filters of list
/// requests: the stack's own objects, and the config object that tells whose stack it is).
namespace hadeploy::ssh::docker {

inline constexpr std::string_view kStackProbe =
    R"sh(command -v dockerd >/dev/null || { echo none; exit 0; }
if ! docker_up; then
    if [ -e /var/lib/docker/swarm/docker-state.json ]; then echo stopped; else echo none; fi
    exit 0
fi
docker_get "/services?$by_stack" "/configs?$by_identity"
)sh";

/// A reader of JSON for perl programs behind $docker_perl (perl-base has none): `get PATH` is what
/// Docker answers, as perl's hashes and lists; it dies with Docker's message when that is an error.
/// Numbers stay texts, true and false are 1 and "".
inline constexpr std::string_view kStackJson = R"sh(docker_perl=$docker_perl'
    sub json {
        my $t = shift;
        $$t =~ /\G\s*/gc;
        if ($$t =~ /\G\{/gc) {
            my %map;
            while ($$t =~ /\G[\s,]*"((?:[^"\\]++|\\.)*+)"\s*:/gc) { my $key = $1; $map{$key} = json($t) }
            $$t =~ /\G\s*\}/gc or die "Docker answered something that is no JSON\n";
            return \%map;
        }
        if ($$t =~ /\G\[/gc) {
            my @list;
            until ($$t =~ /\G[\s,]*\]/gc) { $$t =~ /\G[\s,]*/gc; push @list, json($t) }
            return \@list;
        }
        if ($$t =~ /\G"((?:[^"\\]++|\\.)*+)"/gc) { my $s = $1; $s =~ s/\\n/ /g; $s =~ s/\\(["\\\/])/$1/g; return $s }
        return 1 if $$t =~ /\Gtrue/gc;
        return "" if $$t =~ /\Gfalse/gc;
        return undef if $$t =~ /\Gnull/gc;
        return $1 if $$t =~ /\G(-?[0-9][-+.eE0-9]*)/gc;
        die "Docker answered something that is no JSON\n";
    }
    sub get {
        my ($status, $server, $body) = ask("GET", shift, "");
        my $answer = json(\$body);
        die(($answer->{message} // "status $status") . "\n") unless $status == 200;
        return $answer;
    }'
)sh";

/// Before anything is changed: what would make a deploy fail when it has already taken services
/// away. Variables: ports ("5000 53/udp", of the compose file), externals (lines "network NAME").
inline constexpr std::string_view kStackPossible =
    R"sh(docker_up || { echo "Docker does not run; start it (systemctl start docker)" >&2; exit 1; }
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
            push @wrong, "port $name is published by the service $service->{Spec}{Name} already" if $wanted{$name};
        }
    }
    for (split /\n/, $externals) {
        my ($kind, $name) = split " ", $_, 2;
        my ($status) = ask("GET", "/${kind}s/$name", "");
        push @wrong, "there is no $kind $name, which the compose file calls external" if $status == 404;
    }
    exit 0 unless @wrong;
    print STDERR "hadeploy: nothing was changed: ", join("; ", @wrong), "\n";
    exit 1;' "$stack" "$ports" "$externals"
)sh";

/// Before anything is made: is there a stack of the name that is somebody else's? Then a config
/// object of ours is made, the first of the stack's objects, whose labels make it part of the stack
/// (`docker stack rm` takes it along) and tell whose it is. Variables: identity.
inline constexpr std::string_view kStackOwn =
    R"sh(answers=$(docker_get "/services?$by_stack" "/configs?$by_identity")
own() {
    case $(docker_get "/configs?$by_identity") in *'"hadeploy.identity":"'"$identity"'"'*) return 0;; esac
    printf %s "$note" | docker config create \
        --label com.docker.stack.namespace="$stack" --label hadeploy.identity="$identity" \
        "hadeploy.stack.$stack" -
}
case $answers in
*'not a swarm manager'*) echo "this host is no manager of a swarm; name the managers first in \`hosts\`" >&2; exit 1;;
*'does not have a leader'*) echo "the swarm has lost its quorum; start the other managers, then apply again" >&2; exit 1;;
esac
case $answers in *'"hadeploy.identity":"'"$identity"'"'*) ;; *)
    case $answers in *'"com.docker.stack.namespace":"'"$stack"'"'*)
        echo "there is a stack \"$stack\" that hadeploy did not make; choose another name, or remove it: docker stack rm $stack" >&2
        exit 1;;
    esac
    docker_again own;;
esac
)sh";

/// Variables: options (words), names (the second compose file, or ""), files (set up by the caller:
/// a function that writes the local files that the compose file names into the current directory).
/// Reads the compose file.
inline constexpr std::string_view kStackDeploy = R"sh(directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
cat >compose.yml
files
if [ -n "$names" ]; then
    printf %s "$names" >names.yml
    options="$options -c compose.yml -c names.yml"
else
    options="$options -c compose.yml"
fi
docker_again docker stack deploy $options "$stack"
)sh";

/// Waits until every service runs what was deployed: as many tasks of its present version as it is
/// to have, each running (which a task with a health check is only when that has succeeded), and
/// that for five seconds, as `docker service update` does; a job, or a task that is not to be
/// started again, has ended well. Ends at once when the swarm has paused or rolled back an update.
/// Variables: seconds.
inline constexpr std::string_view kStackWait = R"sh(perl -e "$docker_perl"'
    my ($stack, $seconds) = @ARGV;
    my $label = "%22com.docker.stack.namespace=$stack%22";
    my $own = "filters=%7B%22label%22:%5B$label%5D";
    my %names;
    my $errors = sub { # of a service: each error with one task that has it, the newest first
        my ($service) = @_;
        my (%seen, @said);
        for my $task (sort { $b->{Status}{Timestamp} cmp $a->{Status}{Timestamp} } @{get("/tasks?$own%7D")}) {
            my $error = $task->{Status}{Err} // "";
            next if $task->{ServiceID} ne $service->{ID} || $error eq "" || $seen{$error}++;
            my $node = $task->{NodeID} // "";
            if ($node ne "" && !$names{$node}) { $names{$node} = eval { get("/nodes/$node")->{Description}{Hostname} } // $node }
            my $where = $node eq "" ? "no node" : $names{$node};
            my $slot = $task->{Slot} ? ".$task->{Slot}" : "";
            push @said, "$service->{Spec}{Name}$slot on $where: $task->{Status}{State}: $error";
            last if @said == 4;
        }
        return @said;
    };
    my $give_up = sub {
        my ($service, $text) = @_;
        my @said = eval { $errors->($service) };
        print STDERR map { "$_\n" } @said;
        print STDERR "hadeploy: $text", (@said ? ": $said[0]" : ""), "\n";
        exit 1;
    };
    # What is missing of a service, "" when nothing is.
    my $missing = sub {
        my ($service, $tasks) = @_;
        my $mode = $service->{Spec}{Mode};
        my $status = $service->{ServiceStatus} // {};
        my $name = $service->{Spec}{Name};
        if (my $job = $mode->{ReplicatedJob}) {
            my $total = $job->{TotalCompletions} // $job->{MaxConcurrent} // 1;
            my $done = $status->{CompletedTasks} // 0;
            return $done >= $total ? "" : "$name: $done of $total tasks have ended well";
        }
        if ($mode->{GlobalJob}) {
            my $left = $status->{DesiredTasks} // 0;
            return $left == 0 ? "" : "$name: $left tasks have not ended yet";
        }
        my $restart = $service->{Spec}{TaskTemplate}{RestartPolicy}{Condition} // "any";
        my (%good, %wanted);
        for my $task (@$tasks) {
            next if $task->{ServiceID} ne $service->{ID};
            my $place = $task->{Slot} || $task->{NodeID} || $task->{ID};
            my $state = $task->{Status}{State};
            my $running = $task->{DesiredState} eq "running";
            $wanted{$place} = 1 if $running;
            $good{$place} = 1 if $state eq "running" && $running || $state eq "complete" && $restart ne "any";
            $give_up->($service, "$name: a task that is not to be started again has failed")
                if $restart eq "none" && ($state eq "failed" || $state eq "rejected");
        }
        my $total = $mode->{Replicated} ? $mode->{Replicated}{Replicas} // 1 : scalar(keys %wanted);
        my $done = scalar(grep { $mode->{Replicated} || $wanted{$_} } keys %good);
        return $done >= $total ? "" : "$name: $done of $total tasks run";
    };
    my $began = time;
    my $good_since = 0;
    while (1) {
        my ($behind, $why) = (undef, "");
        my $services = eval { get("/services?status=true&$own%7D") };
        my $tasks = eval { get("/tasks?$own,%22_up-to-date%22:%5B%22true%22%5D%7D") };
        $why = $@ unless $services && $tasks;
        for my $service (@{$why eq "" ? $services : []}) {
            my $update = $service->{UpdateStatus} // {};
            my $state = $update->{State} // "";
            my $name = $service->{Spec}{Name};
            my $said = $update->{Message} ? " ($update->{Message})" : "";
            $give_up->($service, "the swarm rolled back the update of $name$said") if $state eq "rollback_completed";
            $give_up->($service, "the swarm stopped rolling back $name$said") if $state eq "rollback_paused";
            $give_up->($service, "the swarm paused the update of $name$said") if $state eq "paused";
            my $lack = $missing->($service, $tasks);
            $lack = "$name: its update is not complete" if $lack eq "" && $state eq "updating";
            $lack = "$name: it is being rolled back$said" if $state eq "rollback_started";
            ($behind, $why) = ($service, $lack) if $lack ne "" && !$behind;
        }
        my $now = time;
        if ($why eq "") {
            $good_since ||= $now;
            exit 0 if $now - $good_since >= 5;
        } else {
            $good_since = 0;
            chomp $why;
            if ($now - $began >= $seconds) {
                my $waited = $now - $began;
                $give_up->($behind, "$why after $waited s") if $behind;
                print STDERR "hadeploy: after $waited s: $why\n";
                exit 1;
            }
        }
        sleep 1;
    }' "$stack" "$seconds"
)sh";

/// Removes configs and secrets of the stack that were named by their contents and are in use no
/// more; one that is in use refuses to go. Variables: current (names that stay, between spaces).
inline constexpr std::string_view kStackClean = R"sh(for kind in config secret; do
    for name in $(docker "$kind" ls --filter "label=com.docker.stack.namespace=$stack" --format '{{.Name}}'); do
        case $name in "$stack"_*_[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]) ;;
        *) continue;;
        esac
        case $current in *" $name "*) ;; *) docker "$kind" rm "$name" >/dev/null 2>&1 || :;; esac
    done
done
)sh";

/// Notes on the config object what is now deployed, so that any later run can read it back.
/// Variables: sha256, note64 (note in base64: an update has to tell the unchanged text again).
inline constexpr std::string_view kStackNote = R"sh(note_deployed() {
    answer=$(docker_get "/configs?$by_identity")
    id=${answer#*'"ID":"'} version=${answer#*'"Index":'}
    id=${id%%'"'*} version=${version%%[!0-9]*}
    answer=$(printf '{"Name":"hadeploy.stack.%s","Data":"%s","Labels":{"com.docker.stack.namespace":"%s","hadeploy.identity":"%s","hadeploy.sha256":"%s"}}' \
        "$stack" "$note64" "$stack" "$identity" "$sha256" | docker_post "/configs/$id/update?version=$version")
    case $answer in "reply 200 "*) ;; *) printf '%s\n' "$answer" >&2; return 1;; esac
}
docker_again note_deployed
)sh";

/// Networks stay in use until the last task is gone, so that it takes more than one round.
inline constexpr std::string_view kStackRemove =
    R"sh(docker_up || { echo "Docker does not run; start it (systemctl start docker)" >&2; exit 1; }
answers=$(docker_get "/services?$by_stack" "/configs?$by_identity")
case $answers in
*'not a swarm manager'*|*'does not have a leader'*) echo "this host is no manager of a swarm with a quorum" >&2; exit 1;;
*'"hadeploy.identity":"'"$identity"'"'*) ;;
*'"com.docker.stack.namespace":"'"$stack"'"'*) echo "the stack \"$stack\" is not ours any more: it was made anew by somebody else" >&2; exit 1;;
esac
round=0
while :; do
    said=$(docker stack rm "$stack" 2>&1) || :
    began=$(seconds)
    until late "$began" 15; do
        left=$(docker_get "/services?$by_stack" "/tasks?$by_stack" "/networks?$by_stack")
        case $left in *'"ID":'*|*'"Id":'*) ;; *) exit 0;; esac
        case $left in *'"State":"running"'*) ;; *) ! late "$began" 2 || break;; esac
        sleep 1
    done
    round=$((round + 1))
    if [ $round -ge 6 ]; then
        # what is left belongs to nodes that are down: the swarm drops it when it gives them up
        left=$(docker_get "/services?$by_stack" "/networks?$by_stack")
        case $left in *'"ID":'*|*'"Id":'*) printf '%s\n' "$said" >&2; exit 1;; esac
        exit 0
    fi
done
)sh";

} // namespace hadeploy::ssh::docker
