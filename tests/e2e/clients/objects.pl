#!/usr/bin/perl
# Sys::Virt: objects, events with libvirt's own loop, a console stream. Arguments: URI, domain XML file, greeting.
use strict;
use warnings;
use Sys::Virt;
use Sys::Virt::Domain;
use Sys::Virt::Event;
use Sys::Virt::Stream;

$| = 1;
my ($uri, $file, $greeting) = @ARGV;
my $xml = do { local $/; open my $in, '<', $file or die "$file: $!"; <$in> };

Sys::Virt::Event::register_default();
my $conn = Sys::Virt->new(uri => $uri);
print "type ", $conn->get_type(), "\n";
die "no capabilities" unless $conn->get_capabilities() =~ /<capabilities>/;
my $node = $conn->get_node_info();
die "no memory" unless $node->{memory} > 0;

my @seen;
$conn->domain_event_register_any(undef, Sys::Virt::Domain::EVENT_ID_LIFECYCLE,
    sub { my ($c, $dom, $event, $detail) = @_; push @seen, $event; });

sub wait_for {
    my ($what, $test, $seconds) = @_;
    my $end = time + ($seconds || 90);
    # a timer makes the loop turn even when nothing happens
    my $timer = Sys::Virt::Event::add_timeout(50, sub { });
    until ($test->()) {
        die "waited in vain for $what; events: @seen" if time > $end;
        Sys::Virt::Event::run_default();
    }
    Sys::Virt::Event::remove_timeout($timer);
    print "$what\n";
}
sub saw { my $kind = shift; return grep { $_ == $kind } @seen; }

my $dom = $conn->define_domain($xml);
wait_for("defined", sub { saw(Sys::Virt::Domain::EVENT_DEFINED) });
die "active" if $dom->is_active();
my ($found) = grep { $_->get_name() eq $dom->get_name() } $conn->list_all_domains();
die "not listed" unless $found && $found->get_uuid_string() eq $dom->get_uuid_string();
$dom->create(Sys::Virt::Domain::START_PAUSED);
wait_for("started", sub { saw(Sys::Virt::Domain::EVENT_STARTED) });

my $console = '';
my $stream = $conn->new_stream(Sys::Virt::Stream::NONBLOCK);
$dom->open_console($stream, undef);
$stream->add_callback(Sys::Virt::Stream::EVENT_READABLE, sub {
    my ($st, $events) = @_;
    my $got = $st->recv(my $data, 4096);
    $console .= $data if $got > 0;
});
$dom->resume();
wait_for("greeting", sub { $console =~ /\Q$greeting\E/ });
$stream->remove_callback();
$stream->abort();

my $info = $dom->get_info();
die "state $info->{state}" unless $info->{state} == Sys::Virt::Domain::STATE_RUNNING;
my @stats = $conn->get_all_domain_stats(Sys::Virt::Domain::STATS_STATE);
die "no stats" unless @stats;
$dom->suspend();
wait_for("suspended", sub { saw(Sys::Virt::Domain::EVENT_SUSPENDED) });
$dom->destroy();
wait_for("stopped", sub { saw(Sys::Virt::Domain::EVENT_STOPPED) });
$dom->undefine();
wait_for("undefined", sub { saw(Sys::Virt::Domain::EVENT_UNDEFINED) });
eval { $conn->get_domain_by_name("no such domain"); };
die "found a domain that is not there" unless $@;
die "code " . $@->code unless $@->code == Sys::Virt::Error::ERR_NO_DOMAIN;
print "done\n";
