# Makes the packets of this container to other brokers vanish, or arrive again:
#   isolate.sh lose|reach ADDRESS...
# An address is lost by a permanent entry of the neighbour table that names a
# hardware address which nobody has. Frames leave, and no one takes them: neither
# side sees a refusal or the end of a connection. The table is printed at the
# end, for the caller to see what is in force.
#
# It takes the arp command (BusyBox and net-tools have the same one), or perl,
# which Debian always has, for the two system calls that arp makes.
verb=$1
shift
if command -v arp >/dev/null 2>&1; then
	for address; do
		case $verb in
		lose) arp -s "$address" 02:00:00:00:00:00 || exit ;;
		reach) arp -d "$address" || true ;; # there may be none: the table tells
		esac
	done
else
	perl -MSocket -e '
		my ($verb, @addresses) = @ARGV;
		my ($request, $flags) = $verb eq "lose" ? (0x8955, 6) : (0x8953, 0);  # SIOCSARP, complete and permanent; SIOCDARP
		socket(my $any, AF_INET, SOCK_DGRAM, 0) or die "socket: $!\n";
		for my $address (@addresses) {
			# struct arpreq: protocol address, hardware address (Ethernet), flags, netmask, device
			my $entry = pack "S x2 a4 x8 S a6 x8 i x16 x16", AF_INET, inet_aton($address), 1, "\x02\0\0\0\0\0", $flags;
			ioctl($any, $request, $entry) or $verb eq "reach" or die "$address: $!\n";
		}' "$verb" "$@" || exit
fi
cat /proc/net/arp
