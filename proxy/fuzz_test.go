package proxy

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// FuzzGarbage sends anything both ways. Neither end may wait for bytes that
// the other has sent, unless they are an unfinished frame that must be seen
// whole; those come at the end of the stream.
func FuzzGarbage(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), []byte("HTTP/1.1 200 OK\r\n\r\n"), uint8(3))
	f.Add(produceFrame(1, 9, -1, load{"a", 0, 0, 2, 90}), answerFrame(1, 9, verdict{"a", 0, 0, 1}), uint8(5))
	f.Add(produceFrame(1, 13, -1, load{"a", 0, 0, 2, 90}), answerFrame(1, 13, verdict{"a", 0, 0, 1}), uint8(90))
	f.Add([]byte{0, 0, 0, 12, 0, 0, 0, 9, 0, 0, 0, 1, 0xff, 0xff, 0, 0}, []byte{0, 0, 0, 4, 0, 0, 0, 1}, uint8(1))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0}, []byte{0x80}, uint8(1))
	behind, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { behind.Close() })
	fleet := listen(f, 1)
	fleet.Serve(0, 9, dialer(behind.Addr().String()))
	f.Fuzz(func(t *testing.T, up, down []byte, piece uint8) {
		watch := time.AfterFunc(15*time.Second, func() {
			_, stacks := ours()
			panic("stalled:\n" + stacks)
		})
		defer watch.Stop()
		client, err := net.Dial("tcp", fleet.Addresses()[0])
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		broker, err := behind.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer broker.Close()
		reached := make(chan []byte, 1)
		go func() {
			all, _ := io.ReadAll(broker)
			reached <- all
		}()
		size := max(int(piece), len(up)/1000+1)
		for rest := up; len(rest) > 0; {
			n := min(size, len(rest))
			client.Write(rest[:n])
			rest = rest[n:]
		}
		got := make(chan []byte, 1)
		go func() {
			client.SetReadDeadline(time.Now().Add(10 * time.Second))
			all, err := io.ReadAll(client)
			if err, ok := err.(net.Error); ok && err.Timeout() {
				all = []byte("timeout")
			}
			got <- all
		}()
		broker.Write(down)
		broker.(*net.TCPConn).CloseWrite()
		if all := <-got; !bytes.Equal(all, down) {
			t.Errorf("the client got %q of %q", all, down)
		}
		if all := <-reached; !bytes.HasPrefix(up, all) {
			t.Errorf("the broker got %q, which does not begin %q", all, up)
		}
	})
}
