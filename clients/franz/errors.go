package franz

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history/outcome"
)

// certainlyNotAppended lists the errors after which a record cannot be in the
// log, now or later, each with the reason why that is certain. Everything else
// is unknown: a timeout, a disconnect, an exhausted retry count, and also a
// broker's refusal, since an earlier attempt of the same batch may have been
// appended and its answer lost.
var certainlyNotAppended = []error{
	// The record never entered the client's buffer, so no request carried it.
	kgo.ErrMaxBuffered,
}

// result says what came of a record that failed.
func result(err error) clients.Result {
	r := clients.Result{Outcome: told(err), Offset: outcome.NoOffset, Error: err.Error(), Retriable: kerr.IsRetriable(err)}
	if code := (*kerr.Error)(nil); errors.As(err, &code) {
		r.Class, r.Code = code.Message, code.Code
	}
	return r
}

func told(err error) outcome.Outcome {
	for _, certain := range certainlyNotAppended {
		if errors.Is(err, certain) {
			return outcome.Failed
		}
	}
	return outcome.Unknown
}
