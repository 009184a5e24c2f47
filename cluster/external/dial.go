package external

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/cluster"
)

// dialLimit bounds one connection, TLS and SASL included.
const dialLimit = 10 * time.Second

// session is what the broker said when the SASL exchange was over.
type session struct {
	// lifetime is how long the broker lets the session live (connections.max.
	// reauth.ms); 0 is without limit.
	lifetime time.Duration
}

// dial connects to an address and does all that the cluster's security wants.
// What it returns carries plain Kafka frames. ctx bounds it, and dialLimit.
func (s *Security) dial(ctx context.Context, address string) (net.Conn, session, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, dialLimit, fmt.Errorf("no answer within %s", dialLimit))
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, session{}, fmt.Errorf("connect to %s: %w", address, cause(ctx, err))
	}
	conn := raw
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	done := false
	defer func() {
		if !done {
			stop()
			_ = raw.Close()
		}
	}()
	if s.tls != nil {
		config := s.tls.Clone()
		if config.ServerName == "" {
			config.ServerName, _, _ = net.SplitHostPort(address)
		}
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, session{}, fmt.Errorf("TLS with %s: %w", address, s.explainTLS(cause(ctx, err)))
		}
		conn = secure
	}
	var is session
	if s.sasl() {
		if is, err = s.authenticate(ctx, conn, address); err != nil {
			return nil, session{}, fmt.Errorf("%s with %s as user %q: %w", s.mechanism, address, s.username, cause(ctx, err))
		}
	}
	if !stop() { // the context ended meanwhile, and took the connection along
		return nil, session{}, fmt.Errorf("connect to %s: %w", address, context.Cause(ctx))
	}
	done = true
	return conn, is, nil
}

// cause says why the context ended where that is what broke the connection.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil {
		return c
	}
	return err
}

func (s *Security) explainTLS(err error) error {
	var record tls.RecordHeaderError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.As(err, &record):
		return fmt.Errorf("%w (does this listener speak TLS at all?)", err)
	case errors.As(err, &authority):
		return fmt.Errorf("%w (name its authority's certificate with ssl.truststore.location)", err)
	case errors.As(err, &name):
		return fmt.Errorf("%w (idemcheck.tls.server.name says another; an empty ssl.endpoint.identification.algorithm allows any)", err)
	case errors.Is(err, io.EOF):
		return fmt.Errorf("the broker closed the connection (does this listener speak TLS at all?)")
	}
	return s.explainRefusal(err)
}

// refusesCertificate says whether the broker ended TLS, as far as can be told,
// over the certificate that it got or did not get. In TLS 1.3 that comes after
// the handshake, with whatever is read first.
func refusesCertificate(err error) bool {
	var alert *net.OpError // crypto/tls has no other mark for what the other side said
	if !errors.As(err, &alert) || alert.Op != "remote error" {
		return false
	}
	said := alert.Err.Error()
	return strings.Contains(said, "certificate") || strings.Contains(said, "handshake failure")
}

// explainRefusal adds what to do then; any other error is left as it is.
func (s *Security) explainRefusal(err error) error {
	switch {
	case !refusesCertificate(err):
		return err
	case s.tls.GetClientCertificate == nil:
		return fmt.Errorf("%w (does this listener want a client's certificate? name it, and its key, with ssl.keystore.location)", err)
	}
	return fmt.Errorf("%w (does the broker trust the authority that signed the certificate of ssl.keystore.location?)", err)
}

// authenticate does the SASL exchange: SaslHandshake version 1, then its tokens
// in SaslAuthenticate (KIP-152; brokers from 1.0 on). Afterwards the connection
// is an ordinary one, ApiVersions included.
func (s *Security) authenticate(ctx context.Context, conn net.Conn, address string) (session, error) {
	handshake := kmsg.NewPtrSASLHandshakeRequest()
	handshake.Version, handshake.Mechanism = 1, s.mechanism
	answer, err := cluster.Exchange(conn, handshake)
	if err != nil {
		return session{}, s.explainRefusal(explainSilence(err))
	}
	offered := answer.(*kmsg.SASLHandshakeResponse)
	if err := kerr.ErrorForCode(offered.ErrorCode); err != nil {
		return session{}, fmt.Errorf("%w (this listener offers %v)", err, offered.SupportedMechanisms)
	}
	exchangeOf, token, err := s.credentials().Authenticate(ctx, address)
	if err != nil {
		return session{}, err
	}
	for done := false; !done; {
		next := kmsg.NewPtrSASLAuthenticateRequest()
		next.Version, next.SASLAuthBytes = 1, token
		answer, err := cluster.Exchange(conn, next)
		if err != nil {
			return session{}, err
		}
		got := answer.(*kmsg.SASLAuthenticateResponse)
		if err := kerr.ErrorForCode(got.ErrorCode); err != nil {
			if got.ErrorMessage != nil {
				err = fmt.Errorf("%w: %s", err, s.redact(*got.ErrorMessage))
			}
			return session{}, err
		}
		if done, token, err = exchangeOf.Challenge(got.SASLAuthBytes); err != nil {
			return session{}, err
		}
		if done {
			return session{time.Duration(got.SessionLifetimeMillis) * time.Millisecond}, nil
		}
	}
	return session{}, nil
}

// explainSilence adds what a closed connection mostly means at that point.
func explainSilence(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the broker closed the connection (does this listener want SASL, and TLS as configured?)")
	}
	return err
}
