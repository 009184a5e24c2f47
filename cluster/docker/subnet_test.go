package docker

import (
	"net/netip"
	"testing"
)

func candidates(key string, taken []netip.Prefix, most int) []netip.Prefix {
	var found []netip.Prefix
	subnets(key, taken, func(candidate netip.Prefix) bool {
		found = append(found, candidate)
		return len(found) < most
	})
	return found
}

func TestSubnetsAvoidWhatIsTaken(t *testing.T) {
	free := candidates("run", nil, 3)
	taken := []netip.Prefix{netip.PrefixFrom(free[0].Addr(), 28), free[1]}
	if got := candidates("run", taken, 1); got[0] != free[2] {
		t.Errorf("with %v taken the first candidate is %v, want %v", taken, got[0], free[2])
	}
	taken = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12")}
	if got := candidates("run", taken, 1); !netip.MustParsePrefix("192.168.0.0/16").Overlaps(got[0]) {
		t.Errorf("with the other private ranges taken the first candidate is %v", got[0])
	}
	if got := candidates("run", []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}, 1); got != nil {
		t.Errorf("with everything taken there is a candidate %v", got)
	}
}

func TestEverySubnetIsTriedOnce(t *testing.T) {
	seen := map[netip.Prefix]bool{}
	for _, candidate := range candidates("run", nil, 1<<20) {
		if seen[candidate] || candidate.Bits() != 24 || candidate != candidate.Masked() {
			t.Fatalf("candidate %v", candidate)
		}
		seen[candidate] = true
	}
	if want := 1<<14 + 1<<12 + 1<<8 + 1<<9; len(seen) != want {
		t.Errorf("%d candidates, want %d", len(seen), want)
	}
}

func TestRunsBeginAtDifferentSubnets(t *testing.T) {
	if a, b := candidates("aclients", nil, 1), candidates("bclients", nil, 1); a[0] == b[0] {
		t.Errorf("both begin at %v", a[0])
	}
}

func TestBrokersHaveStaticAddresses(t *testing.T) {
	if got := hostAddress(netip.MustParsePrefix("10.200.7.0/24"), firstBroker+1).String(); got != "10.200.7.12" {
		t.Errorf("broker 2 has %s", got)
	}
}

func TestRoutesAreReadSaveTheDefault(t *testing.T) {
	const text = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n" +
		"eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" +
		"docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n" +
		"short line\n"
	got := parseRoutes(text)
	if len(got) != 1 || got[0] != netip.MustParsePrefix("172.17.0.0/16") {
		t.Errorf("routes are %v", got)
	}
}
