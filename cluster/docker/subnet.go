package docker

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"math/bits"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// subnetPools are where networks are put: private ranges (RFC 1918) and the
// range for benchmarks (RFC 2544), each cut into networks of 256 addresses.
var subnetPools = []string{"10.192.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15"}

// errNoSubnet: every candidate overlaps a network that exists.
var errNoSubnet = errors.New("no free range of addresses is left for a container network: remove unused Docker networks (idemcheck clean, docker network prune)")

// subnets yields candidate networks that overlap none of the taken ones. Runs
// begin at different places, by key, so that two that start at the same moment
// hardly ever try the same; the engine refuses an overlap if they do.
func subnets(key string, taken []netip.Prefix, yield func(netip.Prefix) bool) {
	hash := fnv.New32a()
	hash.Write([]byte(key))
	for _, pool := range subnetPools {
		prefix := netip.MustParsePrefix(pool)
		count := uint32(1) << (24 - prefix.Bits())
		base := binary.BigEndian.Uint32(prefix.Addr().AsSlice())
		for i := range count {
			var address [4]byte
			binary.BigEndian.PutUint32(address[:], base+((hash.Sum32()+i)%count)<<8)
			candidate := netip.PrefixFrom(netip.AddrFrom4(address), 24)
			if !overlapsAny(candidate, taken) && !yield(candidate) {
				return
			}
		}
	}
}

func overlapsAny(candidate netip.Prefix, taken []netip.Prefix) bool {
	for _, prefix := range taken {
		if prefix.Overlaps(candidate) {
			return true
		}
	}
	return false
}

// hostAddress returns the n-th address of a network.
func hostAddress(network netip.Prefix, n int) netip.Addr {
	address := network.Masked().Addr().As4()
	address[3] += byte(n)
	return netip.AddrFrom4(address)
}

// firstBroker is the place of broker 1 in its networks; the gateway has place 1.
const firstBroker = 11

// hostNetworks returns the networks that this host is on or has routes to,
// save the default route. What can't be read is left out.
func hostNetworks() []netip.Prefix {
	var found []netip.Prefix
	addresses, _ := net.InterfaceAddrs()
	for _, address := range addresses {
		if prefix, err := netip.ParsePrefix(address.String()); err == nil && prefix.Addr().Is4() {
			found = append(found, prefix.Masked())
		}
	}
	if routes, err := os.ReadFile("/proc/net/route"); err == nil {
		found = append(found, parseRoutes(string(routes))...)
	}
	return found
}

// parseRoutes reads /proc/net/route: a heading, then a line per route whose
// second and eighth fields are destination and mask, as hexadecimal numbers in
// the byte order of the machine (little endian wherever Docker is common).
func parseRoutes(text string) []netip.Prefix {
	var found []netip.Prefix
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Scan()
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 8 {
			continue
		}
		destination, err1 := strconv.ParseUint(fields[1], 16, 32)
		mask, err2 := strconv.ParseUint(fields[7], 16, 32)
		if err1 != nil || err2 != nil || mask == 0 {
			continue
		}
		var address [4]byte
		binary.NativeEndian.PutUint32(address[:], uint32(destination))
		found = append(found, netip.PrefixFrom(netip.AddrFrom4(address), bits.OnesCount32(uint32(mask))))
	}
	return found
}
