#pragma once

#include <string_view>

/// The scripts of docker.stack. Each follows docker::functions() and the assignment of its
/// variables. All use: stack (name), by_stack and by_identity (filters of list requests: the
/// objects of the stack, and the config object that identifies its owner).
namespace hadeploy::ssh::docker {

inline constexpr std::string_view kStackProbe =
    R"sh(command -v dockerd >/dev/null || { echo none; exit 0; }
if ! docker_up; then
    if [ -e /var/lib/docker/swarm/docker-state.json ]; then echo stopped; else echo none; fi
    exit 0
fi
docker_get "/services?$by_stack" "/configs?$by_identity"
)sh";

/// A JSON parser for perl programs after $docker_perl (perl-base has none). `get PATH` returns
/// Docker's answer as perl hashes and lists, or dies with Docker's message if the answer is an
/// error. Numbers stay strings; true and false are 1 and "".
inline constexpr std::string_view kStackJson = R"sh(docker_perl=$docker_perl'
    sub json {
        my $t = shift;
        $$t =~ /\G\s*/gc;
        if ($$t =~ /\G\{/gc) {
            my %map;
            while ($$t =~ /\G[\s,]*"((?:[^"\\]++|\\.)*+)"\s*:/gc) { my $key = $1; $map{$key} = json($t) }
            $$t =~ /\G\s*\}/gc or die "Docker answered with something other than JSON\n";
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
        die "Docker answered with something other than JSON\n";
    }
    sub get {
        my ($status, $server, $body) = ask("GET", shift, "");
        my $answer = json(\$body);
        die(($answer->{message} // "status $status") . "\n") unless $status == 200;
        return $answer;
    }'
)sh";

/// Before any change: detects problems that would make a deploy fail after it has already removed
/// services. Variables: ports ("5000 53/udp", of the compose file), externals (lines "network
/// NAME").
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
)sh";

/// Before any object is created: fails if a stack of that name belongs to somebody else. Then
/// creates our config object, the first object of the stack. Its labels make it part of the stack
/// (so `docker stack rm` removes it) and identify the owner. Variables: identity.
inline constexpr std::string_view kStackOwn =
    R"sh(answers=$(docker_get "/services?$by_stack" "/configs?$by_identity")
own() {
    case $(docker_get "/configs?$by_identity") in *'"hadeploy.identity":"'"$identity"'"'*) return 0;; esac
    printf %s "$note" | docker config create \
        --label com.docker.stack.namespace="$stack" --label hadeploy.identity="$identity" \
        "hadeploy.stack.$stack" -
}
case $answers in
*'not a swarm manager'*) echo "this host is not a swarm manager; list the managers first in \`hosts\`" >&2; exit 1;;
*'does not have a leader'*) echo "the swarm has lost its quorum; start the other managers, then apply again" >&2; exit 1;;
esac
case $answers in *'"hadeploy.identity":"'"$identity"'"'*) ;; *)
    case $answers in *'"com.docker.stack.namespace":"'"$stack"'"'*)
        echo "there is a stack \"$stack\" that hadeploy did not create; choose another name, or remove it: docker stack rm $stack" >&2
        exit 1;;
    esac
    docker_again own;;
esac
)sh";

/// Variables: options (words), names (the second compose file, or ""), files (a function of the
/// caller that writes the local files named in the compose file into the current directory). Reads
/// the compose file from standard input.
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

/// Waits until every service runs what was deployed: the wanted number of tasks of the current
/// version run for five seconds, as in `docker service update`. (A task with a health check runs
/// only when the check has succeeded.) A job, or a task that is not restarted, must have ended
/// successfully. Fails at once if the swarm has paused or rolled back an update. Variables:
/// seconds.
inline constexpr std::string_view kStackWait = R"sh(perl -e "$docker_perl"'
    my ($stack, $seconds) = @ARGV;
    my $label = "%22com.docker.stack.namespace=$stack%22";
    my $own = "filters=%7B%22label%22:%5B$label%5D";
    my %names;
    my $errors = sub { # the errors of a service, newest first, each once with one of its tasks
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
    # What a service is still waiting for; "" if it is complete.
    my $missing = sub {
        my ($service, $tasks) = @_;
        my $mode = $service->{Spec}{Mode};
        my $status = $service->{ServiceStatus} // {};
        my $name = $service->{Spec}{Name};
        if (my $job = $mode->{ReplicatedJob}) {
            my $total = $job->{TotalCompletions} // $job->{MaxConcurrent} // 1;
            my $done = $status->{CompletedTasks} // 0;
            return $done >= $total ? "" : "$name: $done of $total tasks have succeeded";
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
            $give_up->($service, "$name: a task that is not restarted has failed")
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

/// Removes unused configs and secrets of the stack that were named by their content; Docker refuses
/// to remove those in use. Variables: current (names to keep, separated by spaces).
inline constexpr std::string_view kStackClean = R"sh(for kind in config secret; do
    for name in $(docker "$kind" ls --filter "label=com.docker.stack.namespace=$stack" --format '{{.Name}}'); do
        case $name in "$stack"_*_[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]) ;;
        *) continue;;
        esac
        case $current in *" $name "*) ;; *) docker "$kind" rm "$name" >/dev/null 2>&1 || :;; esac
    done
done
)sh";

/// Records the deployed version on the config object, so that any later run can read it back.
/// Variables: sha256, note64 (note in base64: an update must repeat the unchanged content).
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

/// Networks stay in use until the last task is gone, so removal takes more than one round.
inline constexpr std::string_view kStackRemove =
    R"sh(docker_up || { echo "Docker does not run; start it (systemctl start docker)" >&2; exit 1; }
answers=$(docker_get "/services?$by_stack" "/configs?$by_identity")
case $answers in
*'not a swarm manager'*|*'does not have a leader'*) echo "this host is not a manager of a swarm with a quorum" >&2; exit 1;;
*'"hadeploy.identity":"'"$identity"'"'*) ;;
*'"com.docker.stack.namespace":"'"$stack"'"'*) echo "the stack \"$stack\" no longer belongs to hadeploy: somebody else has created it again" >&2; exit 1;;
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
        # the rest belongs to nodes that are down; the swarm drops it once it gives them up
        left=$(docker_get "/services?$by_stack" "/networks?$by_stack")
        case $left in *'"ID":'*|*'"Id":'*) printf '%s\n' "$said" >&2; exit 1;; esac
        exit 0
    fi
done
)sh";

} // namespace hadeploy::ssh::docker
