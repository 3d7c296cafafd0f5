use strict;
use warnings;
# The first argument is "together" or "in turn"; each of the others is a shell command. Prints each line of their
# output as "NUMBER:LINE", and the end of a command as "NUMBER=STATUS", where NUMBER counts the commands from 0.
# Lines of different commands are never mixed.
$| = 1;
my ($how, @commands) = @ARGV;
my %running;
sub start {
    my ($number) = @_;
    open my $pipe, "-|", "sh", "-c", "exec 2>&1; $commands[$number]" or die "cannot run sh: $!\n";
    $running{fileno $pipe} = {number => $number, pipe => $pipe, text => ""};
}
sub more_from {
    my ($fd) = @_;
    my $command = $running{$fd};
    my $count = sysread $command->{pipe}, $command->{text}, 65536, length $command->{text};
    print "$command->{number}:$1\n" while $command->{text} =~ s/\A([^\n]*)\n//;
    return if $count;
    print "$command->{number}:$command->{text}\n" if $command->{text} ne "";
    close $command->{pipe};
    print "$command->{number}=", ($? & 127 ? 128 + ($? & 127) : $? >> 8), "\n";
    delete $running{$fd};
}
sub wait_for_all {
    while (%running) {
        my $read = "";
        vec($read, $_, 1) = 1 for keys %running;
        next if select($read, undef, undef, undef) < 0;
        for my $fd (sort { $a <=> $b } keys %running) { more_from($fd) if vec($read, $fd, 1) }
    }
}
for my $number (0 .. $#commands) {
    start($number);
    wait_for_all() if $how ne "together";
}
wait_for_all();
